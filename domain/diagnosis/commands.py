"""What may be asked of a diagnosis, and what the house must know to answer."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

import msgspec

from domain.diagnosis.events import HumorShift, Modality, OpenStatus, Outcome, Score, Severity, Urgency
from domain.event import (
    Code,
    Coded,
    Command,
    Confidence,
    EvidenceLink,
    Facts,
    Instant,
    Method,
    Narrative,
    Text,
)
from domain.patient.events import Tradition
from domain.patient.state import Standing


class RecordDiagnosis(Command, frozen=True, kw_only=True):
    condition: Coded
    tradition: Tradition = "modern"
    severity: Severity | None = None
    urgency: Urgency = "routine"
    onset: Instant | None = None
    status: OpenStatus = "provisional"
    referral_override: Text | None = None


class RecordFinding(Command, frozen=True, kw_only=True):
    finding_id: UUID | None = None
    modality: Modality
    attributes: dict[str, Any]
    confidence: Confidence = 1.0
    method: Method = "practitioner"
    media_hash: Code | None = None


class RetractFinding(Command, frozen=True, kw_only=True):
    """The finding stands in the path of the request, so the route fills it in."""

    finding_id: UUID
    reason_code: Code


class AddAssessment(Command, frozen=True, kw_only=True):
    assessment_id: UUID | None = None
    tradition: Tradition = "avicenna"
    statement: Text
    humors: tuple[HumorShift, ...] = ()
    confidence: Confidence = 1.0
    basis_finding_ids: tuple[UUID, ...] = ()
    predicted_by: Code | None = None


class ObserveSymptom(Command, frozen=True, kw_only=True):
    symptom_code: Code
    score: Score
    scale: Code = "nrs"
    raw: float | None = None


class DiagnosisDetails(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """The fields to revise: what is not named stays."""

    condition: Coded | msgspec.UnsetType = msgspec.UNSET
    tradition: Tradition | msgspec.UnsetType = msgspec.UNSET
    severity: Severity | msgspec.UnsetType | None = msgspec.UNSET
    urgency: Urgency | msgspec.UnsetType = msgspec.UNSET
    onset: Instant | msgspec.UnsetType | None = msgspec.UNSET
    status: Literal["provisional", "differential"] | msgspec.UnsetType = msgspec.UNSET


class ReviseDiagnosis(Command, frozen=True, kw_only=True):
    changes: DiagnosisDetails
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()
    referral_override: Text | None = None


class ConfirmDiagnosis(Command, frozen=True, kw_only=True):
    evidence: tuple[EvidenceLink, ...] = ()
    referral_override: Text | None = None


class RefuteDiagnosis(Command, frozen=True, kw_only=True):
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class ResolveDiagnosis(Command, frozen=True, kw_only=True):
    outcome: Outcome


class RecurDiagnosis(Command, frozen=True, kw_only=True):
    pass


class AdviseReferral(Command, frozen=True, kw_only=True):
    specialty: Code
    urgency: Urgency = "routine"
    override_reason: Text | None = None


class EnterDiagnosisInError(Command, frozen=True, kw_only=True):
    reason_code: Code


DiagnosisCommand = (
    RecordDiagnosis
    | RecordFinding
    | RetractFinding
    | AddAssessment
    | ObserveSymptom
    | ReviseDiagnosis
    | ConfirmDiagnosis
    | RefuteDiagnosis
    | ResolveDiagnosis
    | RecurDiagnosis
    | AdviseReferral
    | EnterDiagnosisInError
)


class DiagnosisFacts(Facts, frozen=True, kw_only=True):
    """`standing` says what the patient's own stream allows."""

    patient_id: UUID
    standing: Standing = "active"
    birth_date: date | None = None
