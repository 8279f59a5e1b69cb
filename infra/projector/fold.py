"""A batch of events folded into the rows of one read model, and what differs afterwards."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, cast
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from domain.catalog import UNSEALED
from domain.event import Event
from domain.patient import PatientErased
from domain.recorded import Recorded
from infra.projector.store import Difference, Differences, ModelStore
from projections.model import ReadModel, Row, Rows, Table

History = Callable[[UUID, int], Awaitable[list[Recorded[Event]]]]
"""Everything of a patient up to a position."""


def whose(model: ReadModel, recorded: Recorded[Event]) -> UUID | None:
    """Under which subject a model files an event: its patient, or its account's stream; None for neither."""
    if recorded.subject_id is not None:
        return recorded.subject_id
    return recorded.stream_id if model.accounts else None


def closed(events: Iterable[Recorded[Event]]) -> list[Recorded[Event]]:
    """The same events as they read once the patient's key is destroyed."""
    return [
        event
        if event.tag in UNSEALED
        else msgspec.structs.replace(event, event=None, meta=None, unreadable=None)
        for event in events
    ]


def fold_history(model: ReadModel, events: Sequence[Recorded[Event]]) -> Rows:
    """A patient's rows after all these events of theirs; what came before an erasure is not looked into."""
    erased = any(isinstance(event.event, PatientErased) for event in events)
    return model.fold(closed(events) if erased else events)


async def fold_batch(
    store: ModelStore,
    connection: AsyncConnection,
    shard: int,
    events: Sequence[Recorded[Event]],
    history: History,
) -> Differences:
    """Load the rows that the events touch, fold, and give the differences to save."""
    model = store.model
    filed = [(subject, event) for event in events if (subject := whose(model, event)) is not None]
    rows: dict[UUID, Rows] = defaultdict(Rows)
    await _load(store, connection, shard, filed, rows)
    changed: Differences = {}
    for subject, event in filed:
        if isinstance(event.event, PatientErased):
            past = closed(await history(subject, event.position))
            rows[subject] = _replaced(
                model, subject, rows[subject], model.fold(past), event.position, changed
            )
            continue
        patient_rows = rows[subject]
        for row in model.evolve(patient_rows, event):
            table = model.table_of[type(row)]
            before = patient_rows.put(table, row)
            _note(changed, table, subject, before, row, event.position)
    return {key: d for key, d in changed.items() if d.before != d.after}


async def replace(
    store: ModelStore,
    connection: AsyncConnection,
    shard: int,
    subject: UUID,
    events: Sequence[Recorded[Event]],
) -> Differences:
    """What must change so that a patient's stored rows are the fold of these events."""
    stored: dict[UUID, Rows] = {subject: Rows()}
    for table in store.tables.values():
        await table.load_all(connection, shard, [subject], stored)
    changed: Differences = {}
    position = events[-1].position if events else 0
    _replaced(store.model, subject, stored[subject], fold_history(store.model, events), position, changed)
    return changed


def _replaced(
    model: ReadModel, subject: UUID, old: Rows, new: Rows, position: int, changed: Differences
) -> Rows:
    for table in model.tables:
        for row in old.all(table):
            key = table.key_of(row)
            _note(changed, table, subject, row, new.get(table, *key), position)
        for row in new.all(table):
            _note(changed, table, subject, old.get(table, *table.key_of(row)), row, position)
    return new


def _note(
    changed: Differences,
    table: Table[Any],
    subject: UUID,
    before: Row | None,
    after: Row | None,
    position: int,
) -> None:
    key = (table.name, subject, table.key_of(cast("Row", before if after is None else after)))
    known = changed.get(key)
    if known is None:
        changed[key] = Difference(table, subject, before, after, position)
    else:
        known.after, known.position = after, position


async def _load(
    store: ModelStore,
    connection: AsyncConnection,
    shard: int,
    filed: Iterable[tuple[UUID, Recorded[Event]]],
    into: dict[UUID, Rows],
) -> None:
    whole: dict[str, set[UUID]] = defaultdict(set)
    parts: dict[str, set[tuple[UUID, Any]]] = defaultdict(set)
    for subject, event in filed:
        if isinstance(event.event, PatientErased):
            for name in store.tables:
                whole[name].add(subject)
            continue
        for table, *first in store.model.touches(event):
            if first:
                parts[table.name].add((subject, first[0]))
            else:
                whole[table.name].add(subject)
    for subject, _ in filed:
        into[subject]  # a patient without rows yet
    for name, table_store in store.tables.items():
        await table_store.load_all(connection, shard, whole[name], into)
        await table_store.load(
            connection, shard, [part for part in parts[name] if part[0] not in whole[name]], into
        )
