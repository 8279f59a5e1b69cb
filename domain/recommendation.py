"""A recommendation: one author line for one diagnosis, its versions, and why each came after the other."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from domain.event import Code, Coded, Command, EvidenceLink, Fact, Facts, Instant, Locale, Narrative, ShortText, Text, Value
from domain.patient import Standing, Tradition

Kind = Literal[
    "herbal",
    "mineral",
    "dietary",
    "avoidance",
    "lifestyle",
    "behavioral",
    "physical_therapy",
    "massage",
    "cupping",
    "spiritual",
    "natural",
    "medication",
    "monitoring",
    "referral",
]
Phase = Literal["cleansing", "balancing", "maintenance"]
Source = Literal["practitioner", "engine", "model", "knowledge_base", "import"]
Op = Literal["add", "replace", "remove", "reorder"]
ItemStatus = Literal["active", "on_hold", "stopped", "completed", "cancelled", "not_started"]
AlertSeverity = Literal["mild", "moderate", "severe"]


class Dose(Value, frozen=True, kw_only=True, omit_defaults=True):
    amount: Annotated[float, msgspec.Meta(gt=0)] | None = None
    unit: Code | None = None
    times_per_day: Annotated[float, msgspec.Meta(gt=0, le=96)] | None = None
    timing: ShortText | None = None
    text: Text | None = None


class Period(Value, frozen=True, kw_only=True, omit_defaults=True):
    """When a single item was in force, where its source says more than the version does."""

    start: Instant | None = None
    end: Instant | None = None
    end_precision: Literal["exact", "day", "unknown"] = "exact"


class Goal(Value, frozen=True, kw_only=True, omit_defaults=True):
    metric: Code
    target: Code
    by: Instant | None = None


class ItemBody(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What an item says, and so what its hash covers."""

    kind: Kind
    remedy: Coded
    preparation: Text | None = None
    dose: Dose | None = None
    duration_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    phase: Phase | None = None
    priority: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3
    cautions: tuple[Text, ...] = ()
    rationale: Text | None = None
    source: Source = "practitioner"
    status: ItemStatus = "active"
    period: Period | None = None
    source_ref: Code | None = None


class NewItem(ItemBody, frozen=True, kw_only=True, omit_defaults=True):
    """An item as a caller writes it: its id may be left to the house."""

    item_id: UUID | None = None


class Item(ItemBody, frozen=True, kw_only=True, omit_defaults=True):
    """An item as it is recorded: `item_id` is stable over versions, `item_hash` is of the canonical body."""

    item_id: UUID
    item_hash: Code


class SafetyCheck(Value, frozen=True, kw_only=True, omit_defaults=True):
    result: Literal["passed", "acknowledged", "not_applicable"] = "passed"
    alerts: tuple[Code, ...] = ()
    note: Text | None = None


class ItemChange(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One recorded entry of a revision; `index` is the place after a reorder or an add (default: the end)."""

    op: Op
    item_id: UUID
    before_hash: Code | None = None
    after: Item | None = None
    index: Annotated[int, msgspec.Meta(ge=0)] | None = None
    reason_code: Code
    evidence: tuple[EvidenceLink, ...] = ()


class NewItemChange(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One entry as a caller writes it: ids of added items may be left to the house."""

    op: Op
    item_id: UUID | None = None
    before_hash: Code | None = None
    after: NewItem | None = None
    index: Annotated[int, msgspec.Meta(ge=0)] | None = None
    reason_code: Code
    evidence: tuple[EvidenceLink, ...] = ()


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


class RecommendationResumed(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.resumed"
):
    reason_code: Code


class RecommendationCompleted(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.completed"
):
    reason_code: Code


class RecommendationDiscontinued(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="recommendation.discontinued"
):
    reason_code: Code


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
    decision: Literal["keep", "revise", "suspend", "discontinue"]
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


class IssueRecommendation(Command, frozen=True, kw_only=True):
    """Drafts the line and issues its version 1 in one step."""

    tradition: Tradition = "modern"
    items: tuple[NewItem, ...]
    goals: tuple[Goal, ...] = ()
    title: ShortText | None = None
    phases: tuple[Phase, ...] = ()
    valid_from: Instant | None = None
    valid_until: Instant | None = None
    approved_by: UUID | None = None
    safety_check: SafetyCheck = SafetyCheck()


class ReviseRecommendation(Command, frozen=True, kw_only=True):
    base_version: int
    changes: tuple[NewItemChange, ...]
    narrative: Narrative | None = None
    approved_by: UUID | None = None
    safety_check: SafetyCheck = SafetyCheck()


class AdvancePhase(Command, frozen=True, kw_only=True):
    to_phase: Phase
    criteria_met: tuple[ShortText, ...] = ()


class SuspendRecommendation(Command, frozen=True, kw_only=True):
    reason_code: Code


class ResumeRecommendation(Command, frozen=True, kw_only=True):
    reason_code: Code


class CompleteRecommendation(Command, frozen=True, kw_only=True):
    reason_code: Code = "OUTCOME.GOAL_MET"


class DiscontinueRecommendation(Command, frozen=True, kw_only=True):
    reason_code: Code


class RestoreVersion(Command, frozen=True, kw_only=True):
    restored_version: int
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class ProposeRevision(Command, frozen=True, kw_only=True):
    base_version: int
    changes: tuple[NewItemChange, ...]
    prediction_id: UUID | None = None
    narrative: Narrative | None = None


class AcceptProposal(Command, frozen=True, kw_only=True):
    """The proposal stands in the path; a practitioner accepts, and the line is revised by it."""

    proposal_id: UUID
    narrative: Narrative | None = None
    safety_check: SafetyCheck = SafetyCheck()


class RejectProposal(Command, frozen=True, kw_only=True):
    proposal_id: UUID
    reason: ShortText | None = None


class RequestSafetyReview(Command, frozen=True, kw_only=True):
    trigger: ShortText
    severity: AlertSeverity


class CloseSafetyReview(Command, frozen=True, kw_only=True):
    review_id: UUID
    decision: Literal["keep", "revise", "suspend", "discontinue"]
    note: Text | None = None


class AcknowledgeRecommendation(Command, frozen=True, kw_only=True):
    version: int
    locale: Locale = "fa"


RecommendationCommand = (
    IssueRecommendation
    | ReviseRecommendation
    | AdvancePhase
    | SuspendRecommendation
    | ResumeRecommendation
    | CompleteRecommendation
    | DiscontinueRecommendation
    | RestoreVersion
    | ProposeRevision
    | AcceptProposal
    | RejectProposal
    | RequestSafetyReview
    | CloseSafetyReview
    | AcknowledgeRecommendation
)


class RecommendationFacts(Facts, frozen=True, kw_only=True):
    """The patient's and the diagnosis' standing, as their own streams tell."""

    patient_id: UUID
    standing: Standing = "active"
    diagnosis_id: UUID | None = None
    diagnosis_open: bool = True
