"""Which of the evidence that a command names does not exist, or is another patient's."""

import re
from collections.abc import Collection, Iterable, Iterator
from uuid import UUID

import msgspec

from domain.catalog import tag_of
from domain.diagnosis import AssessmentAdded, FindingRecorded, FindingRetracted, SymptomObserved
from domain.event import Event, EvidenceLink
from domain.feedback import FeedbackRetracted, FeedbackSubmitted
from domain.patient import BackgroundRecorded, ConsentGranted, ConsentWithdrawn
from domain.prediction import PredictionMade, PredictionVoided
from domain.recorded import Recorded
from infra.commands.reading import Events

_POSITION = re.compile("[0-9]{1,18}")
IMPERSONAL = frozenset({"literature"})
BY_ID = frozenset({"feedback", "finding", "assessment", "prediction"})
RETRACTING: tuple[type[Event], ...] = (FindingRetracted, FeedbackRetracted, PredictionVoided)
SOURCES: dict[str, tuple[type[Event], ...]] = {
    "feedback": (FeedbackSubmitted,),
    "finding": (FindingRecorded,),
    "assessment": (AssessmentAdded,),
    "symptom_series": (SymptomObserved, FeedbackSubmitted),
    "prediction": (PredictionMade,),
    "background": (BackgroundRecorded,),
    "consent": (ConsentGranted, ConsentWithdrawn),
}
"""The events in which evidence of a type is found.

Cohort snapshots, catalogues and measurements are not recorded yet: such a link leads nowhere.
"""


def links(value: object) -> Iterator[EvidenceLink]:
    """Every evidence link anywhere in a command."""
    if isinstance(value, EvidenceLink):
        yield value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from links(getattr(value, name))
    elif isinstance(value, list | tuple):
        for part in value:
            yield from links(part)


async def unresolved(
    reader: Events, named: Iterable[EvidenceLink], patient_ids: Collection[UUID], until: int | None = None
) -> frozenset[tuple[str, str]]:
    """(type, ref) of the links that lead nowhere within these records of one person, up to a position."""
    wanted = {(link.type, link.ref) for link in named if link.type not in IMPERSONAL}
    if not wanted:
        return frozenset()
    kinds = {kind for type_, _ in wanted for kind in SOURCES.get(type_, ())}
    tags = sorted({tag_of(kind) for kind in (*kinds, *RETRACTING)})
    events = await reader.by_subject(patient_ids, until=until, tags=tags) if kinds else []
    found = _standing(events) | await _positions(reader, wanted, patient_ids, until)
    return frozenset(link for link in wanted if _plain(link) not in found)


def _standing(events: Iterable[Recorded[Event]]) -> set[tuple[str, str]]:
    """What these events can be cited for, but for what was taken back."""
    found: dict[UUID, set[tuple[str, str]]] = {}
    for recorded in events:
        match recorded.event:
            case FindingRetracted(finding_id=finding_id):
                found.pop(finding_id, None)
            case FeedbackRetracted() | PredictionVoided():
                found.pop(recorded.stream_id, None)
            case FindingRecorded(finding_id=finding_id):
                found.setdefault(finding_id, set()).update(references(recorded))
            case _:
                found.setdefault(recorded.stream_id, set()).update(references(recorded))
    return set().union(*found.values())


def _plain(link: tuple[str, str]) -> tuple[str, str]:
    """An id is the same however it is written."""
    type_, ref = link
    if type_ not in BY_ID:
        return link
    try:
        return type_, str(UUID(ref))
    except ValueError:
        return link


async def live_findings(reader: Events, patient_ids: Collection[UUID]) -> frozenset[UUID]:
    """The findings of a person that were not retracted."""
    tags = [tag_of(FindingRecorded), tag_of(FindingRetracted)]
    live: set[UUID] = set()
    for recorded in await reader.by_subject(patient_ids, tags=tags):
        match recorded.event:
            case FindingRecorded(finding_id=finding_id):
                live.add(finding_id)
            case FindingRetracted(finding_id=finding_id):
                live.discard(finding_id)
            case _:
                pass
    return frozenset(live)


async def _positions(
    reader: Events, named: Iterable[tuple[str, str]], patient_ids: Collection[UUID], until: int | None
) -> set[tuple[str, str]]:
    positions = {int(ref) for type_, ref in named if type_ == "event" and _POSITION.fullmatch(ref)}
    if until is not None:
        positions = {position for position in positions if position <= until}
    if not positions:
        return set()
    return {("event", str(r.position)) for r in await reader.at(positions) if r.subject_id in patient_ids}


def references(recorded: Recorded[Event]) -> Iterator[tuple[str, str]]:
    """(type, ref) of everything that an event can be cited for."""
    match recorded.event:
        case FindingRecorded(finding_id=finding_id):
            yield "finding", str(finding_id)
        case AssessmentAdded(assessment_id=assessment_id):
            yield "assessment", str(assessment_id)
        case SymptomObserved(symptom_code=code):
            yield "symptom_series", code
        case FeedbackSubmitted(symptom_scores=scores):
            yield "feedback", str(recorded.stream_id)
            yield from (("symptom_series", score.symptom_code) for score in scores)
        case PredictionMade():
            yield "prediction", str(recorded.stream_id)
        case BackgroundRecorded(code=coded):
            yield from (("background", name) for name in (coded.code, coded.text) if name)
        case ConsentGranted(scope=scope) | ConsentWithdrawn(scope=scope):
            yield "consent", scope
        case _:
            pass
