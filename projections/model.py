"""What a read model is made of: rows, tables, a pure fold, and sums over contributions."""

import hashlib
import inspect
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec

from domain.event import Event
from domain.recorded import Recorded

FOLD_VERSION = 1
"""Raised when the engine itself changes what it makes of a fold; part of every fingerprint."""

SQL_TYPES: Mapping[object, str] = {
    UUID: "uuid",
    str: "text",
    int: "bigint",
    float: "double precision",
    bool: "boolean",
    datetime: "timestamptz",
    date: "date",
    bytes: "bytea",
}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One row of one patient. `removed` is the tombstone that phones are told of.

    The engine adds the columns `shard`, `subject_id` and `changed_at` (the position that changed it last).
    """

    removed: bool = False


R = TypeVar("R", bound=Row)
RowKey = tuple[Any, ...]


@dataclass(frozen=True)
class Column:
    """A column and how its values travel: as themselves, or as JSON."""

    name: str
    sql_type: str
    nullable: bool

    @property
    def is_json(self) -> bool:
        """Whether the value is a structure, stored as jsonb."""
        return self.sql_type == "jsonb"


@dataclass(frozen=True)
class Table(Generic[R]):
    """A table of one patient's rows: columns are the fields of `row`, `key` is unique within the patient.

    `key[0]` is what `touches` names. `indexes` are written as SQL column lists, `shard, subject_id` is put
    first; `across` are those over all patients, where only `shard` is put first.
    """

    name: str
    row: type[R]
    key: tuple[str, ...]
    indexes: tuple[str, ...] = ()
    across: tuple[str, ...] = ()

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """The row's fields with their SQL types."""
        hints = get_type_hints(self.row)
        return tuple(_column(name, hints[name]) for name in self.row.__struct_fields__)

    @cached_property
    def selected(self) -> str:
        """What to ask a table named as this one for, so that `row_of` can read it."""
        return ", ".join(f"{self.name}.{c.name}{'::text' if c.is_json else ''}" for c in self.columns)

    @cached_property
    def _decoders(self) -> tuple[tuple[str, Callable[[str], Any] | None], ...]:
        hints = get_type_hints(self.row, include_extras=True)
        return tuple(
            (column.name, msgspec.json.Decoder(hints[column.name]).decode if column.is_json else None)
            for column in self.columns
        )

    def row_of(self, values: Iterable[Any]) -> R:
        """A record of `selected` as the row that the fold has made."""
        fields = {
            name: value if decode is None or value is None else decode(value)
            for (name, decode), value in zip(self._decoders, values, strict=True)
        }
        return self.row(**fields)

    @cached_property
    def rows_in(self) -> Callable[[str], list[R]]:
        """Rows that Postgres has written as one JSON array."""
        found: Callable[[str], list[R]] = msgspec.json.Decoder(list[self.row]).decode  # type: ignore[name-defined]  # a type that is known only here
        return found

    @cached_property
    def key_of(self) -> Callable[[R], RowKey]:
        """The row's place among this patient's rows."""
        found = attrgetter(*self.key)
        return found if len(self.key) > 1 else lambda row: (found(row),)


def _column(name: str, hint: object) -> Column:
    # `Literal["a"] | None` is a typing.Union, `str | None` a types.UnionType.
    options = list(get_args(hint)) if get_origin(hint) in {types.UnionType, Union} else [hint]
    kinds = [option for option in options if option is not types.NoneType]
    kind = kinds[0] if len(kinds) == 1 else object
    if get_origin(kind) is Literal:
        kind = type(get_args(kind)[0])
    return Column(name, SQL_TYPES.get(kind, "jsonb"), types.NoneType in options)


Touch = tuple[Table[Any], Any] | tuple[Table[Any]]
"""The rows of a table whose key begins with this, or all of the patient's rows in it.

A row that an event makes, and that no earlier event can have made, need not be named.
"""


class Rows:
    """One patient's rows in one read model, as a fold sees them. Tombstones are kept, and seen by `get`."""

    def __init__(self) -> None:
        self._tables: dict[str, dict[Any, dict[RowKey, Row]]] = {}

    def get(self, table: Table[R], *key: object) -> R | None:
        """The row of this key, also when it is removed."""
        return self._tables.get(table.name, {}).get(key[0], {}).get(key[1:])  # type: ignore[return-value]  # tables hold their own row type

    def under(self, table: Table[R], first: object) -> list[R]:
        """The rows whose key begins with `first`, in the order of their keys, without removed ones."""
        found = self._tables.get(table.name, {}).get(first, {})
        return [found[rest] for rest in sorted(found) if not found[rest].removed]  # type: ignore[misc]  # see get

    def all(self, table: Table[R]) -> Iterator[R]:
        """Every row of a table, removed ones too."""
        for rest in self._tables.get(table.name, {}).values():
            yield from rest.values()  # type: ignore[misc]  # see get

    def put(self, table: Table[R], row: R) -> R | None:
        """Set a row; the row that stood there before is given back."""
        key = table.key_of(row)
        groups = self._tables.get(table.name)
        if groups is None:
            groups = self._tables[table.name] = {}
        group = groups.get(key[0])
        if group is None:
            group = groups[key[0]] = {}
        rest = key[1:]
        before = group.get(rest)
        group[rest] = row
        return before  # type: ignore[return-value]  # see get


@dataclass(frozen=True)
class Rollup:
    """Sums over the rows of a contribution table: grouped `by` its columns, adding up `sums`."""

    name: str
    over: Table[Any]
    by: tuple[str, ...]
    sums: tuple[str, ...]


@dataclass(frozen=True)
class ReadModel:
    """A pure fold over one patient's events, and the tables it fills.

    `evolve` gives the rows that an event changes (their table is found by their type); it must not depend on
    anything but its arguments. `depends` are the modules of helpers it calls: they belong to the fingerprint.
    `of` are the only types of events that it looks at; without it, it looks at all, also at closed ones.
    """

    name: str
    tables: tuple[Table[Any], ...]
    touches: Callable[[Recorded[Event]], Iterable[Touch]]
    evolve: Callable[[Rows, Recorded[Event]], Iterable[Row]]
    of: AbstractSet[type[Event]] | None = None
    rollups: tuple[Rollup, ...] = ()
    depends: tuple[types.ModuleType, ...] = ()
    parameters: tuple[str, ...] = field(default=())
    accounts: bool = False
    """Whether events without a patient are folded too, filed under their own stream."""

    @cached_property
    def table_of(self) -> dict[type[Row], Table[Any]]:
        """Which table holds which row type."""
        return {table.row: table for table in self.tables}

    @cached_property
    def fingerprint(self) -> str:
        """Twelve hex digits over fold, tables and parameters: other code, other tables."""
        module = inspect.getmodule(self.evolve)
        sources = [inspect.getsource(m) for m in (module, *self.depends) if m is not None]
        shape = [f"{t.name}{t.key}{t.columns}{t.indexes}{t.across}" for t in self.tables]
        text = "\0".join([str(FOLD_VERSION), self.name, *sources, *shape, *self.parameters])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def schema(self) -> str:
        """The Postgres schema that holds this version of the model."""
        return f"{self.name}_{self.fingerprint}"

    def apply(self, rows: Rows, recorded: Recorded[Event]) -> None:
        """Fold one event into a patient's rows, in memory."""
        for row in self.evolve(rows, recorded):
            rows.put(self.table_of[type(row)], row)

    def fold(self, events: Iterable[Recorded[Event]]) -> Rows:
        """A patient's rows after these events: the present, or the past, by the same code."""
        rows = Rows()
        for recorded in events:
            self.apply(rows, recorded)
        return rows
