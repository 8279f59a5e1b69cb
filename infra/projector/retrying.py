"""Patients who are held back, folded anew from the log: for when what held them is repaired."""

from uuid import UUID

from psycopg import AsyncConnection

from infra.event_log.reader import Reader
from infra.projector import checkpoints, held, history
from infra.projector.announcing import announce
from infra.projector.fold import replace
from infra.projector.held import Hold, Standing
from infra.projector.store import ModelStore
from projections.model import ReadModel


async def retry(
    connection: AsyncConnection, reader: Reader, model: ReadModel, one: Standing, shard: int = 0
) -> Hold | None:
    """Bring the patient to where everybody else is; why they are held on, None where they are free.

    The rows that change are told to phones as changed by the patient's last event. The checkpoint is held
    meanwhile, so that the projector goes on with all or nothing of the patient.
    """
    store = ModelStore(model)
    try:
        async with connection.transaction():
            until = await checkpoints.locked(connection, shard, model) or 0
            events = await history.of_one(reader, one.subject_id, until, accounts=model.accounts)
            changed = await replace(store, connection, shard, one.subject_id, events)
            await store.save(connection, shard, changed)
            await held.free(connection, shard, store, [one.subject_id])
            await announce(connection, shard, until, [one.subject_id])
    except Exception as error:
        if not held.is_of_a_patient(error):
            raise
        return await _still(connection, store, shard, one, error)
    return None


async def _still(
    connection: AsyncConnection, store: ModelStore, shard: int, one: Standing, error: Exception
) -> Hold:
    found = held.hold(one.subject_id, one.position, error)
    async with connection.transaction():
        await checkpoints.locked(connection, shard, store.model)
        if await _is_held(connection, store, shard, one.subject_id):
            await held.put(connection, shard, store, found)
    return found


async def _is_held(connection: AsyncConnection, store: ModelStore, shard: int, subject: UUID) -> bool:
    """Whether nobody has freed the patient meanwhile, by an erasure or another retry."""
    return subject in (await held.by_schema(connection, shard, [store])).get(store.schema, ())
