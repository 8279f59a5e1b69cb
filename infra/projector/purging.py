"""An erased patient leaves the read models: what the projector does at the event is made sure of."""

from collections.abc import Collection, Sequence
from uuid import UUID

from psycopg import AsyncConnection

from infra.event_log.reader import Reader
from infra.projector import checkpoints, purged, strangers
from infra.projector.fold import replace
from infra.projector.store import ModelStore
from projections.model import ReadModel


async def purge(
    connection: AsyncConnection,
    reader: Reader,
    models: Sequence[ReadModel],
    subjects: Collection[UUID],
    erased_at: int,
    shard: int = 0,
) -> None:
    """Make sure of it in every version of every model; idempotent, and safe beside a running projector.

    In this release's tables a patient is left with what the fold makes of closed events, as after a rebuild.
    """
    stores = [ModelStore(model) for model in models]
    for store in stores:
        async with connection.transaction():
            position = await checkpoints.locked(connection, shard, store.model)
            if position is None or not await store.exists(connection):
                continue
            for subject in subjects:
                events = await reader.lenient.by_subject([subject], until=position)
                changed = await replace(store, connection, shard, subject, events)
                await store.save(connection, shard, changed)
                await purged.note(connection, shard, store.schema, purged.counted(changed, [subject]))
    async with connection.transaction():
        await strangers.purge(connection, shard, stores, dict.fromkeys(subjects, erased_at))
