"""Feedback: what a patient answers to a version of a recommendation, one stream per submission."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from domain.diagnosis import Score, Severity
from domain.event import Change, Code, Command, Correction, Fact, Facts, Instant, ShortText, Text, Value
from domain.patient import Standing

Causality = Literal["unlikely", "possible", "probable", "certain"]
ReviewAction = Literal["none", "revise", "suspend", "refer"]
Rating = Annotated[int, msgspec.Meta(ge=1, le=5)]
Effectiveness = Annotated[float, msgspec.Meta(ge=0, le=10)]
Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]


class Adherence(Value, frozen=True, kw_only=True, omit_defaults=True):
    taken: Count
    expected: Count
    reason: ShortText | None = None


class SymptomScore(Value, frozen=True, kw_only=True, omit_defaults=True):
    symptom_code: Code
    score: Score
    scale: Code = "nrs"


class SideEffect(Value, frozen=True, kw_only=True, omit_defaults=True):
    code: Code
    severity: Severity
    onset: Instant | None = None
    ongoing: bool = False


class FeedbackSubmitted(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="feedback.submitted"):
    """`occurred_at` equals `captured_at`; `recommendation_version` is the one the patient saw."""

    patient_id: UUID
    diagnosis_id: UUID | None
    recommendation_id: UUID
    recommendation_version: int
    item_id: UUID | None = None
    captured_at: Instant
    rating: Rating | None = None
    effectiveness: Effectiveness | None = None
    adherence: Adherence | None = None
    symptom_scores: tuple[SymptomScore, ...] = ()
    side_effects: tuple[SideEffect, ...] = ()
    comment: Text | None = None


class FeedbackAmended(Correction, frozen=True, kw_only=True, omit_defaults=True, tag="feedback.amended"):
    changes: dict[str, Change]
    reason_code: Code


class FeedbackRetracted(Correction, frozen=True, kw_only=True, omit_defaults=True, tag="feedback.retracted"):
    reason_code: Code


class FeedbackReviewed(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="feedback.reviewed"):
    causality: Causality
    action: ReviewAction
    note: Text | None = None


class AdverseEventEscalated(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="feedback.adverse_event_escalated"
):
    severity: Severity


FeedbackEvent = (
    FeedbackSubmitted | FeedbackAmended | FeedbackRetracted | FeedbackReviewed | AdverseEventEscalated
)


class SubmitFeedback(Command, frozen=True, kw_only=True):
    recommendation_version: int
    item_id: UUID | None = None
    captured_at: Instant | None = None
    rating: Rating | None = None
    effectiveness: Effectiveness | None = None
    adherence: Adherence | None = None
    symptom_scores: tuple[SymptomScore, ...] = ()
    side_effects: tuple[SideEffect, ...] = ()
    comment: Text | None = None


class FeedbackDetails(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """The parts to amend: what is not named stays, null takes a part away."""

    rating: Rating | None | msgspec.UnsetType = msgspec.UNSET
    effectiveness: Effectiveness | None | msgspec.UnsetType = msgspec.UNSET
    adherence: Adherence | None | msgspec.UnsetType = msgspec.UNSET
    symptom_scores: tuple[SymptomScore, ...] | msgspec.UnsetType = msgspec.UNSET
    side_effects: tuple[SideEffect, ...] | msgspec.UnsetType = msgspec.UNSET
    comment: Text | None | msgspec.UnsetType = msgspec.UNSET


class AmendFeedback(Command, frozen=True, kw_only=True):
    changes: FeedbackDetails
    reason_code: Code


class RetractFeedback(Command, frozen=True, kw_only=True):
    reason_code: Code


class ReviewFeedback(Command, frozen=True, kw_only=True):
    causality: Causality
    action: ReviewAction
    note: Text | None = None


FeedbackCommand = SubmitFeedback | AmendFeedback | RetractFeedback | ReviewFeedback


class SeenVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A version of the recommendation: since when it is in force, and the items it holds."""

    since: Instant
    item_ids: frozenset[UUID]


class FeedbackFacts(Facts, frozen=True, kw_only=True):
    """What the recommendation's and the patient's streams tell."""

    patient_id: UUID
    standing: Standing = "active"
    diagnosis_id: UUID | None
    recommendation_id: UUID
    versions: dict[int, SeenVersion]
    reporter_may_report: bool
    """The actor is the patient, or a guardian or proxy of theirs."""
