"""What deciding needs to know of a prediction, and how each event changes it."""

from datetime import datetime, timedelta
from typing import assert_never

import msgspec

from domain.errors import NotFound, Rejected
from domain.prediction.events import (
    PredictionEvent,
    PredictionExpired,
    PredictionMade,
    PredictionResolved,
    PredictionVoided,
    Target,
)

Ending = PredictionResolved | PredictionExpired | PredictionVoided


class MissingPrediction(msgspec.Struct, frozen=True):
    pass


class OpenPrediction(msgspec.Struct, frozen=True, kw_only=True):
    made: PredictionMade

    @property
    def target(self) -> Target:
        return self.made.target

    @property
    def made_at(self) -> datetime:
        return self.made.occurred_at

    @property
    def horizon(self) -> datetime:
        """Until when the target is to be reached."""
        return horizon(self.made)


class EndedPrediction(msgspec.Struct, frozen=True, kw_only=True):
    ending: Ending


PredictionState = MissingPrediction | OpenPrediction | EndedPrediction
INITIAL: PredictionState = MissingPrediction()


def horizon(made: PredictionMade) -> datetime:
    """The last instant that the prediction speaks of."""
    return made.occurred_at + timedelta(days=made.horizon_days)


def still_open(state: PredictionState) -> OpenPrediction:
    """A prediction without an end; raises NotFound, or Rejected after it."""
    match state:
        case MissingPrediction():
            raise NotFound("not_found")
        case EndedPrediction():
            raise Rejected("prediction.ended")
        case OpenPrediction():
            return state
        case _:
            assert_never(state)


def evolve(state: PredictionState, event: PredictionEvent) -> PredictionState:
    """The state after one more event; one that cannot follow changes nothing."""
    match state, event:
        case MissingPrediction(), PredictionMade():
            return OpenPrediction(made=event)
        case OpenPrediction(), PredictionResolved() | PredictionExpired() | PredictionVoided():
            return EndedPrediction(ending=event)
        case _:
            return state
