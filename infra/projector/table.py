"""One table of a read model in Postgres: made, loaded for a fold, written, copied into."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, cast, get_type_hints
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql
from psycopg.types.json import Jsonb

from projections.model import Column, Row, RowKey, Rows, Table


class Difference(msgspec.Struct):
    """A row before and after a batch; `position` is that of the event that changed it last."""

    table: Table[Any]
    subject_id: UUID
    before: Row | None
    after: Row | None
    position: int


Differences = dict[tuple[str, UUID, RowKey], Difference]


class TableStore:
    """One table: its DDL and its statements, written once from the columns of its row type."""

    def __init__(self, schema: str, table: Table[Any]) -> None:
        self.table = table
        self.name = sql.Identifier(schema, table.name)
        hints = [get_type_hints(table.row, include_extras=True)[column.name] for column in table.columns]
        self._decoders = {
            column.name: msgspec.json.Decoder(hint)
            for column, hint in zip(table.columns, hints, strict=True)
            if column.is_json
        }

    def ddl(self) -> list[sql.Composed]:
        """CREATE TABLE with its primary key; indexes come separately, after a bulk load."""
        columns = [
            sql.SQL("{} {}{}").format(
                sql.Identifier(column.name),
                raw(column.sql_type),
                raw("" if column.nullable else " NOT NULL"),
            )
            for column in self.table.columns
        ]
        return [
            sql.SQL(
                "CREATE TABLE {} (shard integer NOT NULL, subject_id uuid NOT NULL,"
                " changed_at bigint NOT NULL, {})"
            ).format(self.name, sql.SQL(", ").join(columns))
        ]

    def indexes(self) -> list[sql.Composed]:
        """The primary key and the indexes that the model asks for."""
        key = sql.SQL(", ").join(map(sql.Identifier, ("shard", "subject_id", *self.table.key)))
        made = [sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(self.name, key)]
        made += [
            sql.SQL("CREATE INDEX ON {} (shard, subject_id, {})").format(self.name, raw(columns))
            for columns in self.table.indexes
        ]
        made += [
            sql.SQL("CREATE INDEX ON {} (shard, {})").format(self.name, raw(columns))
            for columns in self.table.across
        ]
        return made

    async def load(
        self,
        connection: AsyncConnection,
        shard: int,
        touched: Iterable[tuple[UUID, Any]],
        into: Mapping[UUID, Rows],
    ) -> None:
        """Put the stored rows of these (patient, first part of the key) into the patients' rows."""
        pairs = list(touched)
        if not pairs:
            return
        first = next(column for column in self.table.columns if column.name == self.table.key[0])
        cursor = await connection.execute(
            sql.SQL(
                "{} JOIN unnest(%b::uuid[], %b::{}[]) AS u(s, k) ON t.subject_id = u.s AND t.{} = u.k"
                " WHERE t.shard = %s"
            ).format(self._select, raw(first.sql_type), sql.Identifier(first.name)),
            ([subject for subject, _ in pairs], [key for _, key in pairs], shard),
            binary=True,
        )
        self._put(await cursor.fetchall(), into)

    async def load_all(
        self, connection: AsyncConnection, shard: int, subjects: Iterable[UUID], into: Mapping[UUID, Rows]
    ) -> None:
        """Put every stored row of these patients into their rows."""
        wanted = list(subjects)
        if not wanted:
            return
        cursor = await connection.execute(
            sql.SQL("{} WHERE t.shard = %s AND t.subject_id = ANY(%b)").format(self._select),
            (shard, wanted),
            binary=True,
        )
        self._put(await cursor.fetchall(), into)

    async def save(self, connection: AsyncConnection, shard: int, changed: Sequence[Difference]) -> None:
        """Upsert the rows as they stand after the batch, delete those that are no more."""
        kept = [d for d in changed if d.after is not None]
        if kept:
            await connection.execute(self._upsert, (shard, *self._arrays(kept)))
        gone = [d for d in changed if d.after is None]
        if gone:
            keys = zip(*(self.table.key_of(cast("Row", d.before)) for d in gone), strict=True)
            subjects = [d.subject_id for d in gone]
            await connection.execute(self._delete, (subjects, *map(list, keys), shard))

    async def copy(
        self, connection: AsyncConnection, shard: int, rows: Iterable[tuple[UUID, int, Row]]
    ) -> None:
        """Append rows (patient, position, row) by COPY: the fastest way into an empty table."""
        types = ["int4", "uuid", "int8", *(column.sql_type for column in self.table.columns)]
        statement = sql.SQL("COPY {} (shard, subject_id, changed_at, {}) FROM STDIN (FORMAT BINARY)").format(
            self.name, self._column_list
        )
        async with connection.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types(types)
            for subject_id, position, row in rows:
                values = [_values(column, [row])[0] for column in self.table.columns]
                await copy.write_row((shard, subject_id, position, *values))

    @cached_property
    def _column_list(self) -> sql.Composable:
        return sql.SQL(", ").join(sql.Identifier(column.name) for column in self.table.columns)

    @cached_property
    def _select(self) -> sql.Composed:
        columns = [
            sql.SQL("t.{}{}").format(sql.Identifier(column.name), raw("::text" if column.is_json else ""))
            for column in self.table.columns
        ]
        return sql.SQL("SELECT t.subject_id, {} FROM {} AS t").format(sql.SQL(", ").join(columns), self.name)

    @cached_property
    def _upsert(self) -> sql.Composed:
        columns = self.table.columns
        changing = [column for column in columns if column.name not in self.table.key]
        return sql.SQL(
            "INSERT INTO {table} (shard, subject_id, changed_at, {columns})"
            " SELECT %s, u.* FROM unnest(%b::uuid[], %b::bigint[], {arrays}) AS u"
            " ON CONFLICT (shard, subject_id, {key})"
            " DO UPDATE SET changed_at = excluded.changed_at, {updates}"
        ).format(
            table=self.name,
            columns=self._column_list,
            arrays=sql.SQL(", ").join(raw(f"%b::{column.sql_type}[]") for column in columns),
            key=sql.SQL(", ").join(map(sql.Identifier, self.table.key)),
            updates=sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(column.name)) for column in changing
            ),
        )

    @cached_property
    def _delete(self) -> sql.Composed:
        types = {column.name: column.sql_type for column in self.table.columns}
        keys = [sql.Identifier(name) for name in self.table.key]
        return sql.SQL(
            "DELETE FROM {table} AS t USING unnest(%b::uuid[], {arrays}) AS u(subject_id, {keys})"
            " WHERE t.shard = %s AND t.subject_id = u.subject_id AND {same}"
        ).format(
            table=self.name,
            arrays=sql.SQL(", ").join(raw(f"%b::{types[name]}[]") for name in self.table.key),
            keys=sql.SQL(", ").join(keys),
            same=sql.SQL(" AND ").join(sql.SQL("t.{0} = u.{0}").format(key) for key in keys),
        )

    def _arrays(self, changed: Sequence[Difference]) -> list[list[Any]]:
        rows = [cast("Row", d.after) for d in changed]
        return [
            [d.subject_id for d in changed],
            [d.position for d in changed],
            *(_values(column, rows) for column in self.table.columns),
        ]

    def _put(self, found: Iterable[tuple[Any, ...]], into: Mapping[UUID, Rows]) -> None:
        for subject_id, *values in found:
            into[subject_id].put(self.table, self._row(values))

    def _row(self, values: Sequence[Any]) -> Row:
        fields = {
            column.name: self._decoders[column.name].decode(value)
            if column.is_json and value is not None
            else value
            for column, value in zip(self.table.columns, values, strict=True)
        }
        return cast("Row", self.table.row(**fields))


def _values(column: Column, rows: Iterable[Row]) -> list[Any]:
    """A column of these rows, as psycopg takes it."""
    values = list(map(attrgetter(column.name), rows))
    if not column.is_json:
        return values
    return [None if value is None else Jsonb(value, dumps=msgspec.json.encode) for value in values]


def raw(text: str) -> sql.SQL:
    """Names of types and column lists come from code, never from input."""
    return sql.SQL(text)
