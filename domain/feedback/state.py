"""What deciding needs to know of a feedback, and how each event changes it."""

from datetime import datetime
from typing import assert_never
from uuid import UUID

import msgspec

from domain.changes import changed
from domain.errors import NotFound, Rejected
from domain.event import Precision
from domain.feedback.events import (
    Adherence,
    AdverseEventEscalated,
    FeedbackAmended,
    FeedbackEvent,
    FeedbackRetracted,
    FeedbackReviewed,
    FeedbackSubmitted,
    SideEffect,
    SymptomScore,
)


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The components of a feedback, as amended."""

    rating: int | None
    effectiveness: float | None
    adherence: Adherence | None
    symptom_scores: tuple[SymptomScore, ...]
    side_effects: tuple[SideEffect, ...]
    comment: str | None

    @property
    def severe(self) -> bool:
        """Whether somebody was harmed."""
        return any(effect.severity == "severe" for effect in self.side_effects)


class MissingFeedback(msgspec.Struct, frozen=True):
    pass


class GivenFeedback(msgspec.Struct, frozen=True, kw_only=True):
    patient_id: UUID
    answer: Answer
    captured_at: datetime
    precision: Precision
    escalated: bool = False
    review: FeedbackReviewed | None = None


class RetractedFeedback(msgspec.Struct, frozen=True, kw_only=True):
    patient_id: UUID


FeedbackState = MissingFeedback | GivenFeedback | RetractedFeedback
INITIAL: FeedbackState = MissingFeedback()


def given(state: FeedbackState) -> GivenFeedback:
    """A feedback that counts; raises NotFound, or Rejected for a retracted one."""
    match state:
        case MissingFeedback():
            raise NotFound("not_found")
        case RetractedFeedback():
            raise Rejected("feedback.retracted")
        case GivenFeedback():
            return state
        case _:
            assert_never(state)


def evolve(state: FeedbackState, event: FeedbackEvent) -> FeedbackState:
    """The state after one more event; one that cannot follow changes nothing."""
    match state:
        case MissingFeedback():
            return _submitted(event) if isinstance(event, FeedbackSubmitted) else state
        case GivenFeedback():
            return _gone_on(state, event)
        case RetractedFeedback():
            return state
        case _:
            assert_never(state)


def _submitted(event: FeedbackSubmitted) -> GivenFeedback:
    return GivenFeedback(
        patient_id=event.patient_id,
        answer=msgspec.convert(event, Answer, from_attributes=True),
        captured_at=event.occurred_at,
        precision=event.precision,
    )


def _gone_on(state: GivenFeedback, event: FeedbackEvent) -> FeedbackState:
    match event:
        case FeedbackSubmitted():
            return state
        case FeedbackAmended():
            return msgspec.structs.replace(state, answer=changed(state.answer, event.changes))
        case FeedbackRetracted():
            return RetractedFeedback(patient_id=state.patient_id)
        case FeedbackReviewed():
            return msgspec.structs.replace(state, review=event)
        case AdverseEventEscalated():
            return msgspec.structs.replace(state, escalated=True)
        case _:
            assert_never(event)
