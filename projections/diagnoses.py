"""What a patient has and had: each diagnosis as it stands, and every step and revision on the way."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.diagnosis import events as diagnosis
from domain.diagnosis.events import Severity, Urgency
from domain.event import Change, Coded, Event, EvidenceLink, Narrative, Precision, Value
from domain.patient import Tradition
from domain.recorded import Recorded
from projections.model import ReadModel, Row, Rows, Table, Touch

Status: TypeAlias = Literal[
    "provisional", "differential", "confirmed", "resolved", "recurrent", "refuted", "entered_in_error"
]
Part: TypeAlias = Literal["finding", "assessment", "symptom", "referral"]


class Revision(Value, frozen=True, kw_only=True, omit_defaults=False):
    """One change of a diagnosis, and why."""

    version: int
    tag: str
    changes: dict[str, Change]
    reason_code: str | None = None
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()
    occurred_at: datetime
    recorded_at: datetime
    position: int
    decided_by: UUID


class Diagnosis(Row, frozen=True, kw_only=True):
    """A diagnosis today; `version` and `position` are those of its last event."""

    diagnosis_id: UUID
    patient_id: UUID
    version: int
    position: int
    status: Status
    condition: Coded
    tradition: Tradition
    severity: Severity | None
    urgency: Urgency
    onset: datetime | None
    outcome: str | None = None
    ended_at: datetime | None = None
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    recorded_by: UUID
    revisions: tuple[Revision, ...] = ()


class Entry(Row, frozen=True, kw_only=True):
    """Something seen, thought or advised; what was retracted stays, and says why."""

    diagnosis_id: UUID
    version: int
    part: Part
    entry_id: UUID | None = None
    data: dict[str, Any]
    retracted: str | None = None
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    position: int
    recorded_by: UUID


DIAGNOSIS = Table("diagnosis", Diagnosis, key=("diagnosis_id",))
ENTRY = Table("entry", Entry, key=("diagnosis_id", "version"))

Envelope: TypeAlias = Recorded[Event]


def _record(_rows: Rows, recorded: Envelope, event: diagnosis.DiagnosisRecorded) -> Iterator[Row]:
    yield Diagnosis(
        diagnosis_id=recorded.stream_id,
        patient_id=event.patient_id,
        version=recorded.version,
        position=recorded.position,
        status=event.status,
        condition=event.condition,
        tradition=event.tradition,
        severity=event.severity,
        urgency=event.urgency,
        onset=event.onset,
        occurred_at=event.occurred_at,
        precision=event.precision,
        recorded_at=recorded.recorded_at,
        recorded_by=recorded.actor_id,
    )


def _standing(rows: Rows, recorded: Envelope) -> Iterator[Diagnosis]:
    """The diagnosis of this stream, after this event; nothing where the past does not know of it yet."""
    found = rows.get(DIAGNOSIS, recorded.stream_id)
    if found is not None:
        yield replace(found, version=recorded.version, position=recorded.position)


def _revise(rows: Rows, recorded: Envelope, event: diagnosis.DiagnosisRevised) -> Iterator[Row]:
    for found in _standing(rows, recorded):
        values = {name: change.after for name, change in event.changes.items()}
        revised = {**msgspec.structs.asdict(found), **values}
        yield _with(msgspec.convert(revised, Diagnosis, from_attributes=True), recorded, event, event.changes)


Step: TypeAlias = (
    diagnosis.DiagnosisConfirmed
    | diagnosis.DiagnosisRefuted
    | diagnosis.DiagnosisResolved
    | diagnosis.DiagnosisRecurred
    | diagnosis.DiagnosisEnteredInError
)

STATUS: dict[type[Event], Status] = {
    diagnosis.DiagnosisConfirmed: "confirmed",
    diagnosis.DiagnosisRefuted: "refuted",
    diagnosis.DiagnosisResolved: "resolved",
    diagnosis.DiagnosisRecurred: "recurrent",
    diagnosis.DiagnosisEnteredInError: "entered_in_error",
}
ENDS = {"refuted", "resolved"}


def _step(rows: Rows, recorded: Envelope, event: Step) -> Iterator[Row]:
    for found in _standing(rows, recorded):
        status = STATUS[type(event)]
        outcome = event.outcome if isinstance(event, diagnosis.DiagnosisResolved) else None
        ended_at = event.occurred_at if status in ENDS else None
        changed = replace(found, status=status, outcome=outcome, ended_at=ended_at)
        yield _with(changed, recorded, event, {"status": Change(before=found.status, after=status)})


def _with(found: Diagnosis, recorded: Envelope, event: Event, changes: dict[str, Change]) -> Diagnosis:
    """Not every step gives a reason, or says more than its code."""
    revision = Revision(
        version=recorded.version,
        tag=recorded.tag,
        changes=changes,
        reason_code=getattr(event, "reason_code", None),
        narrative=getattr(event, "narrative", None),
        evidence=getattr(event, "evidence", ()),
        occurred_at=event.occurred_at,
        recorded_at=recorded.recorded_at,
        position=recorded.position,
        decided_by=recorded.actor_id,
    )
    return replace(found, revisions=(*found.revisions, revision))


PARTS: dict[type[Event], tuple[Part, str | None]] = {
    diagnosis.FindingRecorded: ("finding", "finding_id"),
    diagnosis.AssessmentAdded: ("assessment", "assessment_id"),
    diagnosis.SymptomObserved: ("symptom", None),
    diagnosis.ReferralAdvised: ("referral", None),
}
"""Which events are entries, and which of their fields is the entry's own id."""

FIELDS = {
    of: tuple(name for name in of.__struct_fields__ if name not in {"occurred_at", "precision", own_id})
    for of, (_, own_id) in PARTS.items()
}


def _enter(rows: Rows, recorded: Envelope, event: Event) -> Iterator[Row]:
    yield from _standing(rows, recorded)
    part, own_id = PARTS[type(event)]
    values = {name: getattr(event, name) for name in FIELDS[type(event)]}
    yield Entry(
        diagnosis_id=recorded.stream_id,
        version=recorded.version,
        part=part,
        entry_id=getattr(event, own_id) if own_id else None,
        data=msgspec.json.decode(msgspec.json.encode(values)),
        occurred_at=event.occurred_at,
        precision=event.precision,
        recorded_at=recorded.recorded_at,
        position=recorded.position,
        recorded_by=recorded.actor_id,
    )


def _retract(rows: Rows, recorded: Envelope, event: diagnosis.FindingRetracted) -> Iterator[Row]:
    yield from _standing(rows, recorded)
    for entry in rows.under(ENTRY, recorded.stream_id):
        if entry.entry_id == event.finding_id:
            yield replace(entry, retracted=event.reason_code)


FOLDS: dict[type[Event], Callable[[Rows, Envelope, Any], Iterable[Row]]] = {
    diagnosis.DiagnosisRecorded: _record,
    diagnosis.DiagnosisRevised: _revise,
    diagnosis.FindingRetracted: _retract,
    **dict.fromkeys(STATUS, _step),
    **dict.fromkeys(PARTS, _enter),
}


def touches(recorded: Envelope) -> Iterable[Touch]:
    event_type = type(recorded.event)
    if event_type not in FOLDS:
        return ()
    head = (DIAGNOSIS, recorded.stream_id)
    return (head, (ENTRY, recorded.stream_id)) if event_type is diagnosis.FindingRetracted else (head,)


def evolve(rows: Rows, recorded: Envelope) -> Iterable[Row]:
    fold = FOLDS.get(type(recorded.event))  # type: ignore[arg-type]  # None, the erased, is no key
    return () if fold is None else fold(rows, recorded, recorded.event)


MODEL = ReadModel(
    name="diagnoses", tables=(DIAGNOSIS, ENTRY), touches=touches, evolve=evolve, of=FOLDS.keys()
)
