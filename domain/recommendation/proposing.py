"""Revisions that an engine, a model or a colleague proposes, and what a practitioner answers."""

from collections.abc import Iterator
from uuid import UUID

from domain.errors import Conflict, FieldError, NotFound
from domain.patient.state import takes_facts
from domain.recommendation.commands import (
    AcceptProposal,
    ProposeRevision,
    RecommendationFacts,
    RejectProposal,
)
from domain.recommendation.events import (
    ProposalRejected,
    RecommendationEvent,
    RecommendationRevised,
    RevisionProposed,
)
from domain.recommendation.revising import reasons_hold, recorded_changes
from domain.recommendation.rules import (
    bases_on_current,
    decided_now,
    diagnosis_allows,
    fresh_ids,
    is_safe,
    severe_review_allows,
)
from domain.recommendation.state import Line, Proposal, RecommendationState, issued, open_line
from domain.rules import a_clinician_or_engine, refuse, well_told, when


def propose(
    command: ProposeRevision, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """What it takes to revise, but that nothing is revised."""
    line = open_line(state)
    takes_facts(facts.standing)
    bases_on_current(command.base_version, line)
    if not command.changes:
        return []
    diagnosis_allows([change.reason_code for change in command.changes], facts)
    changes = recorded_changes(
        command.changes,
        line,
        command.narrative,
        facts,
        fresh_ids(facts, start=2),
        well_told(command, facts),
        a_clinician_or_engine(facts),
        _prediction_is_there(command, facts),
    )
    return [
        RevisionProposed(
            occurred_at=when(command, facts),
            precision=command.precision,
            proposal_id=facts.minted(1),
            base_version=line.version,
            changes=changes,
            prediction_id=command.prediction_id,
            narrative=command.narrative,
        )
    ]


def accept(
    command: AcceptProposal, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """The line is revised by the proposal; who accepts has decided and approved it."""
    proposal = _proposal(issued(state).line, command.proposal_id)
    if proposal.answer == "accepted":
        return []
    _is_unanswered(proposal)
    line = open_line(state)
    takes_facts(facts.standing)
    bases_on_current(proposal.base_version, line)
    diagnosis_allows([change.reason_code for change in proposal.changes], facts)
    narrative = command.narrative or proposal.narrative
    refuse(
        decided_now(command, line, facts),
        reasons_hold(proposal.changes, narrative, facts),
        is_safe(command.safety_check, facts),
    )
    severe_review_allows(proposal.changes, line)
    return [
        RecommendationRevised(
            occurred_at=when(command, facts, line.since),
            precision=command.precision,
            recommendation_version=line.version + 1,
            base_version=line.version,
            changes=proposal.changes,
            narrative=narrative,
            decided_by=facts.actor.account_id,
            approved_by=facts.actor.account_id,
            safety_check=command.safety_check,
            proposal_id=command.proposal_id,
        )
    ]


def reject(
    command: RejectProposal, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """Also after the line has moved on or ended: an answer is an answer."""
    proposal = _proposal(issued(state).line, command.proposal_id)
    if proposal.answer == "rejected":
        return []
    _is_unanswered(proposal)
    takes_facts(facts.standing)
    refuse(well_told(command, facts), a_clinician_or_engine(facts))
    return [
        ProposalRejected(
            occurred_at=when(command, facts),
            precision=command.precision,
            proposal_id=command.proposal_id,
            reason=command.reason,
        )
    ]


def _prediction_is_there(command: ProposeRevision, facts: RecommendationFacts) -> Iterator[FieldError]:
    """The prediction that it follows from is this patient's, and was not voided."""
    if ("prediction", str(command.prediction_id)) in facts.unresolved:
        yield FieldError(path="prediction_id", code="evidence.unresolved")


def _proposal(line: Line, proposal_id: UUID) -> Proposal:
    proposal = line.proposals.get(proposal_id)
    if proposal is None:
        raise NotFound("not_found")
    return proposal


def _is_unanswered(proposal: Proposal) -> None:
    if proposal.answer is not None:
        raise Conflict("recommendation.proposal_answered")
