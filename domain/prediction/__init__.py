"""A prediction: what a model foretells of a recommendation, and whether it came true; one stream each."""

from domain.prediction.commands import (
    ConcludePrediction,
    MakePrediction,
    Observation,
    PredictionCommand,
    PredictionFacts,
    ResolvePrediction,
    VoidPrediction,
)
from domain.prediction.deciding import decide
from domain.prediction.events import (
    Direction,
    Feature,
    PredictionEvent,
    PredictionExpired,
    PredictionMade,
    PredictionResolved,
    PredictionVoided,
    Target,
    Why,
)
from domain.prediction.judging import measured, reached
from domain.prediction.state import (
    INITIAL,
    EndedPrediction,
    MissingPrediction,
    OpenPrediction,
    PredictionState,
    evolve,
    horizon,
)

__all__ = [
    "INITIAL",
    "ConcludePrediction",
    "Direction",
    "EndedPrediction",
    "Feature",
    "MakePrediction",
    "MissingPrediction",
    "Observation",
    "OpenPrediction",
    "PredictionCommand",
    "PredictionEvent",
    "PredictionExpired",
    "PredictionFacts",
    "PredictionMade",
    "PredictionResolved",
    "PredictionState",
    "PredictionVoided",
    "ResolvePrediction",
    "Target",
    "VoidPrediction",
    "Why",
    "decide",
    "evolve",
    "horizon",
    "measured",
    "reached",
]
