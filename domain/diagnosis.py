"""A diagnosis: one stream per episode, from the first suspicion to its end."""

from typing import Annotated, Any, Literal
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
    Method,
    Narrative,
    ShortText,
    Text,
    Value,
)
from domain.patient import Standing, Tradition

Severity = Literal["mild", "moderate", "severe"]
Urgency = Literal["routine", "urgent", "emergency"]
OpenStatus = Literal["provisional", "differential", "confirmed"]
Modality = Literal[
    "tongue", "pulse", "urine", "iris", "face", "skin", "voice", "vitals", "interview", "lab"
]
Outcome = Literal["recovered", "improved", "unchanged", "worsened", "lost"]
Score = Annotated[float, msgspec.Meta(ge=0, le=10)]


class HumorShift(Value, frozen=True, kw_only=True, omit_defaults=True):
    humor: Literal["blood", "yellow_bile", "phlegm", "black_bile"]
    direction: Literal["excess", "deficit", "corrupted"]


class DiagnosisRecorded(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.recorded"):
    patient_id: UUID
    condition: Coded
    tradition: Tradition
    severity: Severity | None = None
    urgency: Urgency = "routine"
    onset: Instant | None = None
    status: OpenStatus = "provisional"


class FindingRecorded(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.finding_recorded"):
    finding_id: UUID
    modality: Modality
    attributes: dict[str, Any]
    confidence: Confidence = 1.0
    method: Method = "practitioner"
    media_hash: Code | None = None


class FindingRetracted(
    Correction, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.finding_retracted"
):
    finding_id: UUID
    reason_code: Code


class AssessmentAdded(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.assessment_added"):
    assessment_id: UUID
    tradition: Tradition
    statement: Text
    humors: tuple[HumorShift, ...] = ()
    confidence: Confidence = 1.0
    basis_finding_ids: tuple[UUID, ...] = ()
    predicted_by: Code | None = None


class SymptomObserved(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.symptom_observed"):
    symptom_code: Code
    score: Score
    scale: Code = "nrs"


class DiagnosisRevised(Correction, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.revised"):
    changes: dict[str, Change]
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class DiagnosisConfirmed(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.confirmed"):
    evidence: tuple[EvidenceLink, ...] = ()


class DiagnosisRefuted(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.refuted"):
    reason_code: Code


class DiagnosisResolved(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.resolved"):
    outcome: Outcome


class DiagnosisRecurred(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.recurred"):
    pass


class ReferralAdvised(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.referral_advised"):
    specialty: Code
    urgency: Urgency
    override_reason: Text | None = None


class DiagnosisEnteredInError(
    Correction, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.entered_in_error"
):
    reason_code: Code


DiagnosisEvent = (
    DiagnosisRecorded
    | FindingRecorded
    | FindingRetracted
    | AssessmentAdded
    | SymptomObserved
    | DiagnosisRevised
    | DiagnosisConfirmed
    | DiagnosisRefuted
    | DiagnosisResolved
    | DiagnosisRecurred
    | ReferralAdvised
    | DiagnosisEnteredInError
)


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


class DiagnosisDetails(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """The fields to revise: what is not named stays."""

    condition: Coded | msgspec.UnsetType = msgspec.UNSET
    tradition: Tradition | msgspec.UnsetType = msgspec.UNSET
    severity: Severity | None | msgspec.UnsetType = msgspec.UNSET
    urgency: Urgency | msgspec.UnsetType = msgspec.UNSET
    onset: Instant | None | msgspec.UnsetType = msgspec.UNSET
    status: Literal["provisional", "differential"] | msgspec.UnsetType = msgspec.UNSET


class ReviseDiagnosis(Command, frozen=True, kw_only=True):
    changes: DiagnosisDetails
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class ConfirmDiagnosis(Command, frozen=True, kw_only=True):
    evidence: tuple[EvidenceLink, ...] = ()


class RefuteDiagnosis(Command, frozen=True, kw_only=True):
    reason_code: Code


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
