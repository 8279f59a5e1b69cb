"""Whether a target was reached: in one value, and in all that was observed until the horizon."""

from collections.abc import Mapping

from domain.feedback.state import Answer
from domain.prediction.commands import PredictionFacts
from domain.prediction.events import PredictionExpired, PredictionResolved, Target
from domain.prediction.state import OpenPrediction


def reached(target: Target, value: float) -> bool:
    """The threshold itself counts."""
    return value >= target.threshold if target.direction == "at_least" else value <= target.threshold


def measured(metric: str, answer: Answer) -> float | None:
    """What a feedback says of a metric, if anything."""
    adherence = answer.adherence
    taken = adherence.taken / adherence.expected if adherence and adherence.expected else None
    known: Mapping[str, float | None] = {
        "rating": answer.rating,
        "effectiveness": answer.effectiveness,
        "adherence": taken,
    }
    if metric in known:
        return known[metric]
    scores = [score.score for score in answer.symptom_scores if score.symptom_code == metric]
    return scores[-1] if scores else None


def judge(known: OpenPrediction, facts: PredictionFacts) -> PredictionResolved | PredictionExpired | None:
    """The end of an open prediction by `facts.now`, None while it may yet come true.

    It comes true with the first value that reaches the target, while the plan that it speaks of is followed
    and not after the horizon. It fails only at the horizon, by the last value before it.
    """
    changed, ends = facts.plan_changed_at, known.horizon
    until = ends if changed is None else min(changed, ends)
    seen = sorted(
        (one for one in facts.observations if known.made_at < one.at <= until), key=lambda one: one.at
    )
    for one in seen:
        if reached(known.target, one.value):
            return PredictionResolved(
                occurred_at=one.at, observed=one.value, came_true=True, evidence=(one.evidence,)
            )
    if changed is not None and changed <= ends:
        return PredictionExpired(occurred_at=max(changed, known.made_at), why="plan_changed")
    if facts.now < ends:
        return None
    if not seen:
        return PredictionExpired(occurred_at=ends, why="no_data")
    last = seen[-1]
    return PredictionResolved(
        occurred_at=ends, observed=last.value, came_true=False, evidence=(last.evidence,)
    )
