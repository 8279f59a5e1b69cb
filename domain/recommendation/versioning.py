"""What raises the version of a recommendation: issuing, revising, the next phase, restoring."""

from collections.abc import Iterator
from typing import get_args

from domain.errors import Conflict, FieldError, Rejected
from domain.items import NewItemChange, Phase
from domain.patient.state import takes_facts
from domain.provenance import approval_is_own
from domain.reasons import group, violations
from domain.recommendation.commands import (
    AdvancePhase,
    IssueRecommendation,
    RecommendationFacts,
    RestoreVersion,
    ReviseRecommendation,
)
from domain.recommendation.events import (
    RecommendationDrafted,
    RecommendationEvent,
    RecommendationIssued,
    RecommendationPhaseAdvanced,
    RecommendationRevised,
    RecommendationVersionRestored,
)
from domain.recommendation.revising import first_items, first_items_sound, recorded_changes
from domain.recommendation.rules import (
    bases_on_current,
    decided_now,
    diagnosis_allows,
    fresh_ids,
    is_safe,
    no_severe_review,
    severe_review_allows,
)
from domain.recommendation.state import (
    DraftRecommendation,
    Line,
    MissingRecommendation,
    RecommendationState,
    SuspendedRecommendation,
    open_line,
)
from domain.rules import (
    a_practitioner_decides,
    evidence_resolves,
    is_import,
    not_before,
    possible,
    refuse,
    well_told,
    when,
)

MODEL_UPDATE = "EVIDENCE.MODEL_UPDATE"


def issue(
    command: IssueRecommendation, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """Drafts the line where it is not yet, and issues its version 1."""
    if not isinstance(state, MissingRecommendation | DraftRecommendation):
        raise Conflict("recommendation.issued_already")
    takes_facts(facts.standing)
    since = state.since if isinstance(state, DraftRecommendation) else None
    _diagnosis_is_open(facts)
    refuse(
        well_told(command, facts),
        a_practitioner_decides(facts),
        not_before(command, since),
        possible("valid_from", command.valid_from),
        possible("valid_until", command.valid_until),
        first_items_sound(command.items, command.phases, facts),
        _each_phase_once(command.phases),
        approval_is_own(command.approved_by, facts),
        is_safe(command.safety_check, facts),
    )
    at = when(command, facts, since)
    valid_from = command.valid_from or at
    if command.valid_until is not None and command.valid_until <= valid_from:
        refuse([FieldError(path="valid_until", code="time.ends_before_start")])
    issued = RecommendationIssued(
        occurred_at=at,
        precision=command.precision,
        recommendation_version=1,
        items=first_items(command.items, fresh_ids(facts)),
        phases=command.phases,
        valid_from=valid_from,
        valid_until=command.valid_until,
        decided_by=facts.actor.account_id,
        approved_by=command.approved_by,
        safety_check=command.safety_check,
    )
    return [issued] if isinstance(state, DraftRecommendation) else [_drafted(command, facts), issued]


def _drafted(command: IssueRecommendation, facts: RecommendationFacts) -> RecommendationDrafted:
    return RecommendationDrafted(
        occurred_at=when(command, facts),
        precision=command.precision,
        patient_id=facts.patient_id,
        diagnosis_id=facts.diagnosis_id,
        tradition=command.tradition,
        goals=command.goals,
        title=command.title,
    )


def revise(
    command: ReviseRecommendation, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """The next version, by the entries of the command."""
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
        fresh_ids(facts),
        decided_now(command, line, facts),
        is_safe(command.safety_check, facts),
        _model_update_approved(command, facts),
        approval_is_own(command.approved_by, facts),
    )
    severe_review_allows(command.changes, line)
    approver = facts.actor.account_id if _by_model(command.changes) else None
    return [
        RecommendationRevised(
            occurred_at=when(command, facts, line.since),
            precision=command.precision,
            recommendation_version=line.version + 1,
            base_version=line.version,
            changes=changes,
            narrative=command.narrative,
            decided_by=facts.actor.account_id,
            approved_by=command.approved_by or approver,
            safety_check=command.safety_check,
        )
    ]


def advance(
    command: AdvancePhase, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """The next version, with the same items in a later phase."""
    line = open_line(state)
    if isinstance(state, SuspendedRecommendation):
        raise Rejected("recommendation.suspended")
    takes_facts(facts.standing)
    if command.to_phase == line.phase:
        return []
    diagnosis_allows(["PROTOCOL.PHASE_TRANSITION"], facts)
    refuse(decided_now(command, line, facts), _lies_ahead(command.to_phase, line))
    no_severe_review(line)
    return [
        RecommendationPhaseAdvanced(
            occurred_at=when(command, facts, line.since),
            precision=command.precision,
            recommendation_version=line.version + 1,
            from_phase=line.phase,
            to_phase=command.to_phase,
            criteria_met=command.criteria_met,
            decided_by=facts.actor.account_id,
        )
    ]


def restore(
    command: RestoreVersion, state: RecommendationState, facts: RecommendationFacts
) -> list[RecommendationEvent]:
    """A new version with the items of an old one; it never rewinds."""
    line = open_line(state)
    takes_facts(facts.standing)
    restored = line.versions.get(command.restored_version)
    if restored is None:
        raise Rejected(
            "recommendation.version_unknown",
            errors=(FieldError(path="restored_version", code="recommendation.version_unknown"),),
        )
    if restored.items == line.items:
        return []
    diagnosis_allows([command.reason_code], facts)
    code, evidence, narrative = command.reason_code, command.evidence, command.narrative
    refuse(
        decided_now(command, line, facts),
        violations("replace", code, evidence, narrative, "", imported=is_import(facts)),
        evidence_resolves(evidence, facts),
        is_safe(command.safety_check, facts),
    )
    if group(code) != "SAFETY":
        no_severe_review(line)
    return [
        RecommendationVersionRestored(
            occurred_at=when(command, facts, line.since),
            precision=command.precision,
            recommendation_version=line.version + 1,
            restored_version=command.restored_version,
            items=restored.items,
            reason_code=code,
            narrative=narrative,
            evidence=evidence,
            decided_by=facts.actor.account_id,
            safety_check=command.safety_check,
        )
    ]


def _diagnosis_is_open(facts: RecommendationFacts) -> None:
    """What is advised is advised for a diagnosis that stands; what an import brings may name none."""
    if is_import(facts):
        return
    if facts.diagnosis_id is None:
        raise Rejected("recommendation.diagnosis_required")
    if not facts.diagnosis_open:
        raise Rejected("recommendation.diagnosis_closed")


def _each_phase_once(phases: tuple[Phase, ...]) -> Iterator[FieldError]:
    for index, phase in enumerate(phases):
        if phase in phases[:index]:
            yield FieldError(path=f"phases.{index}", code="recommendation.phase_twice")


def _lies_ahead(phase: Phase, line: Line) -> Iterator[FieldError]:
    """Phases come in the order of the line, or in the usual one where it names none."""
    order: tuple[Phase, ...] = line.phases or get_args(Phase)
    if phase not in order:
        yield FieldError(path="to_phase", code="recommendation.phase_unknown")
    elif line.phase is not None and order.index(phase) < order.index(line.phase):
        yield FieldError(path="to_phase", code="recommendation.phase_not_ahead")


def _model_update_approved(command: ReviseRecommendation, facts: RecommendationFacts) -> Iterator[FieldError]:
    """The practitioner who decides approves; where nobody here decides, somebody must have."""
    if is_import(facts) and command.approved_by is None and _by_model(command.changes):
        yield FieldError(path="approved_by", code="recommendation.approval_required")


def _by_model(changes: tuple[NewItemChange, ...]) -> bool:
    return any(change.reason_code == MODEL_UPDATE for change in changes)
