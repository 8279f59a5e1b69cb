"""A patient: who they are, what is constant about them, whom they trust, and how their record ends."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from domain.event import (
    Change,
    Code,
    Coded,
    Command,
    Confidence,
    Correction,
    EvidenceLink,
    Fact,
    Facts,
    Instant,
    Locale,
    ShortText,
)

Sex = Literal["female", "male", "other", "unknown"]
Mizaj = Literal["balanced", "hot", "cold", "dry", "wet", "hot_dry", "hot_wet", "cold_dry", "cold_wet"]
Tradition = Literal["avicenna", "tcm", "ayurveda", "modern"]
Degree = Annotated[int, msgspec.Meta(ge=-5, le=5)]
BackgroundKind = Literal["allergy", "condition", "medication", "pregnancy", "lifestyle"]
Scope = Literal["care", "share_with_practitioner", "research_cohort", "messaging", "export"]
Relation = Literal["practitioner", "guardian", "proxy"]
Standing = Literal["active", "dead", "deactivated", "merged", "erased", "missing"]
"""What a patient's own stream lets others record: new facts only while active, corrections until erased."""


class PatientRegistered(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.registered"):
    patient_no: Code
    name: ShortText
    birth_date: date | None = None
    sex: Sex = "unknown"
    phone: Code | None = None
    email: ShortText | None = None
    national_id: Code | None = None
    locale: Locale = "fa"


class PatientDetailsCorrected(
    Correction, frozen=True, kw_only=True, omit_defaults=True, tag="patient.details_corrected"
):
    changes: dict[str, Change]
    reason_code: Code


class PatientDied(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.died"):
    """`occurred_at` is the time of death."""


class ConstitutionAssessed(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.constitution_assessed"
):
    tradition: Tradition
    code: Mizaj
    hot_cold: Degree
    dry_wet: Degree
    confidence: Confidence
    basis_finding_ids: tuple[UUID, ...] = ()


class BackgroundRecorded(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.background_recorded"
):
    kind: BackgroundKind
    code: Coded
    status: Literal["active", "ended"] = "active"
    onset: Instant | None = None


class ConsentGranted(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.consent_granted"):
    scope: Scope
    policy_version: Code
    grantee: UUID | None = None
    expires_at: Instant | None = None


class ConsentWithdrawn(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.consent_withdrawn"):
    scope: Scope
    policy_version: Code
    grantee: UUID | None = None


class CareTeamMemberAssigned(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.care_team_member_assigned"
):
    """The membership starts at `occurred_at`."""

    account_id: UUID
    relation: Relation
    until: Instant | None = None


class CareTeamMemberRemoved(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.care_team_member_removed"
):
    account_id: UUID
    relation: Relation


class PatientsMergeProposed(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.merge_proposed"
):
    """On the stream of the retired patient, whose id is also the id of the merge."""

    survivor_id: UUID
    retired_id: UUID
    proposed_by: UUID
    evidence: tuple[EvidenceLink, ...] = ()


class PatientsMerged(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.merged"):
    """On both streams, in one request: the survivor's first, the retired one's last."""

    survivor_id: UUID
    retired_id: UUID
    approver: UUID
    evidence: tuple[EvidenceLink, ...] = ()


class PatientMergeReversed(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.merge_reversed"):
    """On both streams, like the merge."""

    survivor_id: UUID
    retired_id: UUID
    reason: ShortText | None = None


class PatientDeactivated(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.deactivated"):
    reason: ShortText | None = None


class PatientReactivated(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.reactivated"):
    reason: ShortText | None = None


class PatientErasureRequested(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.erasure_requested"
):
    legal_basis: Code


class PatientErased(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.erased"):
    """Terminal, and never sealed: `legal_basis` is a code, not words about a person."""

    legal_basis: Code


PatientEvent = (
    PatientRegistered
    | PatientDetailsCorrected
    | PatientDied
    | ConstitutionAssessed
    | BackgroundRecorded
    | ConsentGranted
    | ConsentWithdrawn
    | CareTeamMemberAssigned
    | CareTeamMemberRemoved
    | PatientsMergeProposed
    | PatientsMerged
    | PatientMergeReversed
    | PatientDeactivated
    | PatientReactivated
    | PatientErasureRequested
    | PatientErased
)


class RegisterPatient(Command, frozen=True, kw_only=True):
    patient_no: Code
    name: ShortText
    birth_date: date | None = None
    sex: Sex = "unknown"
    phone: Code | None = None
    email: ShortText | None = None
    national_id: Code | None = None
    locale: Locale = "fa"


class PatientDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The details to correct: what is not named stays; null takes an optional one away."""

    patient_no: Code | msgspec.UnsetType = msgspec.UNSET
    name: ShortText | msgspec.UnsetType = msgspec.UNSET
    birth_date: date | None | msgspec.UnsetType = msgspec.UNSET
    sex: Sex | msgspec.UnsetType = msgspec.UNSET
    phone: Code | None | msgspec.UnsetType = msgspec.UNSET
    email: ShortText | None | msgspec.UnsetType = msgspec.UNSET
    national_id: Code | None | msgspec.UnsetType = msgspec.UNSET
    locale: Locale | msgspec.UnsetType = msgspec.UNSET


class CorrectPatientDetails(Command, frozen=True, kw_only=True):
    changes: PatientDetails
    reason_code: Code


class RecordDeath(Command, frozen=True, kw_only=True):
    """`occurred_at` says when the patient died."""


class AssessConstitution(Command, frozen=True, kw_only=True):
    tradition: Tradition = "avicenna"
    code: Mizaj
    hot_cold: Degree
    dry_wet: Degree
    confidence: Confidence
    basis_finding_ids: tuple[UUID, ...] = ()


class RecordBackground(Command, frozen=True, kw_only=True):
    kind: BackgroundKind
    code: Coded
    status: Literal["active", "ended"] = "active"
    onset: Instant | None = None


class GrantConsent(Command, frozen=True, kw_only=True):
    scope: Scope
    policy_version: Code
    grantee: UUID | None = None
    expires_at: Instant | None = None


class WithdrawConsent(Command, frozen=True, kw_only=True):
    """The scope stands in the path of the request, so the route fills it in."""

    scope: Scope
    grantee: UUID | None = None


class AssignCareTeamMember(Command, frozen=True, kw_only=True):
    account_id: UUID
    relation: Relation
    until: Instant | None = None


class RemoveCareTeamMember(Command, frozen=True, kw_only=True):
    account_id: UUID
    relation: Relation


class ProposeMerge(Command, frozen=True, kw_only=True):
    survivor_id: UUID
    retired_id: UUID
    evidence: tuple[EvidenceLink, ...] = ()


class ApproveMerge(Command, frozen=True, kw_only=True):
    pass


class ReverseMerge(Command, frozen=True, kw_only=True):
    reason: ShortText | None = None


class DeactivatePatient(Command, frozen=True, kw_only=True):
    reason: ShortText | None = None


class ReactivatePatient(Command, frozen=True, kw_only=True):
    reason: ShortText | None = None


class RequestErasure(Command, frozen=True, kw_only=True):
    legal_basis: Code


class ErasePatient(Command, frozen=True, kw_only=True):
    legal_basis: Code


PatientCommand = (
    RegisterPatient
    | CorrectPatientDetails
    | RecordDeath
    | AssessConstitution
    | RecordBackground
    | GrantConsent
    | WithdrawConsent
    | AssignCareTeamMember
    | RemoveCareTeamMember
    | ProposeMerge
    | ApproveMerge
    | ReverseMerge
    | DeactivatePatient
    | ReactivatePatient
    | RequestErasure
    | ErasePatient
)


class PatientFacts(Facts, frozen=True, kw_only=True):
    """`survivor` is the other patient's state where a merge names one; `group` the ids already merged with it."""

    survivor: "PatientState | None" = None
    survivor_group: frozenset[UUID] = frozenset()
    live_finding_ids: frozenset[UUID] = frozenset()
