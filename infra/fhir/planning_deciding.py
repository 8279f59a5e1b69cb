"""Commands decided as the API decides, on states carried forward, and what is then asked of the log."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from domain.diagnosis import DiagnosisFacts
from domain.errors import DomainError
from domain.event import Actor, Event, Facts, Origin
from domain.patient import PatientFacts, standing
from domain.recommendation import RecommendationFacts
from infra.event_log.codec import storable
from infra.fhir.aggregates import AGGREGATES
from infra.fhir.known import KnownPatient
from infra.fhir.planning_base import House, Step

IMPORTER = UUID("00000000-0000-7000-8000-000000000001")
"""The account under which imports are recorded. Fixed: the ids of their requests are made with it."""
ACTOR = Actor(account_id=IMPORTER, role="service")


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


@dataclass
class Decided:
    """What came of the commands of a step, and what was refused of them."""

    events: list[Event] = field(default_factory=list)
    refusal: Refusal | None = None


class Deciding:
    """Of one patient. What is requested is taken as done, so that the next step is decided on it."""

    def __init__(self, known: KnownPatient, house: House) -> None:
        self._known = known
        self._house = house

    def decide(self, step: Step, ref: str) -> Decided:
        """All commands, each on what the ones before made; a refused one does not hold up the others."""
        state = self._known.stream(step.stream_id, step.category).state
        aggregate, facts = AGGREGATES[step.category], self._facts(step, ref)
        decided = Decided()
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

    def request(
        self, step: Step, ref: str, decided: Decided, digest: str, by: UUID | None = None
    ) -> Request | None:
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
            by=by,
        )
        for number, event in enumerate(decided.events):
            self._known.learn(step.stream_id, event, ref, None if number else request.digest)
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
