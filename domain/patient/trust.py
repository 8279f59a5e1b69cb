"""Whom the patient trusts: consents, and the people around the record."""

from typing import assert_never

from domain.errors import Rejected
from domain.patient.commands import (
    AssignCareTeamMember,
    GrantConsent,
    RemoveCareTeamMember,
    WithdrawConsent,
)
from domain.patient.events import (
    CareTeamMemberAssigned,
    CareTeamMemberRemoved,
    ConsentGranted,
    ConsentWithdrawn,
    PatientEvent,
    Relation,
)
from domain.patient.state import Known, PatientFacts, PatientState, active, unmerged
from domain.rules import (
    a_person_decides,
    ends_after_start,
    has_words,
    not_before,
    possible,
    refuse,
    well_told,
    when,
)

TrustCommand = GrantConsent | WithdrawConsent | AssignCareTeamMember | RemoveCareTeamMember
STANDS_IN: frozenset[Relation] = frozenset({"guardian", "proxy"})
"""Who speaks for the patient is not for those to choose who treat them."""


def decide(command: TrustCommand, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    """Trust is given while the record is active, and can be taken back until it is erased."""
    match command:
        case GrantConsent():
            return _grant(command, active(state), facts)
        case WithdrawConsent():
            return _withdraw(command, unmerged(state).known, facts)
        case AssignCareTeamMember():
            return _assign(command, active(state), facts)
        case RemoveCareTeamMember():
            return _remove(command, unmerged(state).known, facts)
        case _:
            assert_never(command)


def _grant(command: GrantConsent, known: Known, facts: PatientFacts) -> list[PatientEvent]:
    """A practitioner may write down a consent to care; to research only the patient's side consents."""
    last = known.consents.get((command.scope, command.grantee))
    since = last.since if last else None
    refuse(
        well_told(command, facts),
        a_person_decides(facts),
        has_words("policy_version", command.policy_version),
        possible("expires_at", command.expires_at),
        ends_after_start("expires_at", command.expires_at, command, facts),
        not_before(command, since),
    )
    if command.scope == "research_cohort" and facts.actor.role != "patient":
        raise Rejected("consent.research_by_patient")
    asked = (command.policy_version, command.expires_at)
    if last and last.given and (last.policy_version, last.expires_at) == asked:
        return []
    granted = ConsentGranted(
        occurred_at=when(command, facts, since),
        precision=command.precision,
        scope=command.scope,
        policy_version=command.policy_version,
        grantee=command.grantee,
        expires_at=command.expires_at,
    )
    return [granted]


def _withdraw(command: WithdrawConsent, known: Known, facts: PatientFacts) -> list[PatientEvent]:
    """Without a grantee it is withdrawn from everybody; what was never granted is objected to."""
    spoken = {grantee: c for (scope, grantee), c in known.consents.items() if scope == command.scope}
    grantees = {command.grantee: None} if command.grantee else dict.fromkeys((None, *spoken))
    open_ones = [grantee for grantee in grantees if grantee not in spoken or spoken[grantee].given]
    since = max((spoken[grantee].since for grantee in open_ones if grantee in spoken), default=None)
    refuse(well_told(command, facts), a_person_decides(facts), not_before(command, since))
    at = when(command, facts, since)
    return [
        ConsentWithdrawn(
            occurred_at=at,
            precision=command.precision,
            scope=command.scope,
            policy_version=spoken[grantee].policy_version if grantee in spoken else None,
            grantee=grantee,
        )
        for grantee in open_ones
    ]


def _assign(command: AssignCareTeamMember, known: Known, facts: PatientFacts) -> list[PatientEvent]:
    last = known.care_team.get((command.account_id, command.relation))
    since = last.since if last else None
    refuse(
        well_told(command, facts),
        a_person_decides(facts),
        possible("until", command.until),
        ends_after_start("until", command.until, command, facts),
        not_before(command, since),
    )
    at = when(command, facts, since)
    if last and last.until == command.until and (last.until is None or at < last.until):
        return []
    if command.account_id == facts.actor.account_id:
        raise Rejected("care_team.self_assigned")
    if command.relation in STANDS_IN and facts.actor.role not in {"patient", "admin"}:
        raise Rejected("care_team.guardian_by_patient")
    assigned = CareTeamMemberAssigned(
        occurred_at=at,
        precision=command.precision,
        account_id=command.account_id,
        relation=command.relation,
        until=command.until,
    )
    return [assigned]


def _remove(command: RemoveCareTeamMember, known: Known, facts: PatientFacts) -> list[PatientEvent]:
    last = known.care_team.get((command.account_id, command.relation))
    since = last.since if last else None
    refuse(
        well_told(command, facts),
        a_person_decides(facts),
        not_before(command, since),
    )
    at = when(command, facts, since)
    if last is None or (last.until is not None and last.until <= at):
        return []
    removed = CareTeamMemberRemoved(
        occurred_at=at,
        precision=command.precision,
        account_id=command.account_id,
        relation=command.relation,
    )
    return [removed]
