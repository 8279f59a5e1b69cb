"""Pauses and ends of a recommendation; none of them changes its version.

Stopping protects and adds nothing, so it stays possible as long as the record is not erased: for the dead,
the deactivated, and those who were merged into another record. Going on asks for one who takes new facts.
"""

from datetime import datetime

from domain.patient.state import takes_corrections, takes_facts
from domain.reasons import Occasion, unfit
from domain.recommendation.commands import (
    CompleteRecommendation,
    DiscontinueRecommendation,
    RecommendationFacts,
    ResumeRecommendation,
    SuspendRecommendation,
)
from domain.recommendation.events import (
    RecommendationCompleted,
    RecommendationDiscontinued,
    RecommendationEvent,
    RecommendationResumed,
    RecommendationSuspended,
)
from domain.recommendation.rules import decided_now, diagnosis_allows, no_severe_review
from domain.recommendation.state import (
    ActiveRecommendation,
    EndedRecommendation,
    RecommendationState,
    SuspendedRecommendation,
    open_line,
)
from domain.rules import evidence_resolves, is_import, refuse, when

StandingCommand = (
    SuspendRecommendation | ResumeRecommendation | CompleteRecommendation | DiscontinueRecommendation
)


def suspend(
    command: SuspendRecommendation, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    if isinstance(state, SuspendedRecommendation):
        return []
    return [
        RecommendationSuspended(
            occurred_at=_decided("suspend", command, state, facts),
            precision=command.precision,
            reason_code=command.reason_code,
            narrative=command.narrative,
            evidence=command.evidence,
        )
    ]


def resume(
    command: ResumeRecommendation, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """Not while a severe review is open: what was stopped for safety waits for its answer."""
    if isinstance(state, ActiveRecommendation):
        return []
    takes_facts(facts.standing)
    diagnosis_allows([command.reason_code], facts)
    at = _decided("resume", command, state, facts)
    no_severe_review(open_line(state))
    return [
        RecommendationResumed(
            occurred_at=at,
            precision=command.precision,
            reason_code=command.reason_code,
            narrative=command.narrative,
            evidence=command.evidence,
        )
    ]


def complete(
    command: CompleteRecommendation, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    if isinstance(state, EndedRecommendation) and state.end == "completed":
        return []
    return [
        RecommendationCompleted(
            occurred_at=_decided("complete", command, state, facts),
            precision=command.precision,
            reason_code=command.reason_code,
            narrative=command.narrative,
            evidence=command.evidence,
        )
    ]


def discontinue(
    command: DiscontinueRecommendation, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    if isinstance(state, EndedRecommendation) and state.end == "discontinued":
        return []
    return [
        RecommendationDiscontinued(
            occurred_at=_decided("discontinue", command, state, facts),
            precision=command.precision,
            reason_code=command.reason_code,
            narrative=command.narrative,
            evidence=command.evidence,
        )
    ]


def _decided(
    occasion: Occasion, command: StandingCommand, state: RecommendationState, facts: RecommendationFacts
) -> datetime:
    """When it was decided, for a reason that fits; raises for a line that has ended."""
    line = open_line(state)
    takes_corrections(facts.standing)
    refuse(
        decided_now(command, line, facts),
        unfit(occasion, command.reason_code, command.narrative, imported=is_import(facts)),
        evidence_resolves(command.evidence, facts),
    )
    return when(command, facts, line.since)
