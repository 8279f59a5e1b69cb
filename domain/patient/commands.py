"""What can be asked of a patient's record."""

from datetime import date
from typing import Literal
from uuid import UUID

import msgspec

from domain.event import Code, Coded, Command, Confidence, EvidenceLink, Instant, Locale, ShortText
from domain.patient.events import BackgroundKind, Degree, LegalBasis, Mizaj, Relation, Scope, Sex, Tradition


class RegisterPatient(Command, frozen=True, kw_only=True):
    patient_no: Code
    name: ShortText
    birth_date: date | None = None
    sex: Sex = "unknown"
    phone: Code | None = None
    email: ShortText | None = None
    national_id: Code | None = None
    locale: Locale = "fa"


class PatientDetails(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """The details to correct: what is not named stays; null takes an optional one away.

    A `died_at` of null says that the patient had not died after all.
    """

    patient_no: Code | msgspec.UnsetType = msgspec.UNSET
    name: ShortText | msgspec.UnsetType = msgspec.UNSET
    birth_date: date | msgspec.UnsetType | None = msgspec.UNSET
    sex: Sex | msgspec.UnsetType = msgspec.UNSET
    phone: Code | msgspec.UnsetType | None = msgspec.UNSET
    email: ShortText | msgspec.UnsetType | None = msgspec.UNSET
    national_id: Code | msgspec.UnsetType | None = msgspec.UNSET
    locale: Locale | msgspec.UnsetType = msgspec.UNSET
    died_at: Instant | msgspec.UnsetType | None = msgspec.UNSET


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
    legal_basis: LegalBasis


class ErasePatient(Command, frozen=True, kw_only=True):
    legal_basis: LegalBasis


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
