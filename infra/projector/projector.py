"""Feeds read models from the log: a batch, a pass, a transaction, exactly once."""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from uuid import UUID

import psycopg
from psycopg import AsyncConnection

from domain.event import Event
from domain.patient import PatientErased
from domain.recorded import Recorded
from infra.event_log.reader import Reader
from infra.projector import checkpoints, lease, purged, strangers
from infra.projector.fold import fold_batch
from infra.projector.store import ModelStore
from projections.model import ReadModel

MOST_EVENTS = 5_000
FEWEST_EVENTS = 50
SECONDS_OF_A_BATCH = 1.0
"""A batch that takes longer is followed by a smaller one: in between, the heart must beat."""
CHANNEL = "tarikh_projected"

SESSION = """
    SET ROLE tarikh_projector;
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
    SET idle_in_transaction_session_timeout = '5s';
"""
"""Loads are by key whatever the statistics of a young table say; a process that was stopped in the middle of
a transaction must not keep its locks from the one that takes over."""


async def connect(conninfo: str) -> AsyncConnection:
    """A connection as the projector uses it."""
    connection = await AsyncConnection.connect(conninfo, autocommit=True)
    try:
        await connection.execute(SESSION)
    except psycopg.Error:
        await connection.close()
        raise
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
        self._most_events = MOST_EVENTS

    @property
    def reader(self) -> Reader:
        """The log that it feeds from."""
        return self._reader

    @property
    def models(self) -> list[ReadModel]:
        """What it feeds."""
        return [store.model for store in self._stores]

    async def reconnect(self, conninfo: str) -> None:
        """Go on through a new connection where the old one is lost."""
        if self._connection.closed:
            self._connection = await connect(conninfo)

    async def close(self) -> None:
        """Close the connection; what was not committed did not happen."""
        await self._connection.close()

    async def take_over(self) -> bool:
        """Become the one projector; False while another one's heart beats."""
        generation = await lease.take(self._connection, self._generation)
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
        """Apply the next batch to the models that are furthest behind; how many events were read."""
        places = await self._places()
        behind = min(places.values())
        stores = [store for store in self._stores if places[store.model.name] == behind]
        others = [place for place in places.values() if place > behind]
        limit = min([self._most_events, *(place - behind for place in others)])
        events = await self._reader.after(behind, limit)
        if events:
            started = monotonic()
            with _uncollected():
                await self._apply(stores, events, behind)
            self._adapt(monotonic() - started)
        return len(events)

    async def catch_up(self) -> None:
        """Apply everything that is in the log now."""
        while await self.step():
            pass

    def _adapt(self, seconds: float) -> None:
        if seconds > SECONDS_OF_A_BATCH:
            self._most_events = max(self._most_events // 2, FEWEST_EVENTS)
        else:
            self._most_events = min(self._most_events * 2, MOST_EVENTS)

    async def _places(self) -> dict[str, int]:
        found = await checkpoints.all_of(self._connection, self._shard)
        mine = {(store.model.name, store.model.fingerprint) for store in self._stores}
        places = {c.model: c.position for c in found if (c.model, c.fingerprint) in mine}
        if len(places) < len(mine):
            raise lease.LeaseLost
        return places

    async def _apply(
        self, stores: Sequence[ModelStore], events: Sequence[Recorded[Event]], before: int
    ) -> None:
        """One transaction; where a rebuild has moved a checkpoint meanwhile, nothing is applied."""
        after = events[-1].position
        models = [store.model for store in stores]
        erased = {
            e.subject_id: e.position for e in events if isinstance(e.event, PatientErased) and e.subject_id
        }
        try:
            async with self._connection.transaction():
                await checkpoints.move(self._connection, self._shard, models, before, after, self._generation)
                for store in stores:
                    changed = await fold_batch(store, self._connection, self._shard, events, self._history)
                    await store.save(self._connection, self._shard, changed)
                    taken = purged.counted(changed, erased)
                    await purged.note(self._connection, self._shard, store.schema, taken)
                if erased:
                    await strangers.purge(
                        self._connection, self._shard, self._stores, erased, max(erased.values())
                    )
                await self._connection.execute(
                    "SELECT pg_notify(%s, %s)", (CHANNEL, f"{self._shard}:{after}")
                )
        except checkpoints.Moved:
            return

    async def _history(self, subject: UUID, until: int) -> list[Recorded[Event]]:
        return await self._reader.by_subject([subject], until=until)


@contextmanager
def _uncollected() -> Iterator[None]:
    """No garbage collection within a batch: its rows are none, and looking costs as much again."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
