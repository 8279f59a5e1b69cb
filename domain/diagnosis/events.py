"""What happened to a diagnosis: one stream per episode, from the first suspicion to its end."""

from typing import Annotated, Any, Literal
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
    Method,
    Narrative,
    Text,
    Value,
)
from domain.patient.events import Tradition

Severity = Literal["mild", "moderate", "severe"]
Urgency = Literal["routine", "urgent", "emergency"]
OpenStatus = Literal["provisional", "differential", "confirmed"]
Modality = Literal["tongue", "pulse", "urine", "iris", "face", "skin", "voice", "vitals", "interview", "lab"]
Outcome = Literal["recovered", "improved", "unchanged", "worsened", "lost", "not_stated"]
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
    referral_override: Text | None = None


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
    """`score` is on the house's scale, 10 the worst; `raw` as `scale` has it, where that is another one."""

    symptom_code: Code
    score: Score
    scale: Code = "nrs"
    raw: float | None = None


class DiagnosisRevised(Correction, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.revised"):
    changes: dict[str, Change]
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()
    referral_override: Text | None = None


class DiagnosisConfirmed(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.confirmed"):
    evidence: tuple[EvidenceLink, ...] = ()
    referral_override: Text | None = None


class DiagnosisRefuted(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis.refuted"):
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


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
