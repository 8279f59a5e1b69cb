"""How each event changes what is known of a diagnosis."""

from typing import assert_never

import msgspec

from domain.changes import changed
from domain.diagnosis.events import (
    AssessmentAdded,
    DiagnosisConfirmed,
    DiagnosisEnteredInError,
    DiagnosisEvent,
    DiagnosisRecorded,
    DiagnosisRecurred,
    DiagnosisRefuted,
    DiagnosisResolved,
    DiagnosisRevised,
    FindingRecorded,
    FindingRetracted,
    ReferralAdvised,
    SymptomObserved,
)
from domain.diagnosis.state import (
    Assessment,
    Chart,
    Details,
    DiagnosisInError,
    DiagnosisState,
    Finding,
    MissingDiagnosis,
    OpenDiagnosis,
    RecordedDiagnosis,
    RefutedDiagnosis,
    ResolvedDiagnosis,
)

StageEvent = DiagnosisConfirmed | DiagnosisRefuted | DiagnosisResolved | DiagnosisRecurred
ChartEvent = FindingRecorded | FindingRetracted | AssessmentAdded | SymptomObserved | ReferralAdvised


def evolve(state: DiagnosisState, event: DiagnosisEvent) -> DiagnosisState:
    """The state after one more event; one that cannot follow changes nothing."""
    match state:
        case MissingDiagnosis():
            return _recorded(event) if isinstance(event, DiagnosisRecorded) else state
        case OpenDiagnosis() | ResolvedDiagnosis() | RefutedDiagnosis():
            return _gone_on(state, event)
        case DiagnosisInError():
            return state
        case _:
            assert_never(state)


def _recorded(event: DiagnosisRecorded) -> OpenDiagnosis:
    chart = Chart(
        patient_id=event.patient_id,
        details=Details(
            condition=event.condition,
            tradition=event.tradition,
            severity=event.severity,
            urgency=event.urgency,
            onset=event.onset,
        ),
        recorded_at=event.occurred_at,
        precision=event.precision,
        since=event.occurred_at,
        referral_settled=event.referral_override is not None,
    )
    return OpenDiagnosis(chart=chart, stage=event.status)


def _gone_on(state: RecordedDiagnosis, event: DiagnosisEvent) -> DiagnosisState:
    match event:
        case DiagnosisRecorded():
            return state
        case DiagnosisEnteredInError():
            return DiagnosisInError()
        case DiagnosisRevised():
            return _revised(state, event)
        case DiagnosisConfirmed() | DiagnosisRefuted() | DiagnosisResolved() | DiagnosisRecurred():
            return _next_stage(msgspec.structs.replace(state.chart, since=event.occurred_at), event)
        case (
            FindingRecorded() | FindingRetracted() | AssessmentAdded() | SymptomObserved() | ReferralAdvised()
        ):
            return msgspec.structs.replace(state, chart=_charted(state.chart, event))
        case _:
            assert_never(event)


def _revised(state: RecordedDiagnosis, event: DiagnosisRevised) -> RecordedDiagnosis:
    status = event.changes.get("status")
    details = changed(state.chart.details, event.changes)
    settled = state.chart.referral_settled or event.referral_override is not None
    chart = msgspec.structs.replace(state.chart, details=details, referral_settled=settled)
    if isinstance(state, OpenDiagnosis) and status is not None:
        return OpenDiagnosis(chart=chart, stage=status.after)
    return msgspec.structs.replace(state, chart=chart)


def _next_stage(chart: Chart, event: StageEvent) -> RecordedDiagnosis:
    match event:
        case DiagnosisConfirmed():
            settled = chart.referral_settled or event.referral_override is not None
            chart = msgspec.structs.replace(chart, referral_settled=settled)
            return OpenDiagnosis(chart=chart, stage="confirmed")
        case DiagnosisRecurred():
            return OpenDiagnosis(chart=chart, stage="recurrent")
        case DiagnosisRefuted():
            return RefutedDiagnosis(chart=chart)
        case DiagnosisResolved():
            return ResolvedDiagnosis(chart=chart, outcome=event.outcome)
        case _:
            assert_never(event)


def _charted(chart: Chart, event: ChartEvent) -> Chart:
    """What is observed or advised beside the stages, and does not move the episode's time."""
    match event:
        case FindingRecorded():
            finding = Finding(
                by_model=event.method == "model", occurred_at=event.occurred_at, precision=event.precision
            )
            return msgspec.structs.replace(chart, findings={**chart.findings, event.finding_id: finding})
        case FindingRetracted():
            return msgspec.structs.replace(chart, retracted=chart.retracted | {event.finding_id})
        case AssessmentAdded():
            assessment = Assessment(by_model=event.predicted_by is not None, basis=event.basis_finding_ids)
            assessments = {**chart.assessments, event.assessment_id: assessment}
            return msgspec.structs.replace(chart, assessments=assessments)
        case SymptomObserved():
            return chart
        case ReferralAdvised():
            return msgspec.structs.replace(chart, referral_settled=True)
        case _:
            assert_never(event)
