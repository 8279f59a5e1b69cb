"""Sums over the rows of all patients: the tables they stand in, and what a batch adds to them."""

from functools import cache
from typing import Any

from psycopg import AsyncConnection, sql

from infra.projector import binary
from infra.projector.binary import Packed
from infra.projector.statements import raw
from infra.projector.table import Differences
from projections.model import Rollup


def rollup_ddl(schema: str, rollup: Rollup) -> sql.Composed:
    """CREATE TABLE of a rollup: its groups are its key, its sums are integers."""
    types = {column.name: column.sql_type for column in rollup.over.columns}
    columns = [sql.SQL("{} {} NOT NULL").format(sql.Identifier(name), raw(types[name])) for name in rollup.by]
    columns += [sql.SQL("{} bigint NOT NULL").format(sql.Identifier(name)) for name in rollup.sums]
    return sql.SQL("CREATE TABLE {} (shard integer NOT NULL, {}, PRIMARY KEY (shard, {}))").format(
        sql.Identifier(schema, rollup.name),
        sql.SQL(", ").join(columns),
        sql.SQL(", ").join(map(sql.Identifier, rollup.by)),
    )


def summed(schema: str, rollup: Rollup) -> sql.Composed:
    """The query that a rollup table must always equal: sums over living contributions, none of zero."""
    groups = sql.SQL(", ").join(map(sql.Identifier, rollup.by))
    sums = [sql.SQL("sum({})::bigint AS {}").format(*[sql.Identifier(name)] * 2) for name in rollup.sums]
    some = sql.SQL(" OR ").join(sql.SQL("sum({}) <> 0").format(sql.Identifier(name)) for name in rollup.sums)
    return sql.SQL(
        "SELECT shard, {}, {} FROM {} WHERE shard = %s AND NOT removed GROUP BY shard, {} HAVING {}"
    ).format(groups, sql.SQL(", ").join(sums), sql.Identifier(schema, rollup.over.name), groups, some)


def sums_of(rollup: Rollup, changed: Differences) -> dict[tuple[Any, ...], list[int]]:
    sums: dict[tuple[Any, ...], list[int]] = {}
    for one in changed[rollup.over.name]:
        for row, sign in ((one.before, -1), (one.after, 1)):
            if row is not None and not row.removed:
                totals = sums.setdefault(
                    tuple(getattr(row, name) for name in rollup.by), [0] * len(rollup.sums)
                )
                for place, name in enumerate(rollup.sums):
                    totals[place] += sign * getattr(row, name)
    return {group: totals for group, totals in sums.items() if any(totals)}


async def add(
    connection: AsyncConnection,
    schema: str,
    shard: int,
    rollup: Rollup,
    sums: dict[tuple[Any, ...], list[int]],
) -> None:
    """Add differences to the sums; a group that comes to nothing is deleted."""
    if not sums:
        return
    cursor = await connection.execute(_addition(schema, rollup), (shard, *_arrays(rollup, sums)))
    if any(not any(totals) for totals in await cursor.fetchall()):
        keys = _arrays(rollup, sums)[: len(rollup.by)]
        await connection.execute(_removal(schema, rollup), (*keys, shard))


def _arrays(rollup: Rollup, sums: dict[tuple[Any, ...], list[int]]) -> list[Packed]:
    """Groups and their totals as one array for each column."""
    columns = [*zip(*sums, strict=True), *zip(*sums.values(), strict=True)]
    return [
        binary.array(sql_type, binary.fields(sql_type, values))
        for sql_type, values in zip(_types(rollup), columns, strict=True)
    ]


def _types(rollup: Rollup) -> list[str]:
    types = {column.name: column.sql_type for column in rollup.over.columns}
    return [*(types[name] for name in rollup.by), *("bigint" for _ in rollup.sums)]


@cache
def _addition(schema: str, rollup: Rollup) -> bytes:
    """Gives the sums as they stand afterwards."""
    return (
        sql.SQL(
            "INSERT INTO {table} AS t ({columns}, shard) SELECT u.*, %s FROM unnest({arrays}) AS u"
            " ON CONFLICT (shard, {key}) DO UPDATE SET {updates} RETURNING {sums}"
        ).format(
            table=sql.Identifier(schema, rollup.name),
            columns=_names(rollup.by + rollup.sums),
            arrays=sql.SQL(", ").join(raw(f"%b::{one}[]") for one in _types(rollup)),
            key=_names(rollup.by),
            updates=sql.SQL(", ").join(
                sql.SQL("{0} = t.{0} + excluded.{0}").format(sql.Identifier(name)) for name in rollup.sums
            ),
            sums=sql.SQL(", ").join(sql.Identifier("t", name) for name in rollup.sums),
        )
    ).as_bytes()


@cache
def _removal(schema: str, rollup: Rollup) -> bytes:
    """Of these groups those that are nothing."""
    both = sql.SQL(" AND ")
    return (
        sql.SQL(
            "DELETE FROM {table} AS t USING unnest({arrays}) AS u({key})"
            " WHERE t.shard = %s AND {same} AND {nothing}"
        ).format(
            table=sql.Identifier(schema, rollup.name),
            arrays=sql.SQL(", ").join(raw(f"%b::{one}[]") for one in _types(rollup)[: len(rollup.by)]),
            key=_names(rollup.by),
            same=both.join(sql.SQL("t.{0} = u.{0}").format(sql.Identifier(name)) for name in rollup.by),
            nothing=both.join(sql.SQL("t.{} = 0").format(sql.Identifier(name)) for name in rollup.sums),
        )
    ).as_bytes()


def _names(names: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))
