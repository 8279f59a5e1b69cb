"""The ledger of predictions as it is shown: of a patient, or of one recommendation, the latest first."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import assert_never
from uuid import UUID

import msgspec
from psycopg import sql

from domain.event import EvidenceLink
from domain.prediction.events import Feature, Target, Why
from locales import Code, Message, has, translate
from projections.model import Rows
from projections.predictions import PREDICTION, Prediction, Status
from projections.queries import Tables, both, living
from projections.timeline_words import Words


class PredictionView(msgspec.Struct, frozen=True, kw_only=True):
    """Codes and numbers as they were recorded, and what they say in words."""

    id: UUID
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
    status: Status
    ended_at: datetime | None
    observed: float | None
    came_true: bool | None
    evidence: tuple[EvidenceLink, ...]
    why: Why | None
    reason: str | None
    supported: bool
    title: str
    summary: str


async def by_patient(tables: Tables, words: Words) -> tuple[PredictionView, ...]:
    """Every prediction about a patient."""
    return _told(await tables.rows(PREDICTION), words)


def by_patient_of(group: Sequence[Rows], words: Words) -> tuple[PredictionView, ...]:
    """The same from rows in memory."""
    return _told(living(group, PREDICTION), words)


async def by_recommendation(
    tables: Tables, recommendation_id: UUID, words: Words
) -> tuple[PredictionView, ...]:
    """The predictions about one recommendation."""
    this = both(sql.SQL("recommendation_id = %(recommendation_id)s"))
    return _told(await tables.rows(PREDICTION, this, {"recommendation_id": recommendation_id}), words)


def by_recommendation_of(
    group: Sequence[Rows], recommendation_id: UUID, words: Words
) -> tuple[PredictionView, ...]:
    """The same from rows in memory."""
    found = living(group, PREDICTION)
    return _told((one for one in found if one.recommendation_id == recommendation_id), words)


def _told(found: Iterable[Prediction], words: Words) -> tuple[PredictionView, ...]:
    latest = sorted(found, key=lambda one: (one.made_at, one.position), reverse=True)
    return tuple(_view(one, words) for one in latest)


def _view(one: Prediction, words: Words) -> PredictionView:
    fields = {name: getattr(one, name) for name in PredictionView.__struct_fields__ if hasattr(one, name)}
    summary = f"{_foretold(one, words)} {_ended(one, words)}"
    title = translate(words.locale, "prediction.title")
    return PredictionView(id=one.prediction_id, title=title, summary=summary, **fields)


def _foretold(one: Prediction, words: Words) -> str:
    target, key = one.target, f"metric.{one.target.metric}"
    return translate(
        words.locale,
        "prediction.told",
        model=Code(one.model_id),
        version=Code(one.model_version),
        metric=Message(key) if has(words.locale, key) else target.metric,
        direction=Message(f"direction.{target.direction}"),
        threshold=target.threshold,
        days=one.horizon_days,
        probability=one.probability,
    )


def _ended(one: Prediction, words: Words) -> str:
    match one.status:
        case "open":
            return translate(words.locale, "prediction.open")
        case "resolved":
            key = "prediction.ended.came_true" if one.came_true else "prediction.ended.failed"
            return translate(words.locale, key, observed=one.observed)
        case "expired":
            return translate(words.locale, "prediction.ended.expired", why=Message(f"why.{one.why}"))
        case "voided":
            return translate(words.locale, "prediction.ended.voided", reason=one.reason)
        case _:
            assert_never(one.status)
