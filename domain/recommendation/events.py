"""What happened to a recommendation: one author line for one diagnosis, and its versions."""

from typing import Literal
from uuid import UUID

from domain.event import Code, EvidenceLink, Fact, Instant, Locale, Narrative, ShortText, Text, Value
from domain.items import Item, ItemChange, Phase
from domain.patient.events import Tradition

AlertSeverity = Literal["mild", "moderate", "severe"]
Decision = Literal["keep", "revise", "suspend", "discontinue"]


class Goal(Value, frozen=True, kw_only=True, omit_defaults=True):
    metric: Code
    target: Code
    by: Instant | None = None


class SafetyCheck(Value, frozen=True, kw_only=True, omit_defaults=True):
    result: Literal["passed", "acknowledged", "not_applicable"] = "passed"
    alerts: tuple[Code, ...] = ()
    note: Text | None = None


class RecommendationDrafted(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.drafted"
):
    """`diagnosis_id` is None only for imported lines whose source names no diagnosis."""

    patient_id: UUID
    diagnosis_id: UUID | None
    tradition: Tradition
    goals: tuple[Goal, ...] = ()
    title: ShortText | None = None


class RecommendationIssued(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.issued"):
    recommendation_version: int
    items: tuple[Item, ...]
    phases: tuple[Phase, ...] = ()
    valid_from: Instant
    valid_until: Instant | None = None
    reason_code: Code = "INITIAL"
    decided_by: UUID
    approved_by: UUID | None = None
    safety_check: SafetyCheck


class RecommendationRevised(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.revised"
):
    recommendation_version: int
    base_version: int
    changes: tuple[ItemChange, ...]
    narrative: Narrative | None = None
    decided_by: UUID
    approved_by: UUID | None = None
    safety_check: SafetyCheck
    proposal_id: UUID | None = None


class RecommendationPhaseAdvanced(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.phase_advanced"
):
    recommendation_version: int
    from_phase: Phase | None
    to_phase: Phase
    criteria_met: tuple[ShortText, ...] = ()
    decided_by: UUID


class RecommendationSuspended(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.suspended"
):
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class RecommendationResumed(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.resumed"
):
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class RecommendationCompleted(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.completed"
):
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class RecommendationDiscontinued(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.discontinued"
):
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class RecommendationVersionRestored(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.version_restored"
):
    """`items` are those of the restored version, so that no view has to look them up."""

    recommendation_version: int
    restored_version: int
    items: tuple[Item, ...]
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()
    decided_by: UUID
    safety_check: SafetyCheck = SafetyCheck()


class RevisionProposed(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.revision_proposed"
):
    proposal_id: UUID
    base_version: int
    changes: tuple[ItemChange, ...]
    prediction_id: UUID | None = None
    narrative: Narrative | None = None


class ProposalRejected(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.proposal_rejected"
):
    proposal_id: UUID
    reason: ShortText | None = None


class SafetyReviewRequested(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.safety_review_requested"
):
    review_id: UUID
    trigger: ShortText
    severity: AlertSeverity


class SafetyReviewClosed(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.safety_review_closed"
):
    review_id: UUID
    severity: AlertSeverity
    decision: Decision
    note: Text | None = None


class RecommendationAcknowledged(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.acknowledged"
):
    recommendation_version: int
    by: UUID
    locale: Locale


RecommendationEvent = (
    RecommendationDrafted
    | RecommendationIssued
    | RecommendationRevised
    | RecommendationPhaseAdvanced
    | RecommendationSuspended
    | RecommendationResumed
    | RecommendationCompleted
    | RecommendationDiscontinued
    | RecommendationVersionRestored
    | RevisionProposed
    | ProposalRejected
    | SafetyReviewRequested
    | SafetyReviewClosed
    | RecommendationAcknowledged
)
