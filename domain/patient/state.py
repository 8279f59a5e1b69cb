"""What deciding needs to know of a patient, folded from the patient's own stream."""

from datetime import date, datetime
from typing import Literal, assert_never
from uuid import UUID

import msgspec

from domain.errors import NotFound, Rejected
from domain.event import EvidenceLink, Facts, Locale, Precision
from domain.patient.events import (
    BackgroundRecorded,
    ConstitutionAssessed,
    Relation,
    Scope,
    Sex,
    Tradition,
)

Standing = Literal["active", "dead", "deactivated", "merged", "erased", "missing"]
"""What a patient's own stream lets others record.

New facts only while active; until erased what corrects, and what stops a treatment.
"""


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """Who the patient is, as known now."""

    patient_no: str
    name: str
    birth_date: date | None = None
    sex: Sex = "unknown"
    phone: str | None = None
    email: str | None = None
    national_id: str | None = None
    locale: Locale = "fa"


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """The last word on one scope and grantee."""

    since: datetime
    given: bool
    policy_version: str | None
    expires_at: datetime | None = None


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """The last word on one account and relation; that of a removed member ends when it begins."""

    since: datetime
    until: datetime | None


ConsentKey = tuple[Scope, UUID | None]
"""A scope, and for whom: None is everybody."""
MemberKey = tuple[UUID, Relation]


class MergeProposal(msgspec.Struct, frozen=True, kw_only=True):
    survivor_id: UUID
    retired_id: UUID
    proposed_by: UUID
    proposed_at: datetime
    evidence: tuple[EvidenceLink, ...]


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """What stays true of a patient whatever becomes of them; `since` is their last change of status."""

    details: Details
    registered_at: datetime
    registered_precision: Precision
    since: datetime
    constitutions: dict[Tradition, ConstitutionAssessed] = {}
    backgrounds: dict[tuple[str, ...], BackgroundRecorded] = {}
    consents: dict[ConsentKey, Consent] = {}
    care_team: dict[MemberKey, Membership] = {}
    proposal: MergeProposal | None = None
    absorbed: frozenset[UUID] = frozenset()
    erasure_requested: str | None = None


class MissingPatient(msgspec.Struct, frozen=True):
    pass


class ActivePatient(msgspec.Struct, frozen=True, kw_only=True):
    known: Known


class DeactivatedPatient(msgspec.Struct, frozen=True, kw_only=True):
    known: Known


class DeadPatient(msgspec.Struct, frozen=True, kw_only=True):
    known: Known
    died_at: datetime
    precision: Precision


UnmergedPatient = ActivePatient | DeactivatedPatient | DeadPatient


class MergedPatient(msgspec.Struct, frozen=True, kw_only=True):
    """Retired into `into`; `patient` is what a reversal restores."""

    patient: UnmergedPatient
    retired_id: UUID
    into: UUID
    merged_at: datetime


class ErasedPatient(msgspec.Struct, frozen=True):
    pass


KnownPatient = UnmergedPatient | MergedPatient
PatientState = MissingPatient | KnownPatient | ErasedPatient
INITIAL: PatientState = MissingPatient()


class PatientFacts(Facts, frozen=True, kw_only=True):
    """`survivor` is the other patient's state where a merge names one; `survivor_group` its whole group."""

    survivor: PatientState | None = None
    survivor_group: frozenset[UUID] = frozenset()
    live_finding_ids: frozenset[UUID] = frozenset()


def standing(state: PatientState) -> Standing:
    match state:
        case MissingPatient():
            return "missing"
        case ActivePatient():
            return "active"
        case DeactivatedPatient():
            return "deactivated"
        case DeadPatient():
            return "dead"
        case MergedPatient():
            return "merged"
        case ErasedPatient():
            return "erased"
        case _:
            assert_never(state)


def takes_facts(standing: Standing) -> None:
    """Raise NotFound or Rejected unless new facts may be recorded for a patient who stands so."""
    takes_corrections(standing)
    match standing:
        case "dead":
            raise Rejected("patient.dead")
        case "deactivated":
            raise Rejected("patient.deactivated")
        case "merged":
            raise Rejected("patient.merged")
        case _:
            pass


def takes_corrections(standing: Standing) -> None:
    """Raise NotFound or Rejected unless what is recorded for a patient who stands so may be corrected."""
    match standing:
        case "missing":
            raise NotFound("not_found")
        case "erased":
            raise Rejected("patient.erased")
        case _:
            pass


def active(state: PatientState) -> Known:
    """What is known of a patient for whom new facts may be recorded; raises as `takes_facts`."""
    takes_facts(standing(state))
    return unmerged(state).known


def unmerged(state: PatientState) -> UnmergedPatient:
    """The patient as they are apart from any merge; raises as `takes_corrections`."""
    match state:
        case MissingPatient():
            raise NotFound("not_found")
        case ErasedPatient():
            raise Rejected("patient.erased")
        case MergedPatient():
            return state.patient
        case _:
            return state
