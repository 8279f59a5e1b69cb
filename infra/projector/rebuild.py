"""Build a read model anew beside the one that serves, and put it in its place without anybody waiting."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo

from domain.event import Event
from domain.recorded import Recorded
from infra.errors import CommandFailed
from infra.event_log.reader import Reader
from infra.projector import history
from infra.projector.fold import fold_batch
from infra.projector.projector import MOST_EVENTS
from infra.projector.store import ModelStore
from infra.projector.strangers import BEING_BUILT
from infra.projector.table import Difference
from projections.model import ReadModel

Told = Callable[[int, int], None]
"""Hears how many of how many events are folded."""

REPLACED = "_old"
LOCK = 7413
DROP_PATIENCE = "SET LOCAL lock_timeout = '200ms'"
"""Shorter than Postgres waits for deadlocks: who still reads the old tables is never the victim."""


async def rebuild(
    connection: AsyncConnection,
    reader: Reader,
    model: ReadModel,
    shard: int = 0,
    told: Told = lambda _done, _all: None,
) -> int:
    """Rebuild a model that the projector has begun; the position at which it was put in place.

    Raises CommandFailed where the projector never made it, or another rebuilds it. The old tables serve until
    the last moment.
    """
    new = ModelStore(model, model.schema + BEING_BUILT)
    old = ModelStore(model, model.schema + REPLACED)
    async with alone(connection, model):
        await _live_position(connection, shard, model)
        await _drop(connection, old)
        async with connection.transaction():
            await new.drop(connection)
            await new.create(connection, indexed=False)
        position = (await reader.head()).position
        await _fill(connection, reader, new, shard, position, told)
        async with connection.transaction():
            await new.index(connection)
            await new.sum_up(connection, shard)
        while (ahead := await _live_position(connection, shard, model)) - position > MOST_EVENTS:
            async with connection.transaction():
                until = min(ahead, position + MOST_EVENTS)
                position = await _catch_up(connection, reader, new, shard, position, until)
        position = await _swap(connection, reader, new, shard, position)
        await _drop(connection, old)
    return position


@asynccontextmanager
async def alone(
    connection: AsyncConnection, model: ReadModel, *, shared: bool = False
) -> AsyncIterator[None]:
    """Hold the model's tables still: nobody else replaces them meanwhile. Raises CommandFailed.

    `shared` is for those who only read them.
    """
    suffix = "_shared" if shared else ""
    cursor = await connection.execute(
        sql.SQL("SELECT {}(%s, hashtext(%s))").format(sql.Identifier(f"pg_try_advisory_lock{suffix}")),
        (LOCK, model.schema),
    )
    if await cursor.fetchone() != (True,):
        raise CommandFailed(f"{model.name} is being rebuilt or verified by another process at this moment")
    try:
        yield
    finally:
        if not connection.closed:
            await connection.execute(
                sql.SQL("SELECT {}(%s, hashtext(%s))").format(sql.Identifier(f"pg_advisory_unlock{suffix}")),
                (LOCK, model.schema),
            )


async def _drop(connection: AsyncConnection, store: ModelStore) -> None:
    """Drop the schema as soon as nobody reads in it."""
    while True:
        try:
            async with connection.transaction():
                await connection.execute(DROP_PATIENCE)
                await store.drop(connection)
        except psycopg.errors.LockNotAvailable:
            continue
        return


async def _fill(
    connection: AsyncConnection, reader: Reader, store: ModelStore, shard: int, until: int, told: Told
) -> None:
    done = 0
    conninfo = make_conninfo(connection.info.dsn, password=connection.info.password or None)
    async with await AsyncConnection.connect(conninfo, autocommit=True) as reading, reading.transaction():
        parts = history.by_patient(reading, reader, shard, until, accounts=store.model.accounts)
        async for patients in parts:
            made: dict[str, list[Difference]] = defaultdict(list)
            for subject, events in patients:
                done += len(events)
                for one in history.folded(store.model, subject, events):
                    made[one.table.name].append(one)
            for name, found in made.items():
                await store.tables[name].copy(connection, shard, found)
            told(done, until)


async def _live_position(
    connection: AsyncConnection, shard: int, model: ReadModel, *, lock: bool = False
) -> int:
    cursor = await connection.execute(
        sql.SQL(
            "SELECT position FROM app.checkpoint WHERE shard = %s AND model = %s AND fingerprint = %s {}"
        ).format(sql.SQL("FOR UPDATE") if lock else sql.SQL("")),
        (shard, model.name, model.fingerprint),
    )
    row = await cursor.fetchone()
    if row is None:
        raise CommandFailed(f"{model.name} has no tables of this release yet: start `tarikh project` first")
    return int(row[0])


async def _catch_up(
    connection: AsyncConnection, reader: Reader, store: ModelStore, shard: int, position: int, until: int
) -> int:
    """Fold what came after `position` into the new tables, as the projector would."""

    async def past(subject: UUID, upto: int) -> list[Recorded[Event]]:
        return await reader.by_subject([subject], until=upto)

    if until > position:
        events = await reader.between(position + 1, until)
        await store.save(connection, shard, await fold_batch(store, connection, shard, events, past))
    return max(position, until)


async def _swap(
    connection: AsyncConnection, reader: Reader, new: ModelStore, shard: int, position: int
) -> int:
    """With the checkpoint held, bring the new tables to exactly where the old ones are, and change names."""
    live = ModelStore(new.model)
    async with connection.transaction():
        place = await _live_position(connection, shard, new.model, lock=True)
        if place < position:
            await connection.execute(
                """
                UPDATE app.checkpoint SET position = %s
                WHERE shard = %s AND model = %s AND fingerprint = %s
                """,
                (position, shard, new.model.name, new.model.fingerprint),
            )
        position = await _catch_up(connection, reader, new, shard, position, place)
        if await live.exists(connection):
            await live.rename(connection, live.schema + REPLACED)
        await new.rename(connection, live.schema)
    return position
