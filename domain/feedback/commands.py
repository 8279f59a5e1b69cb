"""What may be asked of feedback, and what the house must know to answer."""

from uuid import UUID

import msgspec

from domain.event import Code, Command, Facts, Instant, Text
from domain.feedback.events import (
    Adherence,
    Causality,
    Effectiveness,
    Rating,
    ReviewAction,
    SideEffect,
    SymptomScore,
)
from domain.patient.state import Standing


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

    rating: Rating | msgspec.UnsetType | None = msgspec.UNSET
    effectiveness: Effectiveness | msgspec.UnsetType | None = msgspec.UNSET
    adherence: Adherence | msgspec.UnsetType | None = msgspec.UNSET
    symptom_scores: tuple[SymptomScore, ...] | msgspec.UnsetType = msgspec.UNSET
    side_effects: tuple[SideEffect, ...] | msgspec.UnsetType = msgspec.UNSET
    comment: Text | msgspec.UnsetType | None = msgspec.UNSET


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
