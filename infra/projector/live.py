"""The projector: follows the log and keeps all read models of this release up to date, exactly once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection

from domain.event import Event
from domain.recorded import Recorded
from infra.event_log.reader import Reader
from infra.projector import checkpoints, lease
from infra.projector.fold import fold_batch
from infra.projector.store import ModelStore
from projections.model import ReadModel

MOST_EVENTS = 5_000
SECONDS_BETWEEN_POLLS = 1.0
CHANNEL = "tarikh_projected"

SESSION = """
    SET ROLE tarikh_projector;
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
    SET idle_in_transaction_session_timeout = '5s';
"""
"""Loads are by key whatever the statistics of a young table say; a process that was stopped in the middle of a
transaction must not keep its locks from the one that takes over."""

log = structlog.get_logger()


async def connect(conninfo: str) -> AsyncConnection:
    """A connection as the projector uses it."""
    connection = await AsyncConnection.connect(conninfo, autocommit=True)
    await connection.execute(SESSION)
    return connection


class Projector:
    """Feeds read models that stand at the same checkpoint in one pass and one transaction."""

    def __init__(
        self, connection: AsyncConnection, reader: Reader, models: Sequence[ReadModel], shard: int = 0
    ) -> None:
        self._connection = connection
        self._reader = reader
        self._shard = shard
        self._stores = [ModelStore(model) for model in models]
        self._generation = 0

    async def take_over(self) -> bool:
        """Become the one projector; False while another one's heart beats."""
        generation = await lease.take(self._connection)
        if generation is None:
            return False
        self._generation = generation
        await checkpoints.ensure(self._connection, self._shard, self._stores, generation)
        return True

    async def give_back(self) -> None:
        """Let another take over at once."""
        await lease.give_back(self._connection, self._generation)

    async def beat(self, connection: AsyncConnection) -> None:
        """Keep the lease; raises LeaseLost."""
        await lease.beat(connection, self._generation)

    async def step(self) -> int:
        """Apply the next batch to the models that are furthest behind; how many events it had."""
        places = await self._places()
        behind = min(places.values())
        stores = [store for store in self._stores if places[store.model.name] == behind]
        others = [place for place in places.values() if place > behind]
        limit = min([MOST_EVENTS, *(place - behind for place in others)])
        events = await self._reader.after(behind, limit)
        if events:
            await self._apply(stores, events, behind)
        return len(events)

    async def catch_up(self) -> None:
        """Apply everything that is in the log now."""
        while await self.step():
            pass

    async def _places(self) -> dict[str, int]:
        found = await checkpoints.all_of(self._connection, self._shard)
        mine = {(store.model.name, store.model.fingerprint) for store in self._stores}
        return {c.model: c.position for c in found if (c.model, c.fingerprint) in mine}

    async def _apply(
        self, stores: Sequence[ModelStore], events: Sequence[Recorded[Event]], before: int
    ) -> None:
        after = events[-1].position
        async with self._connection.transaction():
            await checkpoints.move(
                self._connection, self._shard, [s.model for s in stores], before, after, self._generation
            )
            for store in stores:
                changed = await fold_batch(store, self._connection, self._shard, events, self._history)
                await store.save(self._connection, self._shard, changed)
            await self._connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, f"{self._shard}:{after}"))

    async def _history(self, subject: UUID, until: int) -> list[Recorded[Event]]:
        return await self._reader.by_subject([subject], until=until)


async def follow(projector: Projector, conninfo: str, stop: asyncio.Event) -> None:
    """Hold the lease and keep up with the log until told to stop; loses no event when it is killed instead."""
    async with _listening(conninfo) as listener:
        while not stop.is_set():
            if await projector.take_over():
                log.info("projector.leading")
                try:
                    await _lead(projector, listener, stop)
                except lease.LeaseLost:
                    log.warning("projector.lease_lost")
                    continue
                await projector.give_back()
            else:
                await _wait(listener, stop)


async def _lead(projector: Projector, listener: AsyncConnection, stop: asyncio.Event) -> None:
    while not stop.is_set():
        await projector.beat(listener)
        if not await projector.step():
            await _wait(listener, stop)


async def _wait(listener: AsyncConnection, stop: asyncio.Event) -> None:
    """Until the log grows, a second is over, or the end has come."""
    stopped = asyncio.ensure_future(stop.wait())
    woken = asyncio.ensure_future(_notified(listener))
    _, pending = await asyncio.wait({stopped, woken}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    if woken in pending:
        return
    woken.result()


async def _notified(listener: AsyncConnection) -> None:
    async for _ in listener.notifies(timeout=SECONDS_BETWEEN_POLLS, stop_after=1):
        return


@contextlib.asynccontextmanager
async def _listening(conninfo: str) -> AsyncIterator[AsyncConnection]:
    connection = await AsyncConnection.connect(conninfo, autocommit=True)
    try:
        await connection.execute("SET ROLE tarikh_projector; LISTEN tarikh_log")
        yield connection
    finally:
        with contextlib.suppress(psycopg.Error):
            await connection.close()
