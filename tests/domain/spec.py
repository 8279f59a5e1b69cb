"""Stories of rules: given what happened, when somebody asks for something, then this happens, or a refusal.

`PATIENT = Spec(decide, evolve, INITIAL, facts)`, then
`PATIENT.given(registered).when(RecordDeath(), now=LATER).then(PatientDied(occurred_at=LATER))`.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from domain.errors import Conflict, DomainError, NotFound, Rejected
from domain.event import Actor, Event, Facts, Origin

C = TypeVar("C")
E = TypeVar("E", bound=Event)
F = TypeVar("F", bound=Facts)
S = TypeVar("S")

NOW = datetime(2026, 3, 21, 8, 0, tzinfo=UTC)
"""The hour of the stories, unless they say otherwise."""


def ago(**how_long: float) -> datetime:
    """A time before NOW: `ago(days=2)`."""
    return NOW - timedelta(**how_long)


def hence(**how_long: float) -> datetime:
    """A time after NOW: `hence(minutes=4)`."""
    return NOW + timedelta(**how_long)


def an_id(number: int) -> UUID:
    """The same id for the same number, in the shape of a uuid7 of shard 0."""
    return UUID(f"01900000-0000-7000-8000-{number << 16:012x}")


PRACTITIONER = Actor(account_id=an_id(901), role="practitioner")
PATIENT = Actor(account_id=an_id(902), role="patient", patient_id=an_id(1))
ADMIN = Actor(account_id=an_id(903), role="admin")
ANOTHER_ADMIN = Actor(account_id=an_id(904), role="admin")
SERVICE = Actor(account_id=an_id(905), role="service")
AUDITOR = Actor(account_id=an_id(906), role="auditor")
ORIGIN = Origin()
BY_MODEL = Origin(channel="engine", method="model", model_id="tabib", model_version="3")
BY_IMPORT = Origin(channel="import", method="imported", source_ref="Patient/1")


class Outcome(Generic[C, E, F, S]):
    """What came of a command: events, or a refusal."""

    def __init__(
        self, story: "Story[C, E, F, S]", events: tuple[E, ...], refusal: DomainError | None
    ) -> None:
        self._story = story
        self.events = events
        self.refusal = refusal

    @property
    def state(self) -> S:
        """The state after it: that of before, where it was refused."""
        return self._story.after(self.events).state

    def then(self, *expected: E) -> "Story[C, E, F, S]":
        """Exactly these events, and the story may go on from there."""
        assert self.refusal is None, f"refused: {self.refusal.code} {self.refusal.errors}"
        assert self.events == expected
        return self._story.after(self.events)

    def then_nothing(self) -> "Story[C, E, F, S]":
        """The command would change nothing."""
        return self.then()

    def then_done(self) -> "Story[C, E, F, S]":
        """It was accepted, whatever it recorded; the story goes on from there."""
        assert self.refusal is None, f"refused: {self.refusal.code} {self.refusal.errors}"
        return self._story.after(self.events)

    def then_rejected(self, code: str, *fields: str) -> "Story[C, E, F, S]":
        """A rule forbids it; `fields` are all wrong ones, in order, as `path code`."""
        return self._then_refused(Rejected, code, fields)

    def then_conflict(self, code: str) -> "Story[C, E, F, S]":
        return self._then_refused(Conflict, code, ())

    def then_not_found(self, code: str = "not_found") -> "Story[C, E, F, S]":
        return self._then_refused(NotFound, code, ())

    def _then_refused(
        self, kind: type[DomainError], code: str, fields: tuple[str, ...]
    ) -> "Story[C, E, F, S]":
        assert self.refusal is not None, f"accepted: {self.events}"
        assert (type(self.refusal), self.refusal.code) == (kind, code)
        if fields:
            assert [f"{e.path} {e.code}" for e in self.refusal.errors] == list(fields)
        return self._story


class Story(Generic[C, E, F, S]):
    """A stream that has come so far."""

    def __init__(self, spec: "Spec[C, E, F, S]", events: tuple[E, ...]) -> None:
        self._spec = spec
        self.events = events

    @property
    def state(self) -> S:
        return self._spec.fold(self.events)

    def after(self, events: Iterable[E]) -> "Story[C, E, F, S]":
        return Story(self._spec, (*self.events, *events))

    def when(self, command: C, facts: F | None = None, **changes: object) -> Outcome[C, E, F, S]:
        """Ask for it, with the spec's facts or `facts`, of which `changes` replace some."""
        known = msgspec.structs.replace(self._spec.facts if facts is None else facts, **changes)
        try:
            events = tuple(self._spec.decide(command, self.state, known))
        except DomainError as refusal:
            return Outcome(self, (), refusal)
        return Outcome(self, events, None)


class Spec(Generic[C, E, F, S]):
    """The decider under test, and the facts that hold unless a story says otherwise."""

    def __init__(
        self,
        decide: Callable[[C, S, F], list[E]],
        evolve: Callable[[S, E], S],
        initial: S,
        facts: F,
    ) -> None:
        self.decide = decide
        self.evolve = evolve
        self.initial = initial
        self.facts = facts

    def given(self, *events: E) -> Story[C, E, F, S]:
        return Story(self, events)

    def fold(self, events: Iterable[E], state: S | None = None) -> S:
        return reduce(self.evolve, events, self.initial if state is None else state)

    def folds_in_parts(self, events: tuple[E, ...], cut: int) -> None:
        """The law of folds: all at once is the same as in two parts."""
        assert self.fold(events) == self.fold(events[cut:], self.fold(events[:cut]))

    def decides_lawfully(self, story: tuple[C, ...], facts: Iterable[F]) -> tuple[E, ...]:
        """Run commands one after another; refusals leave no event, and any other error is a bug.

        Returns the events of all, so that laws about folds can go on from there.
        """
        events: tuple[E, ...] = ()
        for command, known in zip(story, facts, strict=False):
            outcome = self.given(*events).when(command, known)
            assert outcome.refusal is None or type(outcome.refusal) in {NotFound, Rejected, Conflict}
            assert outcome.refusal is None or outcome.state == self.fold(events)
            events += outcome.events
        return events
