"""What all queries share: where to read, and records of the database as the very rows that folds make."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

from psycopg import AsyncConnection, sql

from projections.model import Row, Rows, Table

R = TypeVar("R", bound=Row)
S = TypeVar("S", bound=Row)
NOTHING = sql.SQL("")
ONE, SEVERAL = sql.SQL("= %(one)s"), sql.SQL("= ANY(%(group)s)")
"""Of one patient an index gives the rows in their order."""


@dataclass(frozen=True)
class Tables:
    """Where a query reads: a connection that tells times in UTC, the model's schema, a group of patients."""

    connection: AsyncConnection[Any]
    schema: str
    shard: int
    group: Sequence[UUID]

    async def rows(
        self, table: Table[R], rest: sql.Composable = NOTHING, parameters: dict[str, object] | None = None
    ) -> list[R]:
        """The group's rows of a table that are not removed; `rest` goes on after the conditions for that."""
        query = sql.SQL(
            """
            SELECT {columns}
            FROM {table} AS {alias}
            WHERE shard = %(shard)s
              AND subject_id {of}
              AND NOT removed
            {rest}
            """
        ).format(
            columns=columns(table),
            table=self.name(table),
            alias=sql.Identifier(table.name),
            of=ONE if len(self.group) == 1 else SEVERAL,
            rest=rest,
        )
        given = {"shard": self.shard, "one": self.group[0], "group": list(self.group), **(parameters or {})}
        return await fetch(self.connection, query, given, table)

    async def two(
        self,
        first: Table[R],
        second: Table[S],
        rest: tuple[sql.Composable, sql.Composable] = (NOTHING, NOTHING),
        parameters: dict[str, object] | None = None,
    ) -> tuple[list[R], list[S]]:
        """The same of two tables in one statement; each has a `rest` of its own."""
        query = sql.SQL("SELECT ({first}), ({second})").format(
            first=self._as_json(first, rest[0]), second=self._as_json(second, rest[1])
        )
        given = {"shard": self.shard, "group": list(self.group), **(parameters or {})}
        found = await (await self.connection.execute(query, given)).fetchone()
        assert found is not None  # noqa: S101  there is always one row
        return first.rows_in(found[0]), second.rows_in(found[1])

    def _as_json(self, table: Table[Any], rest: sql.Composable) -> sql.Composed:
        return sql.SQL(
            """
            SELECT coalesce(json_agg(found), '[]')::text
            FROM (
                SELECT {columns}
                FROM {table}
                WHERE shard = %(shard)s
                  AND subject_id = ANY(%(group)s)
                  AND NOT removed
                {rest}
            ) AS found
            """
        ).format(
            columns=sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns),
            table=self.name(table),
            rest=rest,
        )

    def name(self, table: Table[Any]) -> sql.Identifier:
        return sql.Identifier(self.schema, table.name)


def columns(table: Table[Any]) -> sql.Composable:
    """The row's own columns, without those that the engine adds, as `fetch` reads them."""
    return sql.SQL(table.selected)  # names of our own columns


async def fetch(
    connection: AsyncConnection[Any], query: sql.Composed, parameters: dict[str, object], table: Table[R]
) -> list[R]:
    """Each record as a row of the fold."""
    cursor = await connection.execute(query, parameters, binary=True)
    return [table.row_of(record) for record in await cursor.fetchall()]


def both(*conditions: sql.Composable) -> sql.Composable:
    """Further conditions of a WHERE clause."""
    return sql.SQL("").join([sql.SQL("\nAND ") + condition for condition in conditions])


def living(group: Iterable[Rows], table: Table[R]) -> Iterator[R]:
    """The rows of several patients in memory that are not removed, in no order."""
    return (row for rows in group for row in rows.all(table) if not row.removed)


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(when: datetime) -> int:
    """A time as a whole number, for cursors."""
    return (when - EPOCH) // timedelta(microseconds=1)


def instant(number: int) -> datetime:
    """Back from `microseconds`. Raises OverflowError."""
    return EPOCH + timedelta(microseconds=number)
