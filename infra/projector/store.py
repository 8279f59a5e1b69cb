"""A read model's tables in Postgres: made, loaded for a fold, written, summed up, swapped."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, LiteralString, cast, get_type_hints
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql
from psycopg.types.json import Jsonb

from projections.model import Column, ReadModel, Rollup, Row, RowKey, Rows, Table

READER = "tarikh_app"


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

    def ddl(self) -> list[sql.Composable]:
        """CREATE TABLE with its primary key; indexes come separately, after a bulk load."""
        columns = [
            sql.SQL("{} {}{}").format(
                sql.Identifier(column.name),
                _raw(column.sql_type),
                _raw("" if column.nullable else " NOT NULL"),
            )
            for column in self.table.columns
        ]
        return [
            sql.SQL(
                "CREATE TABLE {} (shard integer NOT NULL, subject_id uuid NOT NULL, changed_at bigint NOT NULL, {})"
            ).format(self.name, sql.SQL(", ").join(columns))
        ]

    def indexes(self) -> list[sql.Composable]:
        """The primary key and the indexes that the model asks for."""
        key = sql.SQL(", ").join(map(sql.Identifier, ("shard", "subject_id", *self.table.key)))
        made: list[sql.Composable] = [sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(self.name, key)]
        made += [
            sql.SQL("CREATE INDEX ON {} (shard, subject_id, {})").format(self.name, _raw(columns))
            for columns in self.table.indexes
        ]
        made += [
            sql.SQL("CREATE INDEX ON {} (shard, {})").format(self.name, _raw(columns))
            for columns in self.table.across
        ]
        made += [
            sql.SQL("CREATE INDEX ON {} (shard, {})").format(self.name, _raw(columns))
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
                "{} JOIN unnest(%b::uuid[], %b::{}[]) AS u(s, k) ON t.subject_id = u.s AND t.{} = u.k WHERE t.shard = %s"
            ).format(self._select, _raw(first.sql_type), sql.Identifier(first.name)),
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
        for one in gone:
            await connection.execute(self._delete, (shard, one.subject_id, *self.table.key_of(one.before)))

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
    def _select(self) -> sql.Composable:
        columns = [
            sql.SQL("t.{}{}").format(sql.Identifier(column.name), _raw("::text" if column.is_json else ""))
            for column in self.table.columns
        ]
        return sql.SQL("SELECT t.subject_id, {} FROM {} AS t").format(sql.SQL(", ").join(columns), self.name)

    @cached_property
    def _upsert(self) -> sql.Composable:
        columns = self.table.columns
        changing = [column for column in columns if column.name not in self.table.key]
        return sql.SQL(
            "INSERT INTO {table} (shard, subject_id, changed_at, {columns})"
            " SELECT %s, u.* FROM unnest(%b::uuid[], %b::bigint[], {arrays}) AS u"
            " ON CONFLICT (shard, subject_id, {key}) DO UPDATE SET changed_at = excluded.changed_at, {updates}"
        ).format(
            table=self.name,
            columns=self._column_list,
            arrays=sql.SQL(", ").join(_raw(f"%b::{column.sql_type}[]") for column in columns),
            key=sql.SQL(", ").join(map(sql.Identifier, self.table.key)),
            updates=sql.SQL(", ").join(
                sql.SQL("{0} = excluded.{0}").format(sql.Identifier(column.name)) for column in changing
            ),
        )

    @cached_property
    def _delete(self) -> sql.Composable:
        return sql.SQL("DELETE FROM {} WHERE shard = %s AND subject_id = %s AND {}").format(
            self.name,
            sql.SQL(" AND ").join(sql.SQL("{} = %s").format(sql.Identifier(name)) for name in self.table.key),
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


class ModelStore:
    """All tables of one version of a read model, in a schema of their own."""

    def __init__(self, model: ReadModel, schema: str | None = None) -> None:
        self.model = model
        self.schema = schema or model.schema
        self.tables = {table.name: TableStore(self.schema, table) for table in model.tables}

    async def create(self, connection: AsyncConnection, *, indexed: bool = True) -> None:
        """Make schema and tables, readable by the app; `indexed=False` leaves the indexes for after a bulk load."""
        schema = sql.Identifier(self.schema)
        await connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        for store in self.tables.values():
            for statement in store.ddl():
                await connection.execute(statement)
        for rollup in self.model.rollups:
            await connection.execute(rollup_ddl(self.schema, rollup))
        if indexed:
            await self.index(connection)
        await connection.execute(
            sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, sql.Identifier(READER))
        )
        await connection.execute(
            sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(schema, sql.Identifier(READER))
        )

    async def index(self, connection: AsyncConnection) -> None:
        """Make the keys and indexes."""
        for store in self.tables.values():
            for statement in store.indexes():
                await connection.execute(statement)

    async def exists(self, connection: AsyncConnection) -> bool:
        """Whether the schema is there."""
        cursor = await connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (f'"{self.schema}"',))
        found = await cursor.fetchone()
        return bool(found and found[0])

    async def drop(self, connection: AsyncConnection) -> None:
        """Drop the schema with everything in it, if it is there."""
        await connection.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(self.schema))
        )

    async def save(self, connection: AsyncConnection, shard: int, changed: Differences) -> None:
        """Write a batch's differences, and what they add to the sums."""
        for name, store in self.tables.items():
            await store.save(connection, shard, [d for d in changed.values() if d.table.name == name])
        for rollup in self.model.rollups:
            await _add(connection, self.schema, shard, rollup, _sums(rollup, changed))

    async def sum_up(self, connection: AsyncConnection, shard: int) -> None:
        """Fill empty rollup tables from the contributions that are there."""
        for rollup in self.model.rollups:
            await connection.execute(
                sql.SQL("INSERT INTO {} {}").format(
                    sql.Identifier(self.schema, rollup.name), summed(self.schema, rollup)
                ),
                (shard,),
            )


def rollup_ddl(schema: str, rollup: Rollup) -> sql.Composable:
    """CREATE TABLE of a rollup: its groups are its key, its sums are integers."""
    types = {column.name: column.sql_type for column in rollup.over.columns}
    columns = [
        sql.SQL("{} {} NOT NULL").format(sql.Identifier(name), _raw(types[name])) for name in rollup.by
    ]
    columns += [sql.SQL("{} bigint NOT NULL").format(sql.Identifier(name)) for name in rollup.sums]
    return sql.SQL("CREATE TABLE {} (shard integer NOT NULL, {}, PRIMARY KEY (shard, {}))").format(
        sql.Identifier(schema, rollup.name),
        sql.SQL(", ").join(columns),
        sql.SQL(", ").join(map(sql.Identifier, rollup.by)),
    )


def summed(schema: str, rollup: Rollup) -> sql.Composed:
    """The query that a rollup table must always equal: sums over living contributions, groups of zero left out."""
    groups = sql.SQL(", ").join(map(sql.Identifier, rollup.by))
    sums = [sql.SQL("sum({})::bigint AS {}").format(*[sql.Identifier(name)] * 2) for name in rollup.sums]
    some = sql.SQL(" OR ").join(sql.SQL("sum({}) <> 0").format(sql.Identifier(name)) for name in rollup.sums)
    return sql.SQL(
        "SELECT shard, {}, {} FROM {} WHERE shard = %s AND NOT removed GROUP BY shard, {} HAVING {}"
    ).format(groups, sql.SQL(", ").join(sums), sql.Identifier(schema, rollup.over.name), groups, some)


def _sums(rollup: Rollup, changed: Differences) -> dict[tuple[Any, ...], list[int]]:
    sums: dict[tuple[Any, ...], list[int]] = {}
    for one in changed.values():
        if one.table.name != rollup.over.name:
            continue
        for row, sign in ((one.before, -1), (one.after, 1)):
            if row is not None and not row.removed:
                totals = sums.setdefault(
                    tuple(getattr(row, name) for name in rollup.by), [0] * len(rollup.sums)
                )
                for place, name in enumerate(rollup.sums):
                    totals[place] += sign * getattr(row, name)
    return {group: totals for group, totals in sums.items() if any(totals)}


async def _add(
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
    arrays = [_raw(f"%b::{types[name]}[]") for name in rollup.by] + [
        _raw("%b::bigint[]") for _ in rollup.sums
    ]
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


def _raw(text: str) -> sql.SQL:
    """Names of types and column lists come from code, never from input."""
    return sql.SQL(cast("LiteralString", text))
