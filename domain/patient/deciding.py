"""What comes of a command for a patient."""

from typing import assert_never

from domain.patient import ending, health, identity, merging, trust
from domain.patient.commands import (
    ApproveMerge,
    AssessConstitution,
    AssignCareTeamMember,
    CorrectPatientDetails,
    DeactivatePatient,
    ErasePatient,
    GrantConsent,
    PatientCommand,
    ProposeMerge,
    ReactivatePatient,
    RecordBackground,
    RecordDeath,
    RegisterPatient,
    RemoveCareTeamMember,
    RequestErasure,
    ReverseMerge,
    WithdrawConsent,
)
from domain.patient.events import PatientEvent
from domain.patient.state import PatientFacts, PatientState


def decide(command: PatientCommand, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    """The events to append, none where nothing would change; raises NotFound, Rejected or Conflict."""
    match command:
        case RegisterPatient() | CorrectPatientDetails() | RecordDeath():
            return identity.decide(command, state, facts)
        case AssessConstitution() | RecordBackground():
            return health.decide(command, state, facts)
        case GrantConsent() | WithdrawConsent() | AssignCareTeamMember() | RemoveCareTeamMember():
            return trust.decide(command, state, facts)
        case ProposeMerge() | ApproveMerge() | ReverseMerge():
            return merging.decide(command, state, facts)
        case DeactivatePatient() | ReactivatePatient() | RequestErasure() | ErasePatient():
            return ending.decide(command, state, facts)
        case _:
            assert_never(command)
