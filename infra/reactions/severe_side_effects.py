"""A severe side effect was told: the recommendation that it was told of is looked at again."""

from domain.feedback import AdverseEventEscalated, FeedbackSubmitted
from domain.recommendation import RequestSafetyReview
from infra.reactions.process_manager import History, ProcessManager, Reaction

ADVERSE_EVENT = "SAFETY.ADVERSE_EVENT"
"""What triggers the review: a code that the catalogs translate (`reason.*`)."""


def react(history: History) -> list[Reaction]:
    """Ask for a review as severe as the side effect."""
    submitted, escalated = history[0].event, history[-1].event
    if not isinstance(submitted, FeedbackSubmitted) or not isinstance(escalated, AdverseEventEscalated):
        return []
    review = RequestSafetyReview(trigger=ADVERSE_EVENT, severity=escalated.severity)
    return [Reaction(review, submitted.recommendation_id)]


MANAGER = ProcessManager(
    name="severe_side_effects", reacts_to=frozenset({AdverseEventEscalated}), react=react
)
