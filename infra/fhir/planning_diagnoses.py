"""Diagnoses and symptoms: from what is stated to commands for a diagnosis' stream."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from domain.diagnosis import (
    ConfirmDiagnosis,
    DiagnosisConfirmed,
    DiagnosisDetails,
    DiagnosisEnteredInError,
    DiagnosisRecorded,
    DiagnosisRecurred,
    DiagnosisRefuted,
    DiagnosisResolved,
    DiagnosisRevised,
    EnterDiagnosisInError,
    ObserveSymptom,
    RecordDiagnosis,
    RecurDiagnosis,
    RefuteDiagnosis,
    ResolveDiagnosis,
    ReviseDiagnosis,
)
from domain.event import Command, Event
from domain.reasons import IMPORTED
from infra.fhir.planning_base import changed, told, view
from infra.fhir.stated import Ending, StatedDiagnosis, StatedSymptom

DETAILS = ("condition", "severity", "onset", "status")
ENDINGS: Mapping[type[Event], str | None] = {
    DiagnosisResolved: "resolved",
    DiagnosisRefuted: "refuted",
    DiagnosisEnteredInError: "entered_in_error",
    DiagnosisRecurred: None,
}


def of_diagnosis(
    record: StatedDiagnosis, said: list[Event], last: datetime | None, now: datetime
) -> list[Command]:
    """Recorded and ended as the source has it; afterwards exactly what it says otherwise."""
    wanted: dict[str, Any] = {
        "condition": record.condition,
        "severity": record.severity,
        "onset": record.onset.at if record.onset else None,
        "status": record.status,
    }
    known = view(said, DETAILS, DiagnosisRecorded, DiagnosisRevised)
    if not known:
        first: Command = RecordDiagnosis(**told(record.at, now), tradition="modern", **wanted)
        return [first, *_end(record.ending, None, last, now)]
    if any(isinstance(event, DiagnosisConfirmed) for event in said):
        known["status"] = "confirmed"
    commands = _corrections(changed(wanted, known), known["status"], now)
    return [*commands, *_end(record.ending, _ended(said), last, now)]


def _corrections(changes: dict[str, Any], status: str, now: datetime) -> list[Command]:
    """What was always so is revised; that it is confirmed is news. It cannot be unsaid."""
    new_status = changes.pop("status", status)
    if new_status not in {status, "confirmed"} and status != "confirmed":
        changes["status"] = new_status
    commands: list[Command] = []
    if changes:
        commands.append(ReviseDiagnosis(changes=DiagnosisDetails(**changes), reason_code=IMPORTED))
    if new_status == "confirmed" != status:
        commands.append(ConfirmDiagnosis(**told(None, now)))
    return commands


def _ended(said: Iterable[Event]) -> str | None:
    """How the source last said that it ended; None where it is open."""
    ended = None
    for event in said:
        ended = ENDINGS.get(type(event), ended)
    return ended


def _end(ending: Ending | None, ended: str | None, last: datetime | None, now: datetime) -> list[Command]:
    kind = ending.kind if ending else None
    if kind == ended:
        return []
    when = ending.at if ending else None
    not_before = last if when and when.precision == "unknown" else None
    match kind:
        case "resolved":
            return [ResolveDiagnosis(**told(when, now, not_before), outcome="not_stated")]
        case "refuted":
            return [RefuteDiagnosis(**told(when, now, not_before), reason_code=IMPORTED)]
        case "entered_in_error":
            return [EnterDiagnosisInError(reason_code=IMPORTED)]
        case _:
            return [RecurDiagnosis(**told(None, now))]


def of_symptom(record: StatedSymptom, now: datetime) -> tuple[Command]:
    return (
        ObserveSymptom(
            **told(record.at, now),
            symptom_code=record.symptom_code,
            score=record.score,
            scale=record.scale,
            raw=record.raw,
        ),
    )


def of_complaint(record: StatedSymptom, *, begins: bool, now: datetime) -> tuple[Command, ...]:
    """A symptom that belongs to no diagnosis is one: the first of its kind opens it, the later ones go on."""
    if not begins:
        return of_symptom(record, now)
    opened = RecordDiagnosis(
        **told(record.at, now), tradition="modern", condition=record.name, status="provisional"
    )
    return opened, *of_symptom(record, now)
