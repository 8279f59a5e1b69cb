"""What models foretold of a patient's recommendations, how each ended, and what it adds to their score."""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Literal, TypeAlias, assert_never
from uuid import UUID

from msgspec.structs import replace

from domain.diagnosis import DiagnosisEnteredInError
from domain.event import Event, EvidenceLink
from domain.feedback import FeedbackRetracted
from domain.prediction.events import (
    Feature,
    PredictionExpired,
    PredictionMade,
    PredictionResolved,
    PredictionVoided,
    Target,
    Why,
)
from domain.recorded import Recorded
from projections.model import ReadModel, Rollup, Row, Rows, Table, Touch

Status = Literal["open", "resolved", "expired", "voided"]
WHOLE = 1_000_000
"""Probabilities are summed in millionths and squared errors in millionths of them: whole numbers subtract
exactly. A sum holds nine million predictions of one model, version and bin."""
BINS = 10


class Prediction(Row, frozen=True, kw_only=True):
    """A line of the ledger; `version` is that of the recommendation.

    It is `supported` until what it ended with was taken back: then it scores nobody.
    """

    prediction_id: UUID
    recommendation_id: UUID
    diagnosis_id: UUID | None
    version: int
    item_id: UUID | None
    target: Target
    horizon_days: int
    horizon: datetime
    probability: float
    baseline: float
    model_id: str
    model_version: str
    as_of_position: int
    explanation: tuple[Feature, ...]
    made_at: datetime
    recorded_at: datetime
    position: int
    status: Status = "open"
    ended_at: datetime | None = None
    observed: float | None = None
    came_true: bool | None = None
    evidence: tuple[EvidenceLink, ...] = ()
    why: Why | None = None
    reason: str | None = None
    supported: bool = True


class Score(Row, frozen=True, kw_only=True):
    """What one resolved prediction adds up to: `bin` is the tenth of the scale that its probability is in."""

    prediction_id: UUID
    model_id: str
    model_version: str
    bin: int
    n: int = 1
    probability: int
    came_true: int
    squared_error: int


PREDICTION = Table(
    "prediction", Prediction, key=("prediction_id",), indexes=("recommendation_id, made_at, position",)
)
SCORE = Table("score", Score, key=("prediction_id",))
ACCURACY = Rollup(
    "accuracy",
    over=SCORE,
    by=("model_id", "model_version", "bin"),
    sums=("n", "probability", "came_true", "squared_error"),
)
Envelope: TypeAlias = Recorded[Event]
ENDS = (PredictionResolved, PredictionExpired, PredictionVoided)
ELSEWHERE = (FeedbackRetracted, DiagnosisEnteredInError)
"""Told on other streams, and so of any of the patient's predictions."""


def touches(recorded: Envelope) -> Iterable[Touch]:
    if isinstance(recorded.event, ENDS):
        yield PREDICTION, recorded.stream_id
    elif isinstance(recorded.event, ELSEWHERE):
        yield (PREDICTION,)
        yield (SCORE,)


def evolve(rows: Rows, recorded: Envelope) -> Iterator[Row]:
    event = recorded.event
    match event:
        case PredictionMade():
            yield _made(recorded, event)
        case PredictionResolved() | PredictionExpired() | PredictionVoided():
            found = rows.get(PREDICTION, recorded.stream_id)
            if found is not None and found.status == "open":
                yield from _ended(found, event)
        case FeedbackRetracted():
            yield from _lost(rows, str(recorded.stream_id))
        case DiagnosisEnteredInError():
            yield from _never_was(rows, recorded.stream_id)


def _made(recorded: Envelope, event: PredictionMade) -> Prediction:
    return Prediction(
        prediction_id=recorded.stream_id,
        recommendation_id=event.recommendation_id,
        diagnosis_id=event.diagnosis_id,
        version=event.version,
        item_id=event.item_id,
        target=event.target,
        horizon_days=event.horizon_days,
        horizon=event.occurred_at + timedelta(days=event.horizon_days),
        probability=event.probability,
        baseline=event.baseline,
        model_id=event.model_id,
        model_version=event.model_version,
        as_of_position=event.as_of_position,
        explanation=event.explanation,
        made_at=event.occurred_at,
        recorded_at=recorded.recorded_at,
        position=recorded.position,
    )


def _ended(
    found: Prediction, event: PredictionResolved | PredictionExpired | PredictionVoided
) -> Iterator[Row]:
    changes: dict[str, Any] = {}
    match event:
        case PredictionResolved():
            changes = {
                "status": "resolved",
                "observed": event.observed,
                "came_true": event.came_true,
                "evidence": event.evidence,
            }
            if not found.removed:
                yield _score(found, came_true=event.came_true)
        case PredictionExpired():
            changes = {"status": "expired", "why": event.why}
        case PredictionVoided():
            changes = {"status": "voided", "reason": event.reason}
        case _:
            assert_never(event)
    yield replace(found, ended_at=event.occurred_at, **changes)


def _score(found: Prediction, *, came_true: bool) -> Score:
    """The squared error is that of Brier (1950): (probability - outcome)²."""
    probability = round(found.probability * WHOLE)
    return Score(
        prediction_id=found.prediction_id,
        model_id=found.model_id,
        model_version=found.model_version,
        bin=min(probability * BINS // WHOLE, BINS - 1),
        probability=probability,
        came_true=int(came_true),
        squared_error=(probability - WHOLE * came_true) ** 2,
    )


def _lost(rows: Rows, feedback_id: str) -> Iterator[Row]:
    """What was observed was taken back: the end stands, and nobody is scored by it any more."""
    for found in rows.all(PREDICTION):
        if any((link.type, link.ref.lower()) == ("feedback", feedback_id) for link in found.evidence):
            yield replace(found, supported=False)
            yield from _unscored(rows, found.prediction_id)


def _never_was(rows: Rows, diagnosis_id: UUID) -> Iterator[Row]:
    """Of an illness that never was nothing was foretold."""
    for found in rows.all(PREDICTION):
        if found.diagnosis_id == diagnosis_id:
            yield replace(found, removed=True)
            yield from _unscored(rows, found.prediction_id)


def _unscored(rows: Rows, prediction_id: UUID) -> Iterator[Row]:
    score = rows.get(SCORE, prediction_id)
    if score is not None:
        yield replace(score, removed=True)


MODEL = ReadModel(
    name="predictions",
    tables=(PREDICTION, SCORE),
    touches=touches,
    evolve=evolve,
    of=frozenset({PredictionMade, *ENDS, *ELSEWHERE}),
    rollups=(ACCURACY,),
)
