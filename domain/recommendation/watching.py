"""What happens beside the versions of a recommendation: safety reviews, and patients who have read it."""

from domain.errors import Conflict, FieldError, NotFound
from domain.patient.state import takes_corrections, takes_facts
from domain.recommendation.commands import (
    AcknowledgeRecommendation,
    CloseSafetyReview,
    RecommendationFacts,
    RequestSafetyReview,
)
from domain.recommendation.events import (
    RecommendationAcknowledged,
    RecommendationEvent,
    SafetyReviewClosed,
    SafetyReviewRequested,
)
from domain.recommendation.state import RecommendationState, issued
from domain.rules import LEEWAY, a_practitioner_decides, has_words, refuse, well_told, when


def request_review(
    command: RequestSafetyReview, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """Anybody may ask, at any time: also a rule, a model, or after the end.

    Like stopping, it protects: it can be asked for until the record is erased.
    """
    issued(state)
    takes_corrections(facts.standing)
    refuse(well_told(command, facts), has_words("trigger", command.trigger))
    return [
        SafetyReviewRequested(
            occurred_at=when(command, facts),
            precision=command.precision,
            review_id=facts.minted(1),
            trigger=command.trigger,
            severity=command.severity,
        )
    ]


def close_review(
    command: CloseSafetyReview, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """Tells what was decided; doing so is a command of its own, with a reason of its own.

    Like stopping, the answer protects: it can be given until the record is erased.
    """
    review = issued(state).line.reviews.get(command.review_id)
    if review is None:
        raise NotFound("not_found")
    if review.decision == command.decision:
        return []
    if review.decision is not None:
        raise Conflict("recommendation.safety_review_closed")
    takes_corrections(facts.standing)
    refuse(well_told(command, facts), a_practitioner_decides(facts))
    return [
        SafetyReviewClosed(
            occurred_at=when(command, facts),
            precision=command.precision,
            review_id=command.review_id,
            severity=review.severity,
            decision=command.decision,
            note=command.note,
        )
    ]


def acknowledge(
    command: AcknowledgeRecommendation, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """Once for each version and reader; a phone that was away may tell of an older version."""
    line = issued(state).line
    reader = facts.actor.account_id
    if (command.version, reader) in line.acknowledged:
        return []
    takes_facts(facts.standing)
    refuse(well_told(command, facts))
    at = when(command, facts)
    version = line.versions.get(command.version)
    if version is None:
        refuse([FieldError(path="version", code="recommendation.version_unknown")])
    elif at < version.since - LEEWAY:
        refuse([FieldError(path="occurred_at", code="recommendation.version_not_yet")])
    return [
        RecommendationAcknowledged(
            occurred_at=at,
            precision=command.precision,
            recommendation_version=command.version,
            by=reader,
            locale=command.locale,
        )
    ]
