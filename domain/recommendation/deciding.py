"""What comes of a command for a recommendation."""

from typing import assert_never

from domain.recommendation import proposing, standing, versioning, watching
from domain.recommendation.commands import (
    AcceptProposal,
    AcknowledgeRecommendation,
    AdvancePhase,
    CloseSafetyReview,
    CompleteRecommendation,
    DiscontinueRecommendation,
    IssueRecommendation,
    ProposeRevision,
    RecommendationCommand,
    RecommendationFacts,
    RejectProposal,
    RequestSafetyReview,
    RestoreVersion,
    ResumeRecommendation,
    ReviseRecommendation,
    SuspendRecommendation,
)
from domain.recommendation.events import RecommendationEvent
from domain.recommendation.state import RecommendationState


def decide(  # noqa: C901, PLR0911, PLR0912  # one line for each command reads best
    command: RecommendationCommand, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """The events to append, none where nothing would change; raises NotFound, Rejected or Conflict."""
    match command:
        case IssueRecommendation():
            return versioning.issue(command, state, facts)
        case ReviseRecommendation():
            return versioning.revise(command, state, facts)
        case AdvancePhase():
            return versioning.advance(command, state, facts)
        case RestoreVersion():
            return versioning.restore(command, state, facts)
        case SuspendRecommendation():
            return standing.suspend(command, state, facts)
        case ResumeRecommendation():
            return standing.resume(command, state, facts)
        case CompleteRecommendation():
            return standing.complete(command, state, facts)
        case DiscontinueRecommendation():
            return standing.discontinue(command, state, facts)
        case ProposeRevision():
            return proposing.propose(command, state, facts)
        case AcceptProposal():
            return proposing.accept(command, state, facts)
        case RejectProposal():
            return proposing.reject(command, state, facts)
        case RequestSafetyReview():
            return watching.request_review(command, state, facts)
        case CloseSafetyReview():
            return watching.close_review(command, state, facts)
        case AcknowledgeRecommendation():
            return watching.acknowledge(command, state, facts)
        case _:
            assert_never(command)
