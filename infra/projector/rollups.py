"""Sums over the rows of all patients: the tables they stand in, and what a batch adds to them."""

from typing import Any

from psycopg import AsyncConnection, sql

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
    types = {column.name: column.sql_type for column in rollup.over.columns}
    names = [sql.Identifier(name) for name in (*rollup.by, *rollup.sums)]
    arrays = [raw(f"%b::{types[name]}[]") for name in rollup.by] + [raw("%b::bigint[]") for _ in rollup.sums]
    table = sql.Identifier(schema, rollup.name)
    values = [[group[place] for group in sums] for place in range(len(rollup.by))]
    values += [[totals[place] for totals in sums.values()] for place in range(len(rollup.sums))]
    await connection.execute(
        sql.SQL(
            "INSERT INTO {table} AS t (shard, {columns}) SELECT %s, u.* FROM unnest({arrays}) AS u"
            " ON CONFLICT (shard, {key}) DO UPDATE SET {updates}"
        ).format(
            table=table,
            columns=sql.SQL(", ").join(names),
            arrays=sql.SQL(", ").join(arrays),
            key=sql.SQL(", ").join(map(sql.Identifier, rollup.by)),
            updates=sql.SQL(", ").join(
                sql.SQL("{0} = t.{0} + excluded.{0}").format(sql.Identifier(name)) for name in rollup.sums
            ),
        ),
        (shard, *values),
    )
    await connection.execute(
        sql.SQL("DELETE FROM {} WHERE shard = %s AND {}").format(
            table,
            sql.SQL(" AND ").join(sql.SQL("{} = 0").format(sql.Identifier(name)) for name in rollup.sums),
        ),
        (shard,),
    )
