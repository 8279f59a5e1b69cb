"""Build a read model anew beside the one that serves, and put it in its place in one short transaction."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from uuid import UUID

from psycopg import AsyncConnection, sql

from domain.event import Event
from domain.recorded import Recorded
from infra.errors import CommandFailed
from infra.event_log.reader import Reader
from infra.projector import history
from infra.projector.fold import fold_batch
from infra.projector.live import MOST_EVENTS
from infra.projector.store import ModelStore
from projections.model import ReadModel, Row

Told = Callable[[int, int], None]
"""Hears how many of how many events are folded."""


async def rebuild(
    connection: AsyncConnection,
    reader: Reader,
    model: ReadModel,
    shard: int = 0,
    told: Told = lambda _done, _all: None,
) -> int:
    """Rebuild a model that the projector has begun; the position at which it was put in place.

    Raises CommandFailed where the projector never made it. The old tables serve until the last moment.
    """
    new = ModelStore(model, f"{model.schema}_new")
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
            position = await _catch_up(
                connection, reader, new, shard, position, min(ahead, position + MOST_EVENTS)
            )
    return await _swap(connection, reader, new, shard, position)


async def _fill(
    connection: AsyncConnection, reader: Reader, store: ModelStore, shard: int, until: int, told: Told
) -> None:
    done = 0
    async with (
        await AsyncConnection.connect(connection.info.dsn, autocommit=True) as reading,
        reading.transaction(),
    ):
        parts = history.by_patient(reading, reader, shard, until, accounts=store.model.accounts)
        async for patients in parts:
            rows: dict[str, list[tuple[UUID, int, Row]]] = defaultdict(list)
            for subject, events in patients:
                done += len(events)
                for table, row, position in history.folded(store.model, events):
                    rows[table.name].append((subject, position, row))
            for name, found in rows.items():
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

    async def past(subject: UUID, upto: int) -> Sequence[Recorded[Event]]:
        return await reader.by_subject([subject], until=upto)

    if until > position:
        events = await reader.between(position + 1, until)
        await store.save(connection, shard, await fold_batch(store, connection, shard, events, past))
    return max(position, until)


async def _swap(
    connection: AsyncConnection, reader: Reader, new: ModelStore, shard: int, position: int
) -> int:
    """With the checkpoint held, bring the new tables to exactly where the old ones are, and change names."""
    schema = new.model.schema
    async with connection.transaction():
        live = await _live_position(connection, shard, new.model, lock=True)
        if live < position:
            await connection.execute(
                "UPDATE app.checkpoint SET position = %s WHERE shard = %s AND model = %s AND fingerprint = %s",
                (position, shard, new.model.name, new.model.fingerprint),
            )
        position = await _catch_up(connection, reader, new, shard, position, live)
        await ModelStore(new.model).drop(connection)
        await connection.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(sql.Identifier(new.schema), sql.Identifier(schema))
        )
    return position
