"""Build a read model anew beside the one that serves, and put it in its place without anybody waiting."""

from uuid import UUID

import psycopg
from psycopg import AsyncConnection
from psycopg.conninfo import make_conninfo

from domain.event import Event
from domain.recorded import Recorded
from infra.errors import CommandFailed
from infra.event_log.reader import Reader
from infra.projector import begun, checkpoints, comparing, held, history, proving
from infra.projector.ahead import one_ahead
from infra.projector.alone import Told, alone
from infra.projector.announcing import announce
from infra.projector.applying import Applying
from infra.projector.begun import Begun
from infra.projector.filling import fill
from infra.projector.projector import MOST_EVENTS
from infra.projector.store import ModelStore
from infra.projector.strangers import BEING_BUILT, REPLACED
from infra.projector.uncollected import uncollected
from projections.model import ReadModel

MOST_SAID = 10
DROP_PATIENCE = "SET LOCAL lock_timeout = '200ms'"
"""Shorter than Postgres waits for deadlocks: who still reads the old tables is never the victim."""


async def rebuild(
    connection: AsyncConnection,
    reader: Reader,
    model: ReadModel,
    shard: int = 0,
    told: Told = lambda _done, _all: None,
    generation: int | None = None,
) -> int:
    """Rebuild a model that the projector has begun; the position at which it was put in place.

    Goes on with what an earlier one left that was killed. Raises CommandFailed where the projector never made
    the model, another rebuilds it, or the new tables do not hold what the log says; LeaseLost where the
    model is to be replaced in one `generation` only and is in another. The old tables serve until the last
    moment.
    """
    new = ModelStore(model, model.schema + BEING_BUILT)
    async with alone(connection, model):
        await _live_position(connection, shard, model)
        await drop(connection, ModelStore(model, model.schema + REPLACED))
        at = await _begin_or_go_on(connection, reader, new, shard)
        if not at.indexed:
            with uncollected():
                await _fill(connection, reader, new, shard, at, told)
        while (ahead := await _live_position(connection, shard, model)) - at.position > MOST_EVENTS:
            async with connection.transaction():
                until = min(ahead, at.position + MOST_EVENTS)
                at.position = await _catch_up(connection, reader, new, shard, at.position, until)
                await begun.note(connection, shard, model, at)
        await _refuse(
            connection, shard, model, await proving.wrong(connection, reader, new, shard, at.position)
        )
        position = await _swap(connection, reader, new, shard, at.position, generation)
        await drop(connection, ModelStore(model, model.schema + REPLACED))
    return position


async def drop(connection: AsyncConnection, store: ModelStore) -> None:
    """Drop the schema as soon as nobody reads in it."""
    while True:
        try:
            async with connection.transaction():
                await connection.execute(DROP_PATIENCE)
                await store.drop(connection)
        except psycopg.errors.LockNotAvailable:
            continue
        return


async def _begin_or_go_on(connection: AsyncConnection, reader: Reader, new: ModelStore, shard: int) -> Begun:
    at = await begun.found(connection, shard, new.model)
    if at is not None and await new.exists(connection):
        return at
    at = Begun(position=(await reader.head()).position)
    async with connection.transaction():
        await new.drop(connection)
        await new.create(connection, indexed=False)
        await connection.execute(
            "DELETE FROM app.held WHERE shard = %s AND model = %s AND fingerprint = %s",
            checkpoints.key(shard, new),
        )
        await begun.note(connection, shard, new.model, at)
    return at


async def _fill(
    connection: AsyncConnection, reader: Reader, new: ModelStore, shard: int, at: Begun, told: Told
) -> None:
    conninfo = make_conninfo(connection.info.dsn, password=connection.info.password or None)
    async with await AsyncConnection.connect(conninfo, autocommit=True) as reading, reading.transaction():
        parts = history.by_patient(
            reading, reader.lenient, shard, at.position, accounts=new.model.accounts, after=at.subject_id
        )
        async for patients in one_ahead(parts):
            async with connection.transaction():
                rows = await fill(connection, new, shard, patients)
                at.rows = {name: at.rows.get(name, 0) + rows.get(name, 0) for name in new.tables}
                at.events += sum(len(events) for _, events in patients)
                at.subject_id = patients[-1][0]
                await begun.note(connection, shard, new.model, at)
            told(at.events, at.position)
    async with connection.transaction():
        await new.index(connection)
        await new.sum_up(connection, shard)
        at.indexed = True
        await begun.note(connection, shard, new.model, at)
        wrong = await comparing.wrong_counts(connection, new, shard, at.rows, "more than were folded")
    await _refuse(connection, shard, new.model, wrong)


async def _refuse(
    connection: AsyncConnection, shard: int, model: ReadModel, wrong: list[comparing.Wrong]
) -> None:
    """Raise CommandFailed where anything is wrong with the new tables; they stay to be looked at."""
    if wrong:
        await begun.forget(connection, shard, model)
        said = "; ".join(str(one) for one in wrong[:MOST_SAID])
        raise CommandFailed(f"{model.name} was not put in place, the new tables are wrong: {said}")


async def _live_position(connection: AsyncConnection, shard: int, model: ReadModel) -> int:
    for one in await checkpoints.all_of(connection, shard):
        if one.version == (model.name, model.fingerprint):
            return one.position
    raise CommandFailed(f"{model.name} has no tables of this release yet: start `tarikh project` first")


async def _catch_up(
    connection: AsyncConnection, reader: Reader, new: ModelStore, shard: int, position: int, until: int
) -> int:
    """Fold what came after `position` into the new tables, as the projector would."""

    async def past(subject: UUID, upto: int) -> list[Recorded[Event]]:
        return await reader.lenient.by_subject([subject], until=upto)

    if until > position:
        events = await reader.lenient.between(position + 1, until)
        held_back = (await held.by_schema(connection, shard, [new])).get(new.schema, ())
        await Applying(new, connection, shard, past).each_apart(events, held_back)
    return max(position, until)


async def _swap(
    connection: AsyncConnection,
    reader: Reader,
    new: ModelStore,
    shard: int,
    position: int,
    generation: int | None,
) -> int:
    """With the checkpoint held, bring the new tables to exactly where the old ones are, and change names."""
    live = ModelStore(new.model)
    async with connection.transaction():
        place = await checkpoints.locked(connection, shard, new.model, generation) or 0
        if place < position:
            await connection.execute(
                """
                UPDATE app.checkpoint SET position = %s, updated_at = clock_timestamp()
                WHERE shard = %s AND model = %s AND fingerprint = %s
                """,
                (position, *checkpoints.key(shard, live)),
            )
        position = await _catch_up(connection, reader, new, shard, position, place)
        await held.hand_over(connection, shard, new, live)
        await begun.forget(connection, shard, new.model)
        if await live.exists(connection):
            await live.rename(connection, live.schema + REPLACED)
        await new.rename(connection, live.schema)
        await announce(connection, shard, position, None)
    return position
