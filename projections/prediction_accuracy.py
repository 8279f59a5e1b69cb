"""How right models were: sums over resolved predictions, told as scores by model and version."""

from collections.abc import Callable, Iterable
from functools import reduce
from itertools import groupby
from typing import Any, Literal

import msgspec
from psycopg import AsyncConnection, sql
from psycopg.rows import class_row

from projections.predictions import ACCURACY, BINS, WHOLE

LEAST = 5
"""Of fewer predictions nothing is said but how many there are."""


class Sums(msgspec.Struct, frozen=True, kw_only=True):
    """What the rollup holds of one bin of a model's version, or what several come to together."""

    model_id: str = ""
    model_version: str = ""
    bin: int = 0
    n: int = 0
    probability: int = 0
    came_true: int = 0
    squared_error: int = 0


class Bin(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """Predictions of a tenth of the scale: what was said of them on average, and how often it came true."""

    start: float
    end: float
    n: int
    mean_probability: float | None
    observed_rate: float | None


class Scored(msgspec.Struct, frozen=True, kw_only=True):
    """How good the probabilities were.

    `brier` is the mean squared error (Brier 1950), 0 the best. `skill` is what is better than always saying
    the base rate, 1 - brier / (base rate · (1 - base rate)), and null where that is never wrong.
    """

    status: Literal["scored", "insufficient_data"]
    n: int
    brier: float | None
    base_rate: float | None
    skill: float | None
    mean_probability: float | None
    bins: tuple[Bin, ...]


class VersionScore(msgspec.Struct, frozen=True, kw_only=True):
    model_version: str
    score: Scored


class ModelScore(msgspec.Struct, frozen=True, kw_only=True):
    """A model over all of its versions, and each of them."""

    model_id: str
    score: Scored
    versions: tuple[VersionScore, ...]


class Accuracy(msgspec.Struct, frozen=True, kw_only=True):
    least: int
    overall: Scored
    models: tuple[ModelScore, ...]


async def accuracy(connection: AsyncConnection[Any], schema: str) -> Accuracy:
    """Of all models, over all shards."""
    query = sql.SQL(
        """
        SELECT
            model_id,
            model_version,
            bin,
            sum(n)::bigint AS n,
            sum(probability)::bigint AS probability,
            sum(came_true)::bigint AS came_true,
            sum(squared_error)::bigint AS squared_error
        FROM {sums}
        GROUP BY model_id, model_version, bin
        """
    ).format(sums=sql.Identifier(schema, ACCURACY.name))
    async with connection.cursor(row_factory=class_row(Sums)) as cursor:
        await cursor.execute(query)
        return told(await cursor.fetchall())


def told(sums: Iterable[Sums]) -> Accuracy:
    """Sums in whatever order, each of another model, version and bin."""
    known = sorted(sums, key=lambda one: (one.model_id, one.model_version, one.bin))
    models = tuple(
        ModelScore(model_id=model_id, score=scored(found), versions=_versions(found))
        for model_id, found in _grouped(known, lambda one: one.model_id)
    )
    return Accuracy(least=LEAST, overall=scored(known), models=models)


def _versions(sums: list[Sums]) -> tuple[VersionScore, ...]:
    return tuple(
        VersionScore(model_version=version, score=scored(found))
        for version, found in _grouped(sums, lambda one: one.model_version)
    )


def _grouped(sums: list[Sums], by: Callable[[Sums], str]) -> list[tuple[str, list[Sums]]]:
    return [(key, list(found)) for key, found in groupby(sums, key=by)]


def scored(sums: Iterable[Sums]) -> Scored:
    """What these come to together."""
    known = list(sums)
    total = reduce(_both, known, Sums())
    bins = tuple(_bin(number, [one for one in known if one.bin == number]) for number in range(BINS))
    shown = tuple(one for one in bins if one.n)
    if total.n < LEAST:
        return Scored(
            status="insufficient_data",
            n=total.n,
            brier=None,
            base_rate=None,
            skill=None,
            mean_probability=None,
            bins=shown,
        )
    brier = total.squared_error / total.n / WHOLE**2
    base_rate = total.came_true / total.n
    uncertain = base_rate * (1 - base_rate)
    return Scored(
        status="scored",
        n=total.n,
        brier=brier,
        base_rate=base_rate,
        skill=1 - brier / uncertain if uncertain else None,
        mean_probability=total.probability / total.n / WHOLE,
        bins=shown,
    )


def _bin(number: int, sums: list[Sums]) -> Bin:
    total = reduce(_both, sums, Sums())
    enough = total.n >= LEAST
    return Bin(
        start=number / BINS,
        end=(number + 1) / BINS,
        n=total.n,
        mean_probability=total.probability / total.n / WHOLE if enough else None,
        observed_rate=total.came_true / total.n if enough else None,
    )


def _both(one: Sums, other: Sums) -> Sums:
    return Sums(
        n=one.n + other.n,
        probability=one.probability + other.probability,
        came_true=one.came_true + other.came_true,
        squared_error=one.squared_error + other.squared_error,
    )
