"""Laws that hold for every read model, whatever happened to a patient."""

from collections.abc import Iterable, Sequence
from typing import Any, get_type_hints

import msgspec

from domain.event import Event
from domain.recorded import Recorded
from projections.model import ReadModel, Row, Rows, Table

Stored = dict[tuple[str, tuple[Any, ...]], Row]


def stored(model: ReadModel, rows: Rows) -> Stored:
    """All rows by table and key."""
    return {(table.name, table.key_of(row)): row for table in model.tables for row in rows.all(table)}


def touched(model: ReadModel, recorded: Recorded[Event], rows: Rows) -> Rows:
    """Only the rows that the model says this event looks at or changes."""
    found = Rows()
    for table, *first in model.touches(recorded):
        for row in rows.all(table):
            if not first or table.key_of(row)[0] == first[0]:
                found.put(table, row)
    return found


def touches_name_every_row(model: ReadModel, events: Iterable[Recorded[Event]]) -> None:
    """With the touched rows alone an event gives what it gives with all; other rows that it sets are new."""
    rows = Rows()
    for recorded in events:
        part = touched(model, recorded, rows)
        known, named = stored(model, rows), stored(model, part)
        changed = list(model.evolve(rows, recorded))
        assert list(model.evolve(part, recorded)) == changed
        for row in changed:
            place = (model.table_of[type(row)].name, model.table_of[type(row)].key_of(row))
            assert place in named or place not in known
            rows.put(model.table_of[type(row)], row)
    assert stored(model, rows) == stored(model, model.fold(events))


def other_events_do_not_concern_it(model: ReadModel, events: Iterable[Recorded[Event]]) -> None:
    """Of events that the model does not name it looks at nothing, and changes nothing."""
    rows = Rows()
    for recorded in events:
        if model.of is not None and type(recorded.event) not in model.of:
            assert list(model.touches(recorded)) == []
            assert list(model.evolve(rows, recorded)) == []
        model.apply(rows, recorded)


def folds_are_pure(model: ReadModel, events: Sequence[Recorded[Event]]) -> None:
    """Twice gives the same, and nothing that went in was changed."""
    before = msgspec.json.encode(events)
    assert stored(model, model.fold(events)) == stored(model, model.fold(events))
    assert msgspec.json.encode(events) == before


def rows_survive_their_table(model: ReadModel, rows: Rows) -> None:
    """Every row comes back from the database's JSON as it was, and keys are unique."""
    for table in model.tables:
        for row in rows.all(table):
            assert _reread(table, row) == row


def _reread(table: Table[Any], row: Row) -> Row:
    hints = get_type_hints(table.row, include_extras=True)
    values = {}
    for column in table.columns:
        value = getattr(row, column.name)
        if column.is_json and value is not None:
            value = msgspec.json.decode(msgspec.json.encode(value), type=hints[column.name])
        assert value is not None or column.nullable
        values[column.name] = value
    reread: Row = table.row(**values)
    return reread


def erased(events: Iterable[Recorded[Event]]) -> list[Recorded[Event]]:
    """The same events when the patient's key is destroyed."""
    return [msgspec.structs.replace(one, event=None, meta=None) for one in events]
