"""What comes of a command for a diagnosis."""

from typing import assert_never

from domain.diagnosis import observing, recording, staging
from domain.diagnosis.commands import (
    AddAssessment,
    AdviseReferral,
    ConfirmDiagnosis,
    DiagnosisCommand,
    DiagnosisFacts,
    EnterDiagnosisInError,
    ObserveSymptom,
    RecordDiagnosis,
    RecordFinding,
    RecurDiagnosis,
    RefuteDiagnosis,
    ResolveDiagnosis,
    RetractFinding,
    ReviseDiagnosis,
)
from domain.diagnosis.events import DiagnosisEvent
from domain.diagnosis.state import DiagnosisState


def decide(  # noqa: C901, PLR0911, PLR0912  # one line for each command reads best
    command: DiagnosisCommand, state: DiagnosisState, facts: DiagnosisFacts
) -> list[DiagnosisEvent]:
    """The events to append, none where nothing would change; raises NotFound, Rejected or Conflict."""
    match command:
        case RecordDiagnosis():
            return recording.record(command, state, facts)
        case ReviseDiagnosis():
            return recording.revise(command, state, facts)
        case EnterDiagnosisInError():
            return recording.enter_in_error(command, state, facts)
        case ConfirmDiagnosis():
            return staging.confirm(command, state, facts)
        case RefuteDiagnosis():
            return staging.refute(command, state, facts)
        case ResolveDiagnosis():
            return staging.resolve(command, state, facts)
        case RecurDiagnosis():
            return staging.recur(command, state, facts)
        case RecordFinding():
            return observing.record_finding(command, state, facts)
        case RetractFinding():
            return observing.retract_finding(command, state, facts)
        case AddAssessment():
            return observing.add_assessment(command, state, facts)
        case ObserveSymptom():
            return observing.observe_symptom(command, state, facts)
        case AdviseReferral():
            return observing.advise_referral(command, state, facts)
        case _:
            assert_never(command)
