"""The figures of a span of days, each with what it had come to before."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import Any

import msgspec
from psycopg import AsyncConnection, sql
from psycopg.rows import class_row

from projections.statistics import BY_DAY


class DayCount(msgspec.Struct, frozen=True, kw_only=True):
    day: date
    n: int


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """`before` is the sum of all earlier days: with it, a figure of what is there is known for every day."""

    figure: str
    dimension: str
    before: int
    total: int
    days: tuple[DayCount, ...]


class Statistics(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """From the first day to the last, both included, as days of `time_zone`."""

    start: date
    end: date
    time_zone: str
    figures: tuple[Figure, ...]


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    """One figure's sum on a day; without a day, on all days before."""

    figure: str
    dimension: str
    day: date | None
    n: int


async def between(
    connection: AsyncConnection[Any], schema: str, start: date, end: date, time_zone: str
) -> Statistics:
    """Every figure that is not zero, over all shards."""
    query = sql.SQL(
        """
        SELECT figure, dimension, CASE WHEN day >= %(start)s THEN day END AS day, sum(n)::bigint AS n
        FROM {figures}
        WHERE day <= %(end)s
        GROUP BY 1, 2, 3
        HAVING sum(n) <> 0
        ORDER BY figure, dimension, day NULLS FIRST
        """
    ).format(figures=sql.Identifier(schema, BY_DAY.name))
    async with connection.cursor(row_factory=class_row(Sum)) as cursor:
        await cursor.execute(query, {"start": start, "end": end})
        return told(await cursor.fetchall(), start, end, time_zone)


def told(sums: Sequence[Sum], start: date, end: date, time_zone: str) -> Statistics:
    """`sums` come by figure and dimension, the earlier days' first."""
    figures = [
        _figure(figure, dimension, list(found))
        for (figure, dimension), found in groupby(sums, key=lambda one: (one.figure, one.dimension))
    ]
    return Statistics(start=start, end=end, time_zone=time_zone, figures=tuple(figures))


def _figure(figure: str, dimension: str, sums: list[Sum]) -> Figure:
    days = tuple(DayCount(day=one.day, n=one.n) for one in sums if one.day is not None)
    return Figure(
        figure=figure,
        dimension=dimension,
        before=sum(one.n for one in sums if one.day is None),
        total=sum(one.n for one in days),
        days=days,
    )
