"""What a patient answered to a version of a recommendation, and what became of the answer."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from domain.diagnosis.events import Score, Severity
from domain.event import Change, Code, Correction, Fact, Instant, ShortText, Text, Value

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
