"""What is wrong with stored rows and sums, against those that the log makes."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql

from domain.event import Event
from domain.patient import PatientErased
from domain.recorded import Recorded
from infra.projector import history
from infra.projector.rollups import summed
from infra.projector.store import ModelStore
from projections.model import ReadModel, Row, RowKey, Rows


class Wrong(msgspec.Struct, frozen=True):
    """A row that should be there and is not, should not be, or says something else."""

    model: str
    table: str
    subject_id: UUID | None
    key: str
    what: str

    def __str__(self) -> str:
        """Table, key, of whom and what, in one line."""
        parts = (self.table, self.key, self.subject_id and f"of {self.subject_id}", self.what)
        return "  ".join(str(part) for part in parts if part)


async def stored(
    connection: AsyncConnection, store: ModelStore, shard: int, subjects: Iterable[UUID]
) -> dict[UUID, dict[tuple[str, RowKey], Row]]:
    """What the tables say of these patients, by table and key."""
    found: dict[UUID, Rows] = {subject: Rows() for subject in subjects}
    for table_store in store.tables.values():
        await table_store.load_all(connection, shard, found, found)
    return {subject: _placed(store.model, rows) for subject, rows in found.items()}


def of_a_patient(
    model: ReadModel,
    subject: UUID,
    events: list[Recorded[Event]],
    actual: Mapping[tuple[str, RowKey], Row],
) -> list[Wrong]:
    """What differs from the fold; of somebody who is being erased at this moment nothing does."""
    if _being_erased(events):
        return []
    placed, stuck = history.folded_until_stuck(model, subject, events)
    if stuck is not None:
        return [Wrong(model.name, "", subject, "", f"cannot be folded past position {stuck.position}")]
    expected = {(one.table.name, one.table.key_of(one.after)): one.after for one in placed}
    return _differences(model, subject, expected, actual)


def _placed(model: ReadModel, rows: Rows) -> dict[tuple[str, RowKey], Row]:
    return {(t.name, t.key_of(row)): row for t in model.tables for row in rows.all(t)}


def _being_erased(events: Sequence[Recorded[Event]]) -> bool:
    """Whether the key is gone and the erasure, which stands further on in the log, not yet applied."""
    return any(one.event is None and one.unreadable is None for one in events) and not any(
        isinstance(one.event, PatientErased) for one in events
    )


def _differences(
    model: ReadModel,
    subject: UUID,
    expected: Mapping[tuple[str, RowKey], Any],
    actual: Mapping[tuple[str, RowKey], Any],
) -> list[Wrong]:
    wrong = []
    for place in expected.keys() | actual.keys():
        ours, theirs = expected.get(place), actual.get(place)
        if ours != theirs:
            what = (
                "missing" if theirs is None else "not in the log" if ours is None else _fields(ours, theirs)
            )
            wrong.append(Wrong(model.name, place[0], subject, "/".join(map(str, place[1])), what))
    return wrong


def _fields(ours: msgspec.Struct, theirs: msgspec.Struct) -> str:
    """Which fields differ; never what they hold."""
    names = [name for name in ours.__struct_fields__ if getattr(ours, name) != getattr(theirs, name)]
    return f"differs in {', '.join(names)}"


async def wrong_sums(connection: AsyncConnection, store: ModelStore, shard: int) -> AsyncIterator[Wrong]:
    """Rollup rows that are not the sums of the contributions, and sums that no row tells."""
    for rollup in store.model.rollups:
        names = sql.SQL(", ").join(map(sql.Identifier, ("shard", *rollup.by, *rollup.sums)))
        table = sql.SQL("SELECT {} FROM {} WHERE shard = %s").format(
            names, sql.Identifier(store.schema, rollup.name)
        )
        query = summed(store.schema, rollup)
        for one, other, what in (
            (query, table, "missing or wrong"),
            (table, query, "not in the contributions"),
        ):
            cursor = await connection.execute(sql.SQL("({}) EXCEPT ({})").format(one, other), (shard, shard))
            for row in await cursor.fetchall():
                yield Wrong(store.model.name, rollup.name, None, "/".join(map(str, row[1:])), what)


async def wrong_counts(
    connection: AsyncConnection, store: ModelStore, shard: int, expected: Mapping[str, int], what: str
) -> list[Wrong]:
    """Tables that hold more or fewer rows than that."""
    wrong = []
    for name, table_store in store.tables.items():
        cursor = await connection.execute(
            sql.SQL("SELECT count(*) FROM {} WHERE shard = %s").format(table_store.name), (shard,)
        )
        row = await cursor.fetchone()
        if row is not None and row[0] != expected.get(name, 0):
            wrong.append(
                Wrong(store.model.name, name, None, "", f"{row[0] - expected.get(name, 0)} rows {what}")
            )
    return wrong
