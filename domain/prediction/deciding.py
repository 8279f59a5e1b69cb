"""What comes of a command for a prediction."""

from collections.abc import Iterator
from datetime import timedelta
from typing import assert_never

from domain.errors import Conflict, FieldError, Rejected
from domain.event import EvidenceLink
from domain.patient.state import takes_corrections, takes_facts
from domain.prediction.commands import (
    ConcludePrediction,
    MakePrediction,
    PredictionCommand,
    PredictionFacts,
    ResolvePrediction,
    VoidPrediction,
)
from domain.prediction.events import (
    PredictionEvent,
    PredictionMade,
    PredictionResolved,
    PredictionVoided,
)
from domain.prediction.judging import judge, reached
from domain.prediction.state import (
    EndedPrediction,
    MissingPrediction,
    OpenPrediction,
    PredictionState,
    still_open,
)
from domain.rules import (
    a_clinician_or_engine,
    a_person_decides,
    a_practitioner_decides,
    evidence_resolves,
    has_words,
    is_import,
    not_before,
    refuse,
    well_told,
    when,
)


def decide(
    command: PredictionCommand, state: PredictionState, facts: PredictionFacts
) -> list[PredictionEvent]:
    """The events to append, none where nothing would change; raises NotFound, Rejected or Conflict."""
    match command:
        case MakePrediction():
            return _make(command, state, facts)
        case ResolvePrediction():
            return _resolve(command, state, facts)
        case VoidPrediction():
            return _void(command, state, facts)
        case ConcludePrediction():
            return _conclude(state, facts)
        case _:
            assert_never(command)


def _make(command: MakePrediction, state: PredictionState, facts: PredictionFacts) -> list[PredictionEvent]:
    """Before what it speaks of is over, of the version in force, resting on what was known by then."""
    if not isinstance(state, MissingPrediction):
        raise Conflict("prediction.made_already")
    takes_facts(facts.standing)
    if facts.line_ended:
        raise Rejected("recommendation.ended")
    if not facts.diagnosis_open:
        raise Rejected("recommendation.diagnosis_closed")
    refuse(
        well_told(command, facts),
        _a_model_foretells(facts),
        _speaks_of_the_plan(command, facts),
        _looked_no_further(command, facts),
    )
    at = when(command, facts)
    if at + timedelta(days=command.horizon_days) <= facts.now and not is_import(facts):
        refuse([FieldError(path="horizon_days", code="prediction.horizon_past")])
    return [
        PredictionMade(
            occurred_at=at,
            precision=command.precision,
            patient_id=facts.patient_id,
            diagnosis_id=facts.diagnosis_id,
            recommendation_id=facts.recommendation_id,
            version=command.version,
            item_id=command.item_id,
            target=command.target,
            horizon_days=command.horizon_days,
            probability=command.probability,
            baseline=command.baseline,
            model_id=facts.origin.model_id or "",
            model_version=facts.origin.model_version or "",
            as_of_position=command.as_of_position,
            explanation=command.explanation,
        )
    ]


def _resolve(
    command: ResolvePrediction, state: PredictionState, facts: PredictionFacts
) -> list[PredictionEvent]:
    """By who treats, or by a rule; not by the model whose word it is, nor by who suffers."""
    if isinstance(state, EndedPrediction) and _says_the_same(command, state.ending):
        return []
    known = still_open(state)
    takes_corrections(facts.standing)
    refuse(
        well_told(command, facts),
        a_person_decides(facts),
        () if facts.origin.method == "model" else a_clinician_or_engine(facts),
        not_before(command, known.made_at),
        evidence_resolves(command.evidence, facts),
    )
    at = when(command, facts, known.made_at)
    if at > known.horizon:
        refuse([FieldError(path="occurred_at", code="prediction.after_horizon")])
    return [
        PredictionResolved(
            occurred_at=at,
            precision=command.precision,
            observed=command.observed,
            came_true=reached(known.target, command.observed),
            evidence=command.evidence,
        )
    ]


def _void(command: VoidPrediction, state: PredictionState, facts: PredictionFacts) -> list[PredictionEvent]:
    """By a practitioner: a model that could take its word back would be right for ever."""
    if isinstance(state, EndedPrediction) and isinstance(state.ending, PredictionVoided):
        return []
    known = still_open(state)
    takes_corrections(facts.standing)
    refuse(
        well_told(command, facts),
        a_practitioner_decides(facts),
        not_before(command, known.made_at),
        has_words("reason", command.reason),
    )
    return [
        PredictionVoided(
            occurred_at=when(command, facts, known.made_at),
            precision=command.precision,
            reason=command.reason,
        )
    ]


def _conclude(state: PredictionState, facts: PredictionFacts) -> list[PredictionEvent]:
    """The end that the record tells by now, if it tells one."""
    if not isinstance(state, OpenPrediction):
        return []
    takes_corrections(facts.standing)
    refuse(a_person_decides(facts))
    ending = judge(state, facts)
    return [] if ending is None else [ending]


def _a_model_foretells(facts: PredictionFacts) -> Iterator[FieldError]:
    """A model under its own name; an import tells of one elsewhere."""
    if facts.origin.method not in {"model", "imported"}:
        yield FieldError(path="origin.method", code="prediction.only_by_model")
    elif is_import(facts) and not (facts.origin.model_id and facts.origin.model_version):
        yield FieldError(path="origin", code="origin.model_required")


def _speaks_of_the_plan(command: MakePrediction, facts: PredictionFacts) -> Iterator[FieldError]:
    if command.version != facts.version_in_force:
        yield FieldError(path="version", code="prediction.version_not_in_force")
    elif command.item_id is not None and command.item_id not in facts.items:
        yield FieldError(path="item_id", code="prediction.item_unknown")


def _looked_no_further(command: MakePrediction, facts: PredictionFacts) -> Iterator[FieldError]:
    """What it rests on was recorded by then: no leakage."""
    if not facts.position_known:
        yield FieldError(path="as_of_position", code="prediction.position_unknown")
        return
    cited = [
        (f"explanation.{place}.evidence.{index}.ref", link)
        for place, feature in enumerate(command.explanation)
        for index, link in enumerate(feature.evidence)
    ]
    for path, link in cited:
        if (link.type, link.ref) in facts.unresolved:
            yield FieldError(path=path, code="evidence.unresolved")
        elif _pinned_later(link, command.as_of_position) or (link.type, link.ref) in facts.leaking:
            yield FieldError(path=path, code="prediction.leaks")


def _pinned_later(link: EvidenceLink, position: int) -> bool:
    return link.pinned_position is not None and link.pinned_position > position


def _says_the_same(command: ResolvePrediction, ending: object) -> bool:
    return isinstance(ending, PredictionResolved) and (ending.observed, ending.evidence) == (
        command.observed,
        command.evidence,
    )
