"""What may be cited as evidence, and what became of it: rows that every model of decisions keeps."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

from msgspec.structs import replace

from domain import feedback, patient, prediction
from domain.diagnosis import events as diagnosis
from domain.event import Event, EvidenceType
from domain.recorded import Recorded
from projections.model import Row, Rows, Table

Fate: TypeAlias = Literal["amended", "retracted", "withdrawn", "ended", "entered_in_error", "voided"]


class Evidence(Row, frozen=True, kw_only=True):
    """Something that may be cited, on the stream that owns it; `fate` is what became of it, and when.

    `event_position` is where it was said first, for those who cite the event.
    """

    owner_id: UUID
    type: EvidenceType
    ref: str
    fate: Fate | None = None
    position: int
    recorded_at: datetime
    event_position: int


EVIDENCE = Table("evidence", Evidence, key=("owner_id", "type", "ref"))

Envelope: TypeAlias = Recorded[Event]


def _evidence(recorded: Envelope, of: EvidenceType, ref: object, fate: Fate | None = None) -> Evidence:
    """As this event says it, which is the first to say it."""
    return Evidence(
        owner_id=recorded.stream_id,
        type=of,
        ref=str(ref),
        fate=fate,
        position=recorded.position,
        recorded_at=recorded.recorded_at,
        event_position=recorded.position,
    )


def _meets(fate: Fate, evidence: Evidence, recorded: Envelope) -> Evidence:
    return replace(evidence, fate=fate, position=recorded.position, recorded_at=recorded.recorded_at)


def _said(_rows: Rows, recorded: Envelope, _event: Event) -> Iterator[Row]:
    """Cited as an event only."""
    yield _evidence(recorded, "event", recorded.position)


def _answer(_rows: Rows, recorded: Envelope, event: feedback.FeedbackSubmitted) -> Iterator[Row]:
    """What a patient says may be cited as such, and for the series that it goes on with."""
    yield _evidence(recorded, "feedback", recorded.stream_id)
    for code in dict.fromkeys(score.symptom_code for score in event.symptom_scores):
        yield _evidence(recorded, "symptom_series", code)


def _observe(rows: Rows, recorded: Envelope, event: diagnosis.SymptomObserved) -> Iterator[Row]:
    """A series is cited by its symptom, however often that was observed."""
    if rows.get(EVIDENCE, recorded.stream_id, "symptom_series", event.symptom_code) is None:
        yield _evidence(recorded, "symptom_series", event.symptom_code)


def _find(_rows: Rows, recorded: Envelope, event: diagnosis.FindingRecorded) -> Iterator[Row]:
    yield _evidence(recorded, "finding", event.finding_id)


def _assess(_rows: Rows, recorded: Envelope, event: diagnosis.AssessmentAdded) -> Iterator[Row]:
    yield _evidence(recorded, "assessment", event.assessment_id)


def _retract(rows: Rows, recorded: Envelope, event: diagnosis.FindingRetracted) -> Iterator[Row]:
    for evidence in rows.under(EVIDENCE, recorded.stream_id):
        if (evidence.type, evidence.ref) == ("finding", str(event.finding_id)):
            yield _meets("retracted", evidence, recorded)


def _enter_in_error(rows: Rows, recorded: Envelope, _event: Event) -> Iterator[Row]:
    for evidence in rows.under(EVIDENCE, recorded.stream_id):
        if evidence.fate != "retracted":
            yield _meets("entered_in_error", evidence, recorded)


Correcting: TypeAlias = (
    patient.PatientDetailsCorrected | diagnosis.DiagnosisRevised | feedback.FeedbackAmended
)


def _correct(rows: Rows, recorded: Envelope, event: Correcting) -> Iterator[Row]:
    """What opened this stream is told otherwise now."""
    told = {"event", "feedback", *(["symptom_series"] if "symptom_scores" in event.changes else [])}
    for evidence in rows.under(EVIDENCE, recorded.stream_id):
        if evidence.type in told:
            yield _meets("amended", evidence, recorded)


def _retract_feedback(rows: Rows, recorded: Envelope, _event: Event) -> Iterator[Row]:
    for evidence in rows.under(EVIDENCE, recorded.stream_id):
        yield _meets("retracted", evidence, recorded)


def _predict(_rows: Rows, recorded: Envelope, _event: Event) -> Iterator[Row]:
    yield _evidence(recorded, "prediction", recorded.stream_id)


def _void(rows: Rows, recorded: Envelope, _event: Event) -> Iterator[Row]:
    for evidence in rows.under(EVIDENCE, recorded.stream_id):
        yield _meets("voided", evidence, recorded)


def _withdraw(_rows: Rows, recorded: Envelope, event: patient.ConsentWithdrawn) -> Iterator[Row]:
    yield _evidence(recorded, "consent", event.scope, "withdrawn")


def _background(_rows: Rows, recorded: Envelope, event: patient.BackgroundRecorded) -> Iterator[Row]:
    """A background is cited by its code, or by its words where it has none."""
    if event.status == "ended":
        for ref in {event.code.text, event.code.code} - {None}:
            yield _evidence(recorded, "background", ref, "ended")


FOLDS: Mapping[type[Event], Callable[[Rows, Envelope, Any], Iterable[Row]]] = {
    patient.PatientRegistered: _said,
    patient.PatientDetailsCorrected: _correct,
    diagnosis.DiagnosisRecorded: _said,
    diagnosis.DiagnosisRevised: _correct,
    diagnosis.SymptomObserved: _observe,
    diagnosis.FindingRecorded: _find,
    diagnosis.AssessmentAdded: _assess,
    diagnosis.FindingRetracted: _retract,
    diagnosis.DiagnosisEnteredInError: _enter_in_error,
    feedback.FeedbackSubmitted: _answer,
    feedback.FeedbackAmended: _correct,
    feedback.FeedbackRetracted: _retract_feedback,
    prediction.PredictionMade: _predict,
    prediction.PredictionVoided: _void,
    patient.ConsentWithdrawn: _withdraw,
    patient.BackgroundRecorded: _background,
}
LOOKS_BACK: tuple[type[Event], ...] = (
    patient.PatientDetailsCorrected,
    diagnosis.DiagnosisRevised,
    diagnosis.SymptomObserved,
    diagnosis.FindingRetracted,
    diagnosis.DiagnosisEnteredInError,
    feedback.FeedbackAmended,
    feedback.FeedbackRetracted,
    prediction.PredictionVoided,
    patient.ConsentWithdrawn,
    patient.BackgroundRecorded,
)
"""The events whose folds look at what their stream has said so far."""


def evolve(rows: Rows, recorded: Envelope) -> Iterable[Row]:
    """The rows that an event changes."""
    fold = FOLDS.get(type(recorded.event))  # type: ignore[arg-type]  # None, the erased, is no key
    return () if fold is None else fold(rows, recorded, recorded.event)
