"""How each event changes what is known of a patient."""

from typing import assert_never

import msgspec
from msgspec.structs import replace

from domain.changes import changed
from domain.event import Coded
from domain.patient.events import (
    BackgroundKind,
    BackgroundRecorded,
    CareTeamMemberAssigned,
    CareTeamMemberRemoved,
    ConsentGranted,
    ConsentWithdrawn,
    ConstitutionAssessed,
    PatientDeactivated,
    PatientDetailsCorrected,
    PatientDied,
    PatientErased,
    PatientErasureRequested,
    PatientEvent,
    PatientMergeReversed,
    PatientReactivated,
    PatientRegistered,
    PatientsMerged,
    PatientsMergeProposed,
)
from domain.patient.state import (
    ActivePatient,
    Consent,
    ConsentKey,
    DeactivatedPatient,
    DeadPatient,
    Details,
    ErasedPatient,
    Known,
    MemberKey,
    Membership,
    MergedPatient,
    MergeProposal,
    MissingPatient,
    PatientState,
    UnmergedPatient,
)


def evolve(state: PatientState, event: PatientEvent) -> PatientState:
    """The state after one more event; one that cannot follow changes nothing."""
    match state:
        case MissingPatient() if isinstance(event, PatientRegistered):
            return _registered(event)
        case ErasedPatient():
            return state
        case _ if isinstance(event, PatientErased):
            return ErasedPatient()
        case MissingPatient():
            return state
        case MergedPatient():
            return _evolve_merged(state, event)
        case _:
            return _evolve_unmerged(state, event)


def _registered(event: PatientRegistered) -> ActivePatient:
    details = msgspec.convert(event, Details, from_attributes=True)
    return ActivePatient(
        known=Known(
            details=details,
            registered_at=event.occurred_at,
            registered_precision=event.precision,
            since=event.occurred_at,
        )
    )


def _evolve_merged(state: MergedPatient, event: PatientEvent) -> PatientState:
    """A reversal restores the patient as they are by then; everything else goes on beneath the merge."""
    match event:
        case PatientsMerged(side="retired"):
            return state
        case PatientMergeReversed(side="retired"):
            return _with(state.patient, replace(state.patient.known, since=event.occurred_at))
        case _:
            return replace(state, patient=_evolve_status(state.patient, event))


def _evolve_unmerged(state: UnmergedPatient, event: PatientEvent) -> PatientState:
    match event:
        case PatientsMerged(side="retired"):
            patient = _with(state, replace(state.known, proposal=None))
            return MergedPatient(
                patient=patient,
                retired_id=event.retired_id,
                into=event.survivor_id,
                merged_at=event.occurred_at,
            )
        case _:
            return _evolve_status(state, event)


def _evolve_status(state: UnmergedPatient, event: PatientEvent) -> UnmergedPatient:
    known = state.known
    match state, event:
        case ActivePatient(), PatientDied():
            return DeadPatient(known=known, died_at=event.occurred_at, precision=event.precision)
        case DeadPatient(), PatientDetailsCorrected(changes={"died_at": died_at}):
            if died_at.after is None:
                return ActivePatient(known=known)
            return replace(state, died_at=msgspec.convert(died_at.after, type(state.died_at)))
        case ActivePatient(), PatientDeactivated():
            return DeactivatedPatient(known=replace(known, since=event.occurred_at))
        case DeactivatedPatient(), PatientReactivated():
            return ActivePatient(known=replace(known, since=event.occurred_at))
        case _:
            return _with(state, _learn(known, event))


def _with(state: UnmergedPatient, known: Known) -> UnmergedPatient:
    return replace(state, known=known)


def _learn(known: Known, event: PatientEvent) -> Known:
    match event:
        case PatientDetailsCorrected():
            return replace(known, details=changed(known.details, event.changes))
        case ConstitutionAssessed() | BackgroundRecorded():
            return _learn_health(known, event)
        case ConsentGranted() | ConsentWithdrawn() | CareTeamMemberAssigned() | CareTeamMemberRemoved():
            return _learn_trust(known, event)
        case PatientsMergeProposed() | PatientsMerged() | PatientMergeReversed():
            return _learn_merge(known, event)
        case PatientErasureRequested():
            return replace(known, erasure_requested=event.legal_basis)
        case (
            PatientRegistered()
            | PatientDied()
            | PatientDeactivated()
            | PatientReactivated()
            | PatientErased()
        ):
            return known
        case _:
            assert_never(event)


def background_key(kind: BackgroundKind, code: Coded) -> tuple[str, ...]:
    """What makes two entries the same one: their code, or their words where there is none."""
    if code.code is None:
        return kind, code.text.casefold()
    return kind, code.system or "", code.code


def _learn_health(known: Known, event: ConstitutionAssessed | BackgroundRecorded) -> Known:
    """The latest by clinical time stands: an older one that is learned later does not replace it."""
    match event:
        case ConstitutionAssessed():
            assessed = known.constitutions.get(event.tradition)
            if assessed and assessed.occurred_at > event.occurred_at:
                return known
            return replace(known, constitutions=known.constitutions | {event.tradition: event})
        case BackgroundRecorded():
            key = background_key(event.kind, event.code)
            recorded = known.backgrounds.get(key)
            if recorded and recorded.occurred_at > event.occurred_at:
                return known
            return replace(known, backgrounds=known.backgrounds | {key: event})
        case _:
            assert_never(event)


def _learn_trust(
    known: Known, event: ConsentGranted | ConsentWithdrawn | CareTeamMemberAssigned | CareTeamMemberRemoved
) -> Known:
    match event:
        case ConsentGranted() | ConsentWithdrawn():
            return replace(known, consents=after_consent(known.consents, event))
        case CareTeamMemberAssigned() | CareTeamMemberRemoved():
            return replace(known, care_team=after_membership(known.care_team, event))
        case _:
            assert_never(event)


def after_consent(
    consents: dict[ConsentKey, Consent], event: ConsentGranted | ConsentWithdrawn
) -> dict[ConsentKey, Consent]:
    consent = Consent(
        since=event.occurred_at,
        given=isinstance(event, ConsentGranted),
        policy_version=event.policy_version,
        expires_at=event.expires_at if isinstance(event, ConsentGranted) else None,
    )
    return consents | {(event.scope, event.grantee): consent}


def after_membership(
    care_team: dict[MemberKey, Membership], event: CareTeamMemberAssigned | CareTeamMemberRemoved
) -> dict[MemberKey, Membership]:
    until = event.until if isinstance(event, CareTeamMemberAssigned) else event.occurred_at
    member = Membership(since=event.occurred_at, until=until)
    return care_team | {(event.account_id, event.relation): member}


def _learn_merge(known: Known, event: PatientsMergeProposed | PatientsMerged | PatientMergeReversed) -> Known:
    match event:
        case PatientsMergeProposed():
            proposal = MergeProposal(
                survivor_id=event.survivor_id,
                retired_id=event.retired_id,
                proposed_by=event.proposed_by,
                proposed_at=event.occurred_at,
                evidence=event.evidence,
            )
            return replace(known, proposal=proposal)
        case PatientsMerged():
            return replace(known, absorbed=known.absorbed | {event.retired_id})
        case PatientMergeReversed(side="survivor"):
            return replace(known, absorbed=known.absorbed - {event.retired_id})
        case PatientMergeReversed():
            return replace(known, proposal=None)
        case _:
            assert_never(event)
