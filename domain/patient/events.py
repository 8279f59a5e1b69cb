"""What can happen to a patient, and the words it is said in."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from domain.event import (
    Change,
    Code,
    Coded,
    Confidence,
    Correction,
    EvidenceLink,
    Fact,
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
Side = Literal["survivor", "retired"]


LegalBasis = Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}$")]
"""A code such as `GDPR.17`: it outlives the person, so it has no room for words about one."""


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
    """At the registration's time; a corrected `died_at` is an event of its own, at the time it had been."""

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
    """`policy_version` is the one that had been agreed to; None where the patient objects unasked."""

    scope: Scope
    policy_version: Code | None = None
    grantee: UUID | None = None


class CareTeamMemberAssigned(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.care_team_member_assigned"
):
    """The membership starts at `occurred_at`, and ends at `until`."""

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
    """On both streams, in one request: the survivor's first, the retired one's last. `side` says whose."""

    survivor_id: UUID
    retired_id: UUID
    approver: UUID
    evidence: tuple[EvidenceLink, ...] = ()
    side: Side = "retired"


class PatientMergeReversed(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.merge_reversed"):
    """On both streams, like the merge; a mere proposal (not `merged`) is called off on the retired one's."""

    survivor_id: UUID
    retired_id: UUID
    reason: ShortText | None = None
    merged: bool = True
    side: Side = "retired"


class PatientDeactivated(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.deactivated"):
    reason: ShortText | None = None


class PatientReactivated(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.reactivated"):
    reason: ShortText | None = None


class PatientErasureRequested(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.erasure_requested"
):
    legal_basis: LegalBasis


class PatientErased(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="patient.erased"):
    """Terminal, and never sealed: so `legal_basis` can only be a code, never words about a person."""

    legal_basis: LegalBasis


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
