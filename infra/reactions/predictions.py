"""Predictions end: when their horizon is reached, or before that when feedback comes in."""

from datetime import datetime

from domain import prediction
from domain.feedback import FeedbackAmended, FeedbackSubmitted
from domain.prediction import ConcludePrediction, PredictionMade
from infra.reactions.process_manager import History, ProcessManager, Reaction


def due(history: History) -> datetime:
    """When nothing can come of it any more."""
    made = history[0].event
    assert isinstance(made, PredictionMade)  # noqa: S101  its stream begins with it
    return prediction.horizon(made)


def at_horizon(history: History) -> list[Reaction]:
    """Whatever was observed until now decides."""
    return [Reaction(ConcludePrediction(), history[-1].stream_id)]


def at_feedback(history: History) -> list[Reaction]:
    """Look at every prediction about the recommendation; those that have ended stay as they are."""
    cause = history[-1].stream_id
    (answered,) = (
        one.event.recommendation_id
        for one in history
        if one.stream_id == cause and isinstance(one.event, FeedbackSubmitted)
    )
    return [
        Reaction(ConcludePrediction(), one.stream_id)
        for one in history
        if isinstance(one.event, PredictionMade) and one.event.recommendation_id == answered
    ]


HORIZONS = ProcessManager(
    name="prediction_horizons", reacts_to=frozenset({PredictionMade}), react=at_horizon, due=due
)
NEWS = ProcessManager(
    name="prediction_news",
    reacts_to=frozenset({FeedbackSubmitted, FeedbackAmended}),
    react=at_feedback,
    considers=frozenset({PredictionMade}),
)
