"""How each event changes what is known of a recommendation."""

from typing import assert_never
from uuid import UUID

import msgspec

from domain.items import Items, apply_changes
from domain.recommendation.events import (
    ProposalRejected,
    RecommendationAcknowledged,
    RecommendationCompleted,
    RecommendationDiscontinued,
    RecommendationDrafted,
    RecommendationEvent,
    RecommendationIssued,
    RecommendationPhaseAdvanced,
    RecommendationResumed,
    RecommendationRevised,
    RecommendationSuspended,
    RecommendationVersionRestored,
    RevisionProposed,
    SafetyReviewClosed,
    SafetyReviewRequested,
)
from domain.recommendation.state import (
    ActiveRecommendation,
    Answer,
    DraftRecommendation,
    EndedRecommendation,
    IssuedRecommendation,
    Line,
    MissingRecommendation,
    Proposal,
    RecommendationState,
    Review,
    SuspendedRecommendation,
    Version,
)

VersionEvent = RecommendationRevised | RecommendationPhaseAdvanced | RecommendationVersionRestored
StatusEvent = (
    RecommendationSuspended | RecommendationResumed | RecommendationCompleted | RecommendationDiscontinued
)
SideEvent = (
    RevisionProposed
    | ProposalRejected
    | SafetyReviewRequested
    | SafetyReviewClosed
    | RecommendationAcknowledged
)


def evolve(state: RecommendationState, event: RecommendationEvent) -> RecommendationState:
    """The state after one more event; one that cannot follow changes nothing."""
    match state:
        case MissingRecommendation():
            return _drafted(event) if isinstance(event, RecommendationDrafted) else state
        case DraftRecommendation():
            return _issued(state, event) if isinstance(event, RecommendationIssued) else state
        case ActiveRecommendation() | SuspendedRecommendation() | EndedRecommendation():
            return _gone_on(state, event)
        case _:
            assert_never(state)


def _drafted(event: RecommendationDrafted) -> DraftRecommendation:
    return DraftRecommendation(
        patient_id=event.patient_id, diagnosis_id=event.diagnosis_id, since=event.occurred_at
    )


def _issued(draft: DraftRecommendation, event: RecommendationIssued) -> ActiveRecommendation:
    version = event.recommendation_version
    line = Line(
        patient_id=draft.patient_id,
        diagnosis_id=draft.diagnosis_id,
        version=version,
        versions={version: Version(items=event.items, since=event.occurred_at)},
        since=event.occurred_at,
        phases=event.phases,
        phase=event.phases[0] if event.phases else None,
    )
    return ActiveRecommendation(line=line)


def _gone_on(state: IssuedRecommendation, event: RecommendationEvent) -> RecommendationState:
    match event:
        case RecommendationDrafted() | RecommendationIssued():
            return state
        case RecommendationRevised() | RecommendationPhaseAdvanced() | RecommendationVersionRestored():
            return msgspec.structs.replace(state, line=_next_version(state.line, event))
        case (
            RecommendationSuspended()
            | RecommendationResumed()
            | RecommendationCompleted()
            | RecommendationDiscontinued()
        ):
            return _next_status(msgspec.structs.replace(state.line, since=event.occurred_at), event)
        case (
            RevisionProposed()
            | ProposalRejected()
            | SafetyReviewRequested()
            | SafetyReviewClosed()
            | RecommendationAcknowledged()
        ):
            return msgspec.structs.replace(state, line=_beside(state.line, event))
        case _:
            assert_never(event)


def _next_version(line: Line, event: VersionEvent) -> Line:
    """Only these raise the version of an issued line."""
    match event:
        case RecommendationRevised():
            line = _answered(line, event.proposal_id, "accepted") if event.proposal_id else line
            return _with_version(line, event, apply_changes(line.items, event.changes))
        case RecommendationPhaseAdvanced():
            line = msgspec.structs.replace(line, phase=event.to_phase)
            return _with_version(line, event, line.items)
        case RecommendationVersionRestored():
            return _with_version(line, event, event.items)
        case _:
            assert_never(event)


def _with_version(line: Line, event: VersionEvent, items: Items) -> Line:
    number = event.recommendation_version
    return msgspec.structs.replace(
        line,
        version=number,
        versions={**line.versions, number: Version(items=items, since=event.occurred_at)},
        since=event.occurred_at,
    )


def _next_status(line: Line, event: StatusEvent) -> RecommendationState:
    match event:
        case RecommendationSuspended():
            return SuspendedRecommendation(line=line)
        case RecommendationResumed():
            return ActiveRecommendation(line=line)
        case RecommendationCompleted():
            return EndedRecommendation(line=line, end="completed")
        case RecommendationDiscontinued():
            return EndedRecommendation(line=line, end="discontinued")
        case _:
            assert_never(event)


def _beside(line: Line, event: SideEvent) -> Line:
    """What happens beside versions and status, and does not move the line's time."""
    match event:
        case RevisionProposed():
            proposal = Proposal(
                base_version=event.base_version, changes=event.changes, narrative=event.narrative
            )
            proposals = {**line.proposals, event.proposal_id: proposal}
            return msgspec.structs.replace(line, proposals=proposals)
        case ProposalRejected():
            return _answered(line, event.proposal_id, "rejected")
        case SafetyReviewRequested():
            reviews = {**line.reviews, event.review_id: Review(severity=event.severity)}
            return msgspec.structs.replace(line, reviews=reviews)
        case SafetyReviewClosed():
            review = Review(severity=event.severity, decision=event.decision)
            return msgspec.structs.replace(line, reviews={**line.reviews, event.review_id: review})
        case RecommendationAcknowledged():
            seen = line.acknowledged | {(event.recommendation_version, event.by)}
            return msgspec.structs.replace(line, acknowledged=seen)
        case _:
            assert_never(event)


def _answered(line: Line, proposal_id: UUID, answer: Answer) -> Line:
    proposal = line.proposals.get(proposal_id)
    if proposal is None:
        return line
    answered = msgspec.structs.replace(proposal, answer=answer)
    return msgspec.structs.replace(line, proposals={**line.proposals, proposal_id: answered})
