"""The SQL of one table of a read model, written once from the columns of its row type."""

from functools import cached_property
from typing import Any

from psycopg import sql

from projections.model import Column, Table


class Statements:
    """Statements by what they do, composed once. Rows travel as one array for each column, keys too."""

    def __init__(self, schema: str, table: Table[Any]) -> None:
        self.name = sql.Identifier(schema, table.name)
        self._table = table
        self._columns = {column.name: column for column in table.columns}
        self._list = sql.SQL(", ").join(map(sql.Identifier, self._columns))

    @property
    def keys(self) -> list[Column]:
        """The columns that are unique within the patient."""
        return [self._columns[name] for name in self._table.key]

    @cached_property
    def create(self) -> sql.Composed:
        """CREATE TABLE; keys and indexes come separately, after a bulk load."""
        columns = [
            sql.SQL("{} {}{}").format(
                sql.Identifier(column.name),
                raw(column.sql_type),
                raw("" if column.nullable else " NOT NULL"),
            )
            for column in self._table.columns
        ]
        return sql.SQL(
            "CREATE TABLE {} (shard integer NOT NULL, subject_id uuid NOT NULL,"
            " changed_at bigint NOT NULL, {})"
        ).format(self.name, sql.SQL(", ").join(columns))

    @cached_property
    def indexes(self) -> list[sql.Composed]:
        """The primary key and the indexes that the model asks for."""
        key = sql.SQL(", ").join(map(sql.Identifier, ("shard", "subject_id", *self._table.key)))
        made = [sql.SQL("ALTER TABLE {} ADD PRIMARY KEY ({})").format(self.name, key)]
        made += [
            sql.SQL("CREATE INDEX ON {} (shard, subject_id, {})").format(self.name, raw(columns))
            for columns in self._table.indexes
        ]
        made += [
            sql.SQL("CREATE INDEX ON {} (shard, {})").format(self.name, raw(columns))
            for columns in self._table.across
        ]
        return made

    @cached_property
    def load(self) -> bytes:
        """Rows by patient and first part of the key.

        One look into the index for each, whatever the planner thinks of a young table: what it has no
        statistics of it would rather read whole, once for each patient.
        """
        first = self.keys[0]
        return (
            sql.SQL(
                "SELECT f.* FROM unnest(%b::uuid[], %b::{}[]) AS u(s, k) CROSS JOIN LATERAL"
                " ({} WHERE t.shard = %s AND t.subject_id = u.s AND t.{} = u.k OFFSET 0) AS f"
            ).format(raw(first.sql_type), self._select, sql.Identifier(first.name))
        ).as_bytes()

    @cached_property
    def load_all(self) -> bytes:
        """Every row of these patients."""
        return (
            sql.SQL("{} WHERE t.subject_id = ANY(%b::uuid[]) AND t.shard = %s").format(self._select)
        ).as_bytes()

    @cached_property
    def copy(self) -> bytes:
        return (
            sql.SQL("COPY {} (shard, subject_id, changed_at, {}) FROM STDIN (FORMAT BINARY)").format(
                self.name, self._list
            )
        ).as_bytes()

    @cached_property
    def upsert(self) -> bytes:
        changing = ["changed_at", *(name for name in self._columns if name not in self._table.key)]
        return (
            sql.SQL(
                "INSERT INTO {} (subject_id, changed_at, {}, shard) SELECT u.*, %s FROM {}"
                " ON CONFLICT (shard, subject_id, {}) DO UPDATE SET {}"
            ).format(
                self.name,
                self._list,
                self._unnested(list(self._columns.values()), "changed_at"),
                sql.SQL(", ").join(map(sql.Identifier, self._table.key)),
                sql.SQL(", ").join(
                    sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in changing
                ),
            )
        ).as_bytes()

    @cached_property
    def delete(self) -> bytes:
        names = map(sql.Identifier, ("subject_id", *self._table.key))
        return (
            sql.SQL("DELETE FROM {} AS t USING {} WHERE t.shard = %s AND {}").format(
                self.name,
                self._unnested(self.keys),
                sql.SQL(" AND ").join(sql.SQL("t.{0} = u.{0}").format(name) for name in names),
            )
        ).as_bytes()

    @property
    def _select(self) -> sql.Composed:
        columns = [
            sql.SQL("t.{}{}").format(sql.Identifier(column.name), raw("::text" if column.is_json else ""))
            for column in self._table.columns
        ]
        return sql.SQL("SELECT t.subject_id, {} FROM {} AS t").format(sql.SQL(", ").join(columns), self.name)

    def _unnested(self, columns: list[Column], *engine: str) -> sql.Composed:
        """Arrays as rows named `u`: the patient, what the engine adds, these columns."""
        types = ["uuid", *("bigint" for _ in engine), *(column.sql_type for column in columns)]
        names = ["subject_id", *engine, *(column.name for column in columns)]
        return sql.SQL("unnest({}) AS u({})").format(
            sql.SQL(", ").join(raw(f"%b::{one}[]") for one in types),
            sql.SQL(", ").join(map(sql.Identifier, names)),
        )


def raw(text: str) -> sql.SQL:
    """Names of types and column lists come from code, never from input."""
    return sql.SQL(text)
