"""A batch of events folded into the rows of one read model, and what differs afterwards."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from domain.catalog import UNSEALED
from domain.event import Event
from domain.patient import PatientErased
from domain.recorded import Recorded
from infra.projector.folding import Folding
from infra.projector.store import Differences, ModelStore
from projections.model import ReadModel, Rows

History = Callable[[UUID, int], Awaitable[list[Recorded[Event]]]]
"""Everything of a patient up to a position."""
Filed = list[tuple[UUID, Recorded[Event]]]
"""Events with the subject under which a model files them."""


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
    events: Iterable[Recorded[Event]],
    history: History,
) -> Differences:
    """Load the rows that the events touch, fold, and give the differences to save."""
    model = store.model
    filed = _filed(model, events)
    loaded = await _loaded(store, connection, shard, filed)
    patients: dict[UUID, Folding] = {}
    for subject, event in filed:
        patient = patients.get(subject)
        if patient is None:
            patient = patients[subject] = Folding(subject, loaded[subject])
        if type(event.event) is PatientErased:
            past = closed(await history(subject, event.position))
            patient.replace(model, model.fold(past), event.position)
        else:
            patient.apply(model, event)
    return _differences(model, patients.values())


async def replace(
    store: ModelStore,
    connection: AsyncConnection,
    shard: int,
    subject: UUID,
    events: Sequence[Recorded[Event]],
) -> Differences:
    """What must change so that a patient's stored rows are the fold of these events."""
    stored = Rows()
    for table in store.tables.values():
        await table.load_all(connection, shard, [subject], {subject: stored})
    patient = Folding(subject, stored)
    position = events[-1].position if events else 0
    patient.replace(store.model, fold_history(store.model, events), position)
    return _differences(store.model, [patient])


def _differences(model: ReadModel, patients: Iterable[Folding]) -> Differences:
    found: Differences = {table.name: [] for table in model.tables}
    for patient in patients:
        for one in patient.changes():
            found[one.table.name].append(one)
    return found


def _filed(model: ReadModel, events: Iterable[Recorded[Event]]) -> Filed:
    """The events that the model has to do with; an erasure always."""
    if model.of is not None:
        concerning = model.of | {PatientErased}
        events = [event for event in events if type(event.event) in concerning]
    return [(subject, event) for event in events if (subject := whose(model, event)) is not None]


async def _loaded(
    store: ModelStore, connection: AsyncConnection, shard: int, filed: Filed
) -> defaultdict[UUID, Rows]:
    """The stored rows that these events touch, by patient."""
    loaded: defaultdict[UUID, Rows] = defaultdict(Rows)
    touches = store.model.touches
    whole: dict[str, set[UUID]] = defaultdict(set)
    parts: dict[str, set[tuple[UUID, Any]]] = defaultdict(set)
    for subject, event in filed:
        if type(event.event) is PatientErased:
            for name in store.tables:
                whole[name].add(subject)
            continue
        for touch in touches(event):
            if len(touch) == 1:
                whole[touch[0].name].add(subject)
            else:
                parts[touch[0].name].add((subject, touch[1]))
    for name, table_store in store.tables.items():
        await table_store.load_all(connection, shard, whole[name], loaded)
        await table_store.load(
            connection, shard, [part for part in parts[name] if part[0] not in whole[name]], loaded
        )
    return loaded
