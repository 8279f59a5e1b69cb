"""One table of a read model in Postgres: loaded for a fold, written, copied into."""

from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, cast, get_type_hints
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql

from infra.projector import binary
from infra.projector.binary import Packed
from infra.projector.statements import Statements
from projections.model import Row, RowKey, Rows, Table

FEWEST_TO_COPY = 32
"""Below that one upsert, which is prepared, comes sooner than the two answers that a COPY waits for."""


class Difference(msgspec.Struct):
    """A row before and after a batch; `position` is that of the event that changed it last."""

    table: Table[Any]
    subject_id: UUID
    before: Row | None
    after: Row | None
    position: int


Differences = dict[tuple[str, UUID, RowKey], Difference]
Placed = tuple[UUID, int, Row]
"""Whose row, the position that changed it last, and the row."""


class TableStore:
    """One table: what is in it as the rows of a fold, and back."""

    def __init__(self, schema: str, table: Table[Any]) -> None:
        self.table = table
        self.statements = Statements(schema, table)
        hints = [get_type_hints(table.row, include_extras=True)[column.name] for column in table.columns]
        self._decoders = {
            column.name: msgspec.json.Decoder(hint)
            for column, hint in zip(table.columns, hints, strict=True)
            if column.is_json
        }
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
            await self._load(
                connection, self.statements.load_all, (*_arrays(["uuid"], wanted), shard), into
            )

    async def save(self, connection: AsyncConnection, shard: int, changed: Sequence[Difference]) -> None:
        """Write the rows as they stand after the batch, delete those that are no more.

        Many that are new are copied; whoever folded saw, in the same transaction, that they were not there.
        """
        new = [_placed(d, d.after) for d in changed if d.before is None and d.after is not None]
        kept = [_placed(d, d.after) for d in changed if d.before is not None and d.after is not None]
        if len(new) >= FEWEST_TO_COPY:
            await self.copy(connection, shard, new)
        else:
            kept += new
        if kept:
            await connection.execute(self.statements.upsert, (shard, *self._packed(kept)))
        gone = [(d.subject_id, *self.table.key_of(d.before)) for d in changed if d.before and d.after is None]
        if gone:
            arrays = _arrays(["uuid", *(column.sql_type for column in self.statements.keys)], gone)
            await connection.execute(self.statements.delete, (*arrays, shard))

    async def copy(self, connection: AsyncConnection, shard: int, rows: Sequence[Placed]) -> None:
        """Append rows that are not there by COPY: the fastest way in."""
        if rows:
            async with connection.cursor() as cursor, cursor.copy(self.statements.copy) as copy:
                await copy.write(binary.copied(shard, self._fields(rows)))

    async def _load(
        self,
        connection: AsyncConnection,
        query: sql.Composed,
        arguments: Sequence[object],
        into: Mapping[UUID, Rows],
    ) -> None:
        cursor = await connection.execute(query, arguments, binary=True)
        for subject_id, *values in await cursor.fetchall():
            into[subject_id].put(self.table, self._row(values))

    def _row(self, values: Sequence[Any]) -> Row:
        fields = {
            column.name: self._decoders[column.name].decode(value)
            if column.is_json and value is not None
            else value
            for column, value in zip(self.table.columns, values, strict=True)
        }
        return cast("Row", self.table.row(**fields))

    def _fields(self, rows: Sequence[Placed]) -> list[list[bytes]]:
        """Rows as columns: the patient, the position, and the row's own."""
        subjects, positions, found = zip(*rows, strict=True)
        columns = zip(self.table.columns, zip(*map(self._values, found), strict=True), strict=True)
        return [
            binary.fields("uuid", subjects),
            binary.fields("bigint", positions),
            *(binary.fields(c.sql_type, values, nullable=c.nullable) for c, values in columns),
        ]

    def _packed(self, rows: Sequence[Placed]) -> list[Packed]:
        types = ["uuid", "bigint", *(column.sql_type for column in self.table.columns)]
        return list(map(binary.array, types, self._fields(rows)))


def _placed(difference: Difference, row: Row) -> Placed:
    return difference.subject_id, difference.position, row


def _arrays(types: Sequence[str], tuples: Iterable[tuple[Any, ...]]) -> list[Packed]:
    """Tuples as one array for each of their places."""
    columns = zip(types, zip(*tuples, strict=True), strict=True)
    return [binary.array(one, binary.fields(one, values)) for one, values in columns]
