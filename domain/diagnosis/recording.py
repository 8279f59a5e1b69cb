"""What a diagnosis says: recording it, revising what was always so, taking it back."""

from collections.abc import Iterator

import msgspec

from domain.changes import change, changed, changes_between
from domain.diagnosis.commands import (
    DiagnosisDetails,
    DiagnosisFacts,
    EnterDiagnosisInError,
    RecordDiagnosis,
    ReviseDiagnosis,
)
from domain.diagnosis.events import (
    DiagnosisEnteredInError,
    DiagnosisEvent,
    DiagnosisRecorded,
    DiagnosisRevised,
)
from domain.diagnosis.state import (
    DiagnosisInError,
    DiagnosisState,
    MissingDiagnosis,
    OpenDiagnosis,
    RecordedDiagnosis,
    recorded,
)
from domain.errors import Conflict, FieldError, Rejected
from domain.event import Change
from domain.patient.state import takes_corrections, takes_facts
from domain.reasons import unfit
from domain.rules import (
    a_clinician_or_engine,
    a_practitioner_decides,
    evidence_resolves,
    has_words,
    is_import,
    not_before_birth,
    not_in_future,
    possible,
    refuse,
    well_told,
    when,
)


def record(command: RecordDiagnosis, state: DiagnosisState, facts: DiagnosisFacts) -> list[DiagnosisEvent]:
    """A suspicion; only an import may bring what was confirmed elsewhere."""
    if not isinstance(state, MissingDiagnosis):
        raise Conflict("diagnosis.recorded_already")
    takes_facts(facts.standing)
    details = DiagnosisDetails(condition=command.condition, onset=command.onset)
    refuse(
        well_told(command, facts),
        a_clinician_or_engine(facts),
        not_before_birth(command, facts.birth_date, facts),
        _sound(details, facts, ""),
        has_words("referral_override", command.referral_override),
    )
    if command.status == "confirmed" and not is_import(facts):
        refuse([FieldError(path="status", code="diagnosis.evidence_required")])
    return [
        DiagnosisRecorded(
            occurred_at=when(command, facts),
            precision=command.precision,
            patient_id=facts.patient_id,
            condition=command.condition,
            tradition=command.tradition,
            severity=command.severity,
            urgency=command.urgency,
            onset=command.onset,
            status=command.status,
            referral_override=command.referral_override,
        )
    ]


def revise(command: ReviseDiagnosis, state: DiagnosisState, facts: DiagnosisFacts) -> list[DiagnosisEvent]:
    """A correction: it takes the time at which the diagnosis was recorded."""
    found = recorded(state)
    takes_corrections(facts.standing)
    refuse(
        well_told(command, facts),
        a_practitioner_decides(facts),
        unfit("revise_diagnosis", command.reason_code, command.narrative, imported=is_import(facts)),
        evidence_resolves(command.evidence, facts),
        _sound(command.changes, facts, "changes."),
        _status_may_follow(command.changes, found),
        has_words("referral_override", command.referral_override),
    )
    differing = {
        **changes_between(found.chart.details, command.changes),
        **_status_change(command.changes, found),
    }
    if not differing:
        return []
    _referral_where_needed(command, found, differing, facts)
    return [
        DiagnosisRevised(
            occurred_at=found.chart.recorded_at,
            precision=found.chart.precision,
            changes=differing,
            reason_code=command.reason_code,
            narrative=command.narrative,
            evidence=command.evidence,
            referral_override=command.referral_override,
        )
    ]


def enter_in_error(
    command: EnterDiagnosisInError, state: DiagnosisState, facts: DiagnosisFacts
) -> list[DiagnosisEvent]:
    """It should never have been recorded; nothing follows."""
    if isinstance(state, DiagnosisInError):
        return []
    chart = recorded(state).chart
    takes_corrections(facts.standing)
    refuse(
        well_told(command, facts),
        a_practitioner_decides(facts),
        unfit("enter_in_error", command.reason_code, imported=is_import(facts)),
    )
    return [
        DiagnosisEnteredInError(
            occurred_at=chart.recorded_at, precision=chart.precision, reason_code=command.reason_code
        )
    ]


def _sound(details: DiagnosisDetails, facts: DiagnosisFacts, prefix: str) -> Iterator[FieldError]:
    if details.condition is not msgspec.UNSET:
        yield from has_words(f"{prefix}condition.text", details.condition.text)
    if details.onset is not msgspec.UNSET:
        yield from possible(f"{prefix}onset", details.onset)
        yield from not_in_future(f"{prefix}onset", details.onset, facts)


def _status_may_follow(wanted: DiagnosisDetails, found: RecordedDiagnosis) -> Iterator[FieldError]:
    """Revising moves only from provisional to differential; other stages have commands of their own."""
    if wanted.status is msgspec.UNSET:
        return
    stage = found.stage if isinstance(found, OpenDiagnosis) else None
    if wanted.status != stage and (stage, wanted.status) != ("provisional", "differential"):
        yield FieldError(path="changes.status", code="diagnosis.transition_not_allowed")


def _status_change(wanted: DiagnosisDetails, found: RecordedDiagnosis) -> dict[str, Change]:
    """Only after `_status_may_follow`."""
    if isinstance(found, OpenDiagnosis) and wanted.status not in {msgspec.UNSET, found.stage}:
        return {"status": change(found.stage, wanted.status)}
    return {}


def _referral_where_needed(
    command: ReviseDiagnosis, found: RecordedDiagnosis, differing: dict[str, Change], facts: DiagnosisFacts
) -> None:
    """What is confirmed does not become severe or urgent without a referral, or a reason for none."""
    if not isinstance(found, OpenDiagnosis) or found.stage not in {"confirmed", "recurrent"}:
        return
    settled = found.chart.referral_settled or command.referral_override is not None or is_import(facts)
    before = found.chart.details
    if not settled and not before.needs_referral and changed(before, differing).needs_referral:
        raise Rejected("diagnosis.referral_required")
