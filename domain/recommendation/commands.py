"""What may be asked of a recommendation, and what the house must know to answer."""

from uuid import UUID

from domain.event import Code, Command, EvidenceLink, Facts, Instant, Locale, Narrative, ShortText, Text
from domain.items import NewItem, NewItemChange, Phase
from domain.patient.events import Tradition
from domain.patient.state import Standing
from domain.recommendation.events import AlertSeverity, Decision, Goal, SafetyCheck


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
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class ResumeRecommendation(Command, frozen=True, kw_only=True):
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class CompleteRecommendation(Command, frozen=True, kw_only=True):
    reason_code: Code = "OUTCOME.GOAL_MET"
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class DiscontinueRecommendation(Command, frozen=True, kw_only=True):
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()


class RestoreVersion(Command, frozen=True, kw_only=True):
    restored_version: int
    reason_code: Code
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()
    safety_check: SafetyCheck = SafetyCheck()


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
    decision: Decision
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
