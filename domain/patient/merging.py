"""Two records of one person: a merge is proposed by one, approved by another, and can be reversed.

It lives on the stream of the patient who is retired, and that patient's id is the id of the merge.
"""

from collections.abc import Iterable
from typing import assert_never
from uuid import UUID

from msgspec.structs import replace

from domain.errors import Conflict, NotFound, Rejected
from domain.patient.commands import ApproveMerge, ProposeMerge, ReverseMerge
from domain.patient.events import (
    PatientEvent,
    PatientMergeReversed,
    PatientsMerged,
    PatientsMergeProposed,
)
from domain.patient.state import (
    MergedPatient,
    MergeProposal,
    PatientFacts,
    PatientState,
    standing,
    takes_corrections,
    unmerged,
)
from domain.rules import a_person_decides, evidence_resolves, not_before, refuse, well_told, when

MergeCommand = ProposeMerge | ApproveMerge | ReverseMerge


def decide(command: MergeCommand, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    """`state` is the retired patient's; the dead and the deactivated may be merged, the erased may not."""
    match command:
        case ProposeMerge():
            return _propose(command, state, facts)
        case ApproveMerge():
            return _approve(command, state, facts)
        case ReverseMerge():
            return _reverse(command, state, facts)
        case _:
            assert_never(command)


def for_survivor(events: Iterable[PatientEvent]) -> list[PatientEvent]:
    """What the survivor's stream has to say too, in the same request as `events` of the retired one's."""
    return [
        replace(event, side="survivor")
        for event in events
        if isinstance(event, PatientsMerged) or (isinstance(event, PatientMergeReversed) and event.merged)
    ]


def _propose(command: ProposeMerge, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    known = unmerged(state).known
    if isinstance(state, MergedPatient):
        raise Rejected("patient.merged")
    _may_survive(command.survivor_id, command.retired_id, facts)
    refuse(
        well_told(command, facts),
        evidence_resolves(command.evidence, facts),
        not_before(command, known.since),
    )
    if known.proposal is not None:
        if known.proposal.survivor_id != command.survivor_id:
            raise Conflict("merge.proposed_already")
        return []
    proposed = PatientsMergeProposed(
        occurred_at=when(command, facts, known.since),
        precision=command.precision,
        survivor_id=command.survivor_id,
        retired_id=command.retired_id,
        proposed_by=facts.actor.account_id,
        evidence=command.evidence,
    )
    return [proposed]


def _approve(command: ApproveMerge, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    proposal = unmerged(state).known.proposal
    if isinstance(state, MergedPatient):
        return []
    if proposal is None:
        raise NotFound("not_found")
    _is_another_person(proposal, facts)
    _may_survive(proposal.survivor_id, proposal.retired_id, facts)
    refuse(
        well_told(command, facts),
        a_person_decides(facts),
        not_before(command, proposal.proposed_at),
    )
    merged = PatientsMerged(
        occurred_at=when(command, facts, proposal.proposed_at),
        precision=command.precision,
        survivor_id=proposal.survivor_id,
        retired_id=proposal.retired_id,
        approver=facts.actor.account_id,
        evidence=proposal.evidence,
    )
    return [merged]


def _reverse(command: ReverseMerge, state: PatientState, facts: PatientFacts) -> list[PatientEvent]:
    """Undoes a merge, or calls off one that was only proposed."""
    known = unmerged(state).known
    if isinstance(state, MergedPatient):
        survivor_id, retired_id, since = state.into, state.retired_id, state.merged_at
    elif known.proposal is not None:
        proposal = known.proposal
        survivor_id, retired_id, since = proposal.survivor_id, proposal.retired_id, proposal.proposed_at
    else:
        raise NotFound("not_found")
    if facts.survivor is not None:
        takes_corrections(standing(facts.survivor))
    refuse(well_told(command, facts), a_person_decides(facts), not_before(command, since))
    reversed_ = PatientMergeReversed(
        occurred_at=when(command, facts, since),
        precision=command.precision,
        survivor_id=survivor_id,
        retired_id=retired_id,
        reason=command.reason,
        merged=isinstance(state, MergedPatient),
    )
    return [reversed_]


def _is_another_person(proposal: MergeProposal, facts: PatientFacts) -> None:
    """Two pairs of eyes: who proposed it, or had it proposed, does not approve it."""
    if proposal.proposed_by in {facts.actor.account_id, facts.actor.on_behalf_of}:
        raise Rejected("merge.same_person")


def _may_survive(survivor_id: UUID, retired_id: UUID, facts: PatientFacts) -> None:
    """The survivor is there, is somebody else, and was not retired itself: so no merge runs in a circle."""
    if survivor_id == retired_id:
        raise Rejected("merge.same_patient")
    if facts.survivor is None:
        raise NotFound("not_found")
    takes_corrections(standing(facts.survivor))
    if isinstance(facts.survivor, MergedPatient) or retired_id in facts.survivor_group:
        raise Rejected("merge.survivor_retired")
