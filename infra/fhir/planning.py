"""One patient's records to requests for the log, decided as the API decides, on states carried forward."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.diagnosis import DiagnosisFacts
from domain.errors import DomainError
from domain.event import Actor, Event, Facts, Origin
from domain.patient import PatientFacts, standing
from domain.recommendation import RecommendationFacts
from infra.event_log.codec import storable
from infra.fhir import stated
from infra.fhir.aggregates import AGGREGATES
from infra.fhir.known import KnownPatient
from infra.fhir.planning_base import House, Step
from infra.fhir.planning_steps import Steps
from infra.fhir.spool import Kept
from infra.fhir.stated import AnyStated, PassedOver, StatedPatient, Unusable

IMPORTER = UUID("00000000-0000-7000-8000-000000000001")
"""The account under which imports are recorded. Fixed: the ids of their requests are made with it."""
ACTOR = Actor(account_id=IMPORTER, role="service")
DIGEST_DIGITS = 32


@dataclass(frozen=True)
class Request:
    """Events of one resource for one stream, which must stand at `version`; `before` is its state there.

    `by` is the account on whose behalf they are recorded.
    """

    stream_id: UUID
    version: int
    events: tuple[Event, ...]
    digest: str
    before: Any
    patient_version: int
    by: UUID | None = None


@dataclass(frozen=True)
class Refusal:
    """What is wrong with a resource, where in it, and the codes of all that is wrong."""

    code: str
    detail: str = ""
    codes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Planned:
    """What comes of one record: a request or none, and what is to be said about it."""

    record: AnyStated
    place: str
    request: Request | None = None
    passed_over: str | None = None
    refused: Refusal | None = None
    """What is right of the resource is requested all the same."""


@dataclass
class _Decided:
    events: list[Event] = field(default_factory=list)
    refusal: Refusal | None = None


class Planner:
    """Plans one patient. What it has planned it takes as done, so that the next record is decided on it."""

    def __init__(self, known: KnownPatient, house: House, kept: Iterable[Kept]) -> None:
        self._known = known
        self._house = house
        self._kept = list(kept)
        self._steps = Steps(known, house, (one.record for one in self._kept))

    def plan(self) -> Iterator[Planned]:
        """Every record, in the order of time; the patient comes first, the death last."""
        for one in sorted(self._kept, key=lambda one: self._steps.place_in_time(one.record)):
            try:
                yield self._planned(one)
            except PassedOver as why:
                yield Planned(one.record, one.place, passed_over=why.code)
            except Unusable as why:
                yield Planned(one.record, one.place, refused=Refusal(why.code, why.detail))

    def vanished(self) -> list[str]:
        """What was brought in before and is not stated any more; unknown where the patient is not stated."""
        if not any(isinstance(one.record, StatedPatient) for one in self._kept):
            return []
        stated_now = {one.record.ref for one in self._kept}
        return sorted(ref for ref in self._known.imported if ref not in stated_now)

    def _planned(self, one: Kept) -> Planned:
        record = self._steps.completed(one.record)
        digest = hashlib.sha256(stated.encode(record)).hexdigest()[:DIGEST_DIGITS]
        imported = self._known.imported.get(record.ref)
        if imported is not None and imported.digest == digest:
            return Planned(one.record, one.place)
        step = self._steps.step(record, again=imported is not None)
        decided = self._decide(step, record.ref)
        request = self._request(step, record, decided, digest)
        silent = request is None and decided.refusal is None and imported is not None
        passed_over = "import.change_without_event" if silent else None
        return Planned(one.record, one.place, request, passed_over, decided.refusal)

    def _decide(self, step: Step, ref: str) -> _Decided:
        """All commands, each on what the ones before made; a refused one does not hold up the others."""
        state = self._known.stream(step.stream_id, step.category).state
        aggregate, facts = AGGREGATES[step.category], self._facts(step, ref)
        decided = _Decided()
        for command in step.commands:
            try:
                events = aggregate.decide(command, state, facts)
                for event in events:
                    storable(event)
            except DomainError as error:
                decided.refusal = _refusal(error)
                continue
            for event in events:
                state = aggregate.evolve(state, event)
            decided.events += events
        return decided

    def _request(self, step: Step, record: AnyStated, decided: _Decided, digest: str) -> Request | None:
        """Where something was refused the digest is left out, so that the next run looks at it again."""
        if not decided.events:
            return None
        stream = self._known.stream(step.stream_id, step.category)
        request = Request(
            stream_id=step.stream_id,
            version=stream.version,
            events=tuple(decided.events),
            digest="" if decided.refusal else digest,
            before=stream.state,
            patient_version=self._known.patient.version,
            by=self._steps.author(record),
        )
        for number, event in enumerate(decided.events):
            self._known.learn(step.stream_id, event, record.ref, None if number else request.digest)
        return request

    def _facts(self, step: Step, ref: str) -> Facts:
        origin = Origin(channel="import", method="imported", source_ref=ref)
        common: dict[str, Any] = {
            "now": self._house.now,
            "actor": ACTOR,
            "origin": origin,
            "new_id": self._house.new_id(),
        }
        whose: dict[str, Any] = {
            "patient_id": self._known.patient_id,
            "standing": standing(self._known.patient.state),
        }
        match step.category:
            case "patient":
                return PatientFacts(**common)
            case "diagnosis":
                return DiagnosisFacts(**common, **whose)
            case _:
                return RecommendationFacts(**common, **whose, diagnosis_id=step.diagnosis_id)


def _refusal(error: DomainError) -> Refusal:
    where = ", ".join(f"{wrong.path}: {wrong.code}" for wrong in error.errors)
    return Refusal(error.code, where, frozenset(wrong.code for wrong in error.errors))
