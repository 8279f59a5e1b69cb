"""Patients folded in memory and copied into new tables, a part of them in each transaction."""

from collections import defaultdict
from collections.abc import Sequence

import psycopg
from psycopg import AsyncConnection

from infra.projector import held
from infra.projector.history import Patient, folded_until_stuck
from infra.projector.store import ModelStore
from infra.projector.table import Difference
from projections.model import ReadModel


async def fill(
    connection: AsyncConnection, store: ModelStore, shard: int, patients: Sequence[Patient]
) -> dict[str, int]:
    """Copy the rows of these patients; how many went into each table.

    Who cannot be folded or copied is held back in these tables, with the rows from before that event.
    """
    copied: list[Difference] = []
    for subject, events in patients:
        placed, stuck = folded_until_stuck(store.model, subject, events)
        copied += placed
        if stuck is not None:
            await held.put(connection, shard, store, stuck)
    try:
        return await _copied(connection, store, shard, copied)
    except Exception as error:
        if not held.is_of_a_patient(error):
            raise
    counts: dict[str, int] = defaultdict(int)
    for patient in patients:
        for name, count in (await _apart(connection, store, shard, patient)).items():
            counts[name] += count
    return counts


async def _copied(
    connection: AsyncConnection, store: ModelStore, shard: int, made: Sequence[Difference]
) -> dict[str, int]:
    rows: dict[str, list[Difference]] = defaultdict(list)
    for one in made:
        rows[one.table.name].append(one)
    async with connection.transaction():
        for name, found in rows.items():
            await store.tables[name].copy(connection, shard, found)
    return {name: len(found) for name, found in rows.items()}


async def _apart(
    connection: AsyncConnection, store: ModelStore, shard: int, patient: Patient
) -> dict[str, int]:
    """The rows of one patient, up to the event that makes one which Postgres refuses."""
    subject, events = patient
    placed, _ = folded_until_stuck(store.model, subject, events)
    try:
        return await _copied(connection, store, shard, placed)
    except Exception as error:
        if not held.is_of_a_patient(error):
            raise
    for place, event in enumerate(events):
        try:
            await _tried(connection, store, shard, _until(store.model, patient, place + 1))
        except Exception as error:
            if not held.is_of_a_patient(error):
                raise
            await held.put(connection, shard, store, held.hold(subject, event.position, error))
            return await _copied(connection, store, shard, _until(store.model, patient, place))
    return {}


async def _tried(
    connection: AsyncConnection, store: ModelStore, shard: int, made: Sequence[Difference]
) -> None:
    async with connection.transaction():
        await _copied(connection, store, shard, made)
        raise psycopg.Rollback


def _until(model: ReadModel, patient: Patient, count: int) -> list[Difference]:
    subject, events = patient
    return folded_until_stuck(model, subject, events[:count])[0]
