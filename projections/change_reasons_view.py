"""The reasons of a span of months, the most frequent first: a Pareto table (Juran 1954) of shares."""

from collections.abc import Sequence
from datetime import date
from itertools import accumulate
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql
from psycopg.rows import class_row

from projections.change_reasons import BY_MONTH
from projections.queries import both

OTHER = "OTHER"


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """From the month of a day to that of another, both included; of one condition, author or group."""

    start: date
    end: date
    condition: str | None = None
    author_id: UUID | None = None
    group: str | None = None


class MonthCount(msgspec.Struct, frozen=True, kw_only=True):
    month: date
    n: int


class ReasonCount(msgspec.Struct, frozen=True, kw_only=True):
    """`share` and `cumulative` are parts of 1 of all reasons that were asked for."""

    reason_code: str
    title: str = ""
    n: int
    share: float
    cumulative: float
    months: tuple[MonthCount, ...]


class ChangeReasons(msgspec.Struct, frozen=True, kw_only=True, rename={"start": "from", "end": "to"}):
    """`other_share` is that of reasons for which no code is made; 0 where nothing was changed."""

    start: date
    end: date
    time_zone: str
    total: int
    other_share: float
    reasons: tuple[ReasonCount, ...]


class Sum(msgspec.Struct, frozen=True, kw_only=True):
    reason_code: str
    month: date
    n: int


async def between(
    connection: AsyncConnection[Any], schema: str, asked: Asked, time_zone: str
) -> ChangeReasons:
    """Over all shards."""
    query = sql.SQL(
        """
        SELECT reason_code, month, sum(n)::bigint AS n
        FROM {reasons}
        WHERE month BETWEEN date_trunc('month', %(start)s::date) AND %(end)s
          {conditions}
        GROUP BY reason_code, month
        ORDER BY reason_code, month
        """
    ).format(reasons=sql.Identifier(schema, BY_MONTH.name), conditions=both(*_conditions(asked)))
    async with connection.cursor(row_factory=class_row(Sum)) as cursor:
        await cursor.execute(query, msgspec.structs.asdict(asked))
        return told(await cursor.fetchall(), asked, time_zone)


def _conditions(asked: Asked) -> list[sql.SQL]:
    found = []
    if asked.condition is not None:
        found.append(sql.SQL("condition = %(condition)s"))
    if asked.author_id is not None:
        found.append(sql.SQL("author_id = %(author_id)s"))
    if asked.group is not None:
        found.append(sql.SQL("split_part(reason_code, '.', 1) = %(group)s"))
    return found


def told(sums: Sequence[Sum], asked: Asked, time_zone: str) -> ChangeReasons:
    """`sums` come by code and month."""
    by_code: dict[str, list[Sum]] = {}
    for one in sums:
        by_code.setdefault(one.reason_code, []).append(one)
    counts = {code: sum(one.n for one in found) for code, found in by_code.items()}
    total = sum(counts.values())
    ranked = sorted(counts, key=lambda code: (-counts[code], code))
    so_far = accumulate(counts[code] for code in ranked)
    return ChangeReasons(
        start=asked.start,
        end=asked.end,
        time_zone=time_zone,
        total=total,
        other_share=counts.get(OTHER, 0) / total if total else 0.0,
        reasons=tuple(
            ReasonCount(
                reason_code=code,
                n=counts[code],
                share=counts[code] / total,
                cumulative=sum_so_far / total,
                months=tuple(MonthCount(month=one.month, n=one.n) for one in by_code[code]),
            )
            for code, sum_so_far in zip(ranked, so_far, strict=True)
        ),
    )
