"""The stages of a diagnosis: confirmed, refuted, resolved, recurrent."""

from domain.diagnosis.commands import (
    ConfirmDiagnosis,
    DiagnosisFacts,
    RecurDiagnosis,
    RefuteDiagnosis,
    ResolveDiagnosis,
)
from domain.diagnosis.events import (
    DiagnosisConfirmed,
    DiagnosisEvent,
    DiagnosisRecurred,
    DiagnosisRefuted,
    DiagnosisResolved,
)
from domain.diagnosis.state import (
    Chart,
    DiagnosisState,
    OpenDiagnosis,
    RefutedDiagnosis,
    ResolvedDiagnosis,
    StandingDiagnosis,
    standing_diagnosis,
)
from domain.errors import FieldError, Rejected
from domain.event import Command
from domain.patient.state import takes_facts
from domain.reasons import unfit
from domain.rules import (
    a_practitioner_decides,
    evidence_resolves,
    has_words,
    is_import,
    not_before,
    refuse,
    well_told,
    when,
)


def confirm(command: ConfirmDiagnosis, state: DiagnosisState, facts: DiagnosisFacts) -> list[DiagnosisEvent]:
    """By a practitioner, on what somebody saw; what is severe or urgent has been referred before."""
    found = standing_diagnosis(state)
    if isinstance(found, OpenDiagnosis) and found.stage == "confirmed":
        return []
    if isinstance(found, ResolvedDiagnosis) or found.stage == "recurrent":
        raise Rejected("diagnosis.transition_not_allowed")
    refuse(
        _decided_now(command, found, facts),
        evidence_resolves(command.evidence, facts),
        has_words("referral_override", command.referral_override),
    )
    if not is_import(facts):
        _is_supported(found.chart)
        _is_referred(command, found.chart)
    return [
        DiagnosisConfirmed(
            occurred_at=when(command, facts, found.chart.since),
            precision=command.precision,
            evidence=command.evidence,
            referral_override=command.referral_override,
        )
    ]


def refute(command: RefuteDiagnosis, state: DiagnosisState, facts: DiagnosisFacts) -> list[DiagnosisEvent]:
    """Whatever is open may turn out not to be so."""
    if isinstance(state, RefutedDiagnosis):
        return []
    found = standing_diagnosis(state)
    if isinstance(found, ResolvedDiagnosis):
        raise Rejected("diagnosis.transition_not_allowed")
    refuse(
        _decided_now(command, found, facts),
        unfit("refute", command.reason_code, command.narrative, imported=is_import(facts)),
        evidence_resolves(command.evidence, facts),
    )
    return [
        DiagnosisRefuted(
            occurred_at=when(command, facts, found.chart.since),
            precision=command.precision,
            reason_code=command.reason_code,
            narrative=command.narrative,
            evidence=command.evidence,
        )
    ]


def resolve(command: ResolveDiagnosis, state: DiagnosisState, facts: DiagnosisFacts) -> list[DiagnosisEvent]:
    """Only what was confirmed ends; an import may tell the end of what was not."""
    found = standing_diagnosis(state)
    if isinstance(found, ResolvedDiagnosis):
        if found.outcome == command.outcome:
            return []
        raise Rejected("diagnosis.transition_not_allowed")
    if found.stage not in {"confirmed", "recurrent"} and not is_import(facts):
        raise Rejected("diagnosis.transition_not_allowed")
    refuse(_decided_now(command, found, facts))
    return [
        DiagnosisResolved(
            occurred_at=when(command, facts, found.chart.since),
            precision=command.precision,
            outcome=command.outcome,
        )
    ]


def recur(command: RecurDiagnosis, state: DiagnosisState, facts: DiagnosisFacts) -> list[DiagnosisEvent]:
    """Only what was resolved comes back."""
    found = standing_diagnosis(state)
    if isinstance(found, OpenDiagnosis):
        if found.stage == "recurrent":
            return []
        raise Rejected("diagnosis.transition_not_allowed")
    refuse(_decided_now(command, found, facts))
    at = when(command, facts, found.chart.since)
    return [DiagnosisRecurred(occurred_at=at, precision=command.precision)]


def _decided_now(command: Command, found: StandingDiagnosis, facts: DiagnosisFacts) -> tuple[FieldError, ...]:
    """A practitioner decides, not before the stage that this one follows, for a patient who takes facts."""
    takes_facts(facts.standing)
    return (
        *well_told(command, facts),
        *a_practitioner_decides(facts),
        *not_before(command, found.chart.since),
    )


def _is_supported(chart: Chart) -> None:
    """At least one live finding or assessment, and not a model's alone."""
    if not chart.support:
        raise Rejected("diagnosis.evidence_required")
    if all(each.by_model for each in chart.support):
        raise Rejected("diagnosis.model_alone")


def _is_referred(command: ConfirmDiagnosis, chart: Chart) -> None:
    """Severe or urgent needs a referral, or a reason why there is none."""
    if chart.details.needs_referral and not chart.referral_settled and command.referral_override is None:
        raise Rejected("diagnosis.referral_required")
