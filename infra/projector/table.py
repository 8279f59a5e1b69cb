"""One table of a read model in Postgres: loaded for a fold, written, copied into."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql

from infra.projector import binary
from infra.projector.binary import Packed
from infra.projector.statements import Statements
from projections.model import Row, Rows, Table

FEWEST_TO_COPY = 32
"""Below that one upsert, which is prepared, comes sooner than the two answers that a COPY waits for."""


ROWS_AT_ONCE = 500
"""Encoded and sent: Postgres writes them while the next are encoded."""


class Difference(msgspec.Struct):
    """A row before and after a batch; `position` is that of the event that changed it last."""

    table: Table[Any]
    subject_id: UUID
    before: Row | None
    after: Row | None
    position: int


Differences = dict[str, list[Difference]]
"""By the name of the table."""


class TableStore:
    """One table: what is in it as the rows of a fold, and back."""

    def __init__(self, schema: str, table: Table[Any]) -> None:
        self.table = table
        self.statements = Statements(schema, table)
        self._values = attrgetter(*(column.name for column in table.columns))

    @property
    def name(self) -> sql.Identifier:
        return self.statements.name

    async def load(
        self,
        connection: AsyncConnection,
        shard: int,
        touched: Iterable[tuple[UUID, Any]],
        into: Mapping[UUID, Rows],
    ) -> None:
        """Put the stored rows of these (patient, first part of the key) into the patients' rows."""
        if pairs := list(touched):
            arrays = _arrays(["uuid", self.statements.keys[0].sql_type], pairs)
            await self._load(connection, self.statements.load, (*arrays, shard), into)

    async def load_all(
        self, connection: AsyncConnection, shard: int, subjects: Iterable[UUID], into: Mapping[UUID, Rows]
    ) -> None:
        """Put every stored row of these patients into their rows."""
        if wanted := [(subject,) for subject in subjects]:
            await self._load(connection, self.statements.load_all, (*_arrays(["uuid"], wanted), shard), into)

    async def save(self, connection: AsyncConnection, shard: int, changed: Sequence[Difference]) -> None:
        """Delete the rows that are no more, then write the others as they stand after the batch.

        Many that are new are copied; whoever folded saw, in the same transaction, that they were not there.
        """
        if gone := [one for one in changed if one.after is None]:
            await connection.execute(self.statements.delete, (*self._keys(gone), shard))
        new = [one for one in changed if one.before is None]
        rest = [one for one in changed if one.before is not None and one.after is not None]
        if len(new) >= FEWEST_TO_COPY:
            await self.copy(connection, shard, new)
        else:
            rest += new
        if rest:
            await connection.execute(self.statements.upsert, (shard, *self._rows(rest)))

    async def copy(self, connection: AsyncConnection, shard: int, new: Sequence[Difference]) -> None:
        """Append rows that are not there by COPY: the fastest way in."""
        async with connection.cursor() as cursor, cursor.copy(self.statements.copy) as copy:
            await copy.write(binary.HEADER)
            for first in range(0, len(new), ROWS_AT_ONCE):
                await copy.write(binary.tuples(shard, self._fields(new[first : first + ROWS_AT_ONCE])))
            await copy.write(binary.TRAILER)

    async def _load(
        self,
        connection: AsyncConnection,
        query: bytes,
        arguments: Sequence[object],
        into: Mapping[UUID, Rows],
    ) -> None:
        cursor = await connection.execute(query, arguments, binary=True)
        for subject_id, *values in await cursor.fetchall():
            into[subject_id].put(self.table, self.table.row_of(values))

    def _fields(self, rows: Sequence[Difference]) -> list[list[bytes]]:
        """Rows as columns: the patient, the position, and the row's own."""
        columns = zip(*(self._values(one.after) for one in rows), strict=True)
        return [
            binary.fields("uuid", [one.subject_id for one in rows]),
            binary.fields("bigint", [one.position for one in rows]),
            *(
                binary.fields(column.sql_type, values, nullable=column.nullable)
                for column, values in zip(self.table.columns, columns, strict=True)
            ),
        ]

    def _rows(self, rows: Sequence[Difference]) -> list[Packed]:
        types = ["uuid", "bigint", *(column.sql_type for column in self.table.columns)]
        return list(map(binary.array, types, self._fields(rows)))

    def _keys(self, rows: Sequence[Difference]) -> list[Packed]:
        types = ["uuid", *(column.sql_type for column in self.statements.keys)]
        return _arrays(types, [(one.subject_id, *self.table.key_of(one.before)) for one in rows])


def _arrays(types: Sequence[str], tuples: Iterable[tuple[Any, ...]]) -> list[Packed]:
    """Tuples as one array for each of their places."""
    columns = zip(types, zip(*tuples, strict=True), strict=True)
    return [binary.array(one, binary.fields(one, values)) for one, values in columns]
