"""Feeds read models from the log: a batch, a pass, a transaction, exactly once."""

from collections.abc import Collection, Sequence
from time import monotonic
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection

from domain.event import Event
from domain.patient import PatientErased
from domain.recorded import Recorded
from infra.event_log.codec import Unreadable
from infra.event_log.reader import Reader
from infra.projector import checkpoints, held, lease, strangers
from infra.projector.ahead import Ahead
from infra.projector.announcing import announce
from infra.projector.applying import Applying
from infra.projector.checkpoints import Checkpoint, Held
from infra.projector.store import ModelStore
from infra.projector.uncollected import uncollected
from projections.model import ReadModel

MOST_EVENTS = 5_000
FEWEST_EVENTS = 50
SECONDS_OF_A_BATCH = 1.0
"""A batch that takes longer is followed by a smaller one: what is told to stop should not take long."""

SESSION = """
    SET ROLE tarikh_projector;
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
    SET idle_in_transaction_session_timeout = '5s';
"""
"""Loads are by key whatever the statistics of a young table say; a process that was stopped in the middle of
a transaction must not keep its locks from the one that takes over."""

log = structlog.get_logger()


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
    """Feeds what it holds of its release's versions: those at the same checkpoint in one transaction."""

    def __init__(
        self, connection: AsyncConnection, reader: Reader, models: Sequence[ReadModel], shard: int = 0
    ) -> None:
        self.name = lease.own_name()
        self._connection = connection
        self._reader = reader
        self._ahead = Ahead(reader)
        self._shard = shard
        self._stores = {model.name: ModelStore(model) for model in models}
        self._held: dict[str, int] = {}
        self._aside: set[str] = set()
        self._asked_first = False
        self._most_events = MOST_EVENTS

    @property
    def reader(self) -> Reader:
        """The log that it feeds from."""
        return self._reader

    @property
    def models(self) -> list[ReadModel]:
        """Those of its release."""
        return [store.model for store in self._stores.values()]

    @property
    def shard(self) -> int:
        """The shard that it feeds from."""
        return self._shard

    @property
    def held(self) -> dict[str, int]:
        """Which of them it feeds, by name, and in which generation."""
        return dict(self._held)

    async def reconnect(self, conninfo: str) -> None:
        """Go on through a new connection where the old one is lost."""
        if self._connection.closed:
            self._connection = await connect(conninfo)

    async def close(self) -> None:
        """Close the connection; what was not committed did not happen."""
        await self._ahead.forget()
        await self._connection.close()

    async def take_over(self) -> bool:
        """Take every version that nobody feeds, let go of what another has taken; whether any is held now.

        Also sees to the erased in versions of other releases that nobody feeds any more.
        """
        await lease.name_session(self._connection, self.name)
        await self.beat(self._connection)
        await lease.forget_the_dead(self._connection)
        free = await self._look()
        taken = await checkpoints.take(self._connection, self._shard, free, self.name) if free else {}
        for name, generation in taken.items():
            await checkpoints.ensure(self._connection, self._shard, self._stores[name], generation)
            self._held[name] = generation
        if blocked := {one.holder for one in free if one.model not in taken and one.holder is not None}:
            await lease.end_sessions(self._connection, blocked)
        await strangers.sweep(self._connection, self._shard, list(self._stores.values()))
        return bool(self._held)

    async def give_back(self) -> None:
        """Let another take over at once."""
        await self._ahead.forget()
        await lease.give_back(self._connection, self.name)
        self._held.clear()
        self._aside.clear()

    async def beat(self, connection: AsyncConnection) -> None:
        """Keep the lease by which all that is held is held."""
        await lease.beat(connection, self.name)

    @property
    def aside(self) -> list[ReadModel]:
        """What it holds and does not feed, because it is being built otherwise."""
        return [model for model in self.models if model.name in self._aside]

    def set_aside(self, name: str) -> None:
        """Feed this version no more for the moment."""
        self._aside.add(name)

    def go_on_with(self, name: str) -> None:
        """Feed a version again that was set aside."""
        self._aside.discard(name)

    async def step(self) -> int:
        """Apply the next batch to the versions that are furthest behind; how many events were read.

        Those that are asked already come first every other time: nobody waits for what is being built.
        """
        places = await self.places()
        self._asked_first = not self._asked_first
        asked = [one for one in places if one.built]
        if self._asked_first and 0 < len(asked) < len(places) and (count := await self._feed(asked)):
            return count
        return await self._feed(places) if places else 0

    async def catch_up(self) -> None:
        """Apply everything that is in the log now."""
        while await self.step():
            pass

    async def _feed(self, places: Sequence[Checkpoint]) -> int:
        behind = min(one.position for one in places)
        group = [one for one in places if one.position == behind]
        others = [one.position for one in places if one.position > behind]
        limit = min([self._most_events, *(place - behind for place in others)])
        feeding = [Held(self._stores[one.model].model, one.generation) for one in group]
        with uncollected():
            count = await self._batch(feeding, behind, limit)
        if count < limit and not all(one.built for one in group):
            await checkpoints.built(self._connection, self._shard, feeding)
        return count

    async def _batch(self, feeding: Sequence[Held], behind: int, limit: int) -> int:
        """Apply the next events; how many. None is left when it ends: there is little to collect then."""
        events, strict = await self._next(behind, limit)
        if events:
            started = monotonic()
            await self._apply(feeding, events, behind, strict=strict)
            self._adapt(monotonic() - started)
        return len(events)

    def _adapt(self, seconds: float) -> None:
        if seconds > SECONDS_OF_A_BATCH:
            self._most_events = max(self._most_events // 2, FEWEST_EVENTS)
        else:
            self._most_events = min(self._most_events * 2, MOST_EVENTS)

    async def _look(self) -> list[Checkpoint]:
        """The versions of this release that nobody feeds; those that another has taken are let go."""
        found = {one.version: one for one in await checkpoints.all_of(self._connection, self._shard)}
        own = {model.name: found.get((model.name, model.fingerprint)) for model in self.models}
        if absent := [model for model in self.models if own[model.name] is None]:
            await checkpoints.begin(self._connection, self._shard, absent)
            return await self._look()
        for name, one in own.items():
            if one is None or self._held.get(name, one.generation) != one.generation:
                self._held.pop(name, None)
                self._aside.discard(name)
                log.warning("projector.lease_lost", model=name)
        unfed = [one for one in own.values() if one and one.model not in self._held]
        return [one for one in unfed if one.holder == self.name or not one.lives]

    async def places(self) -> list[Checkpoint]:
        """Where the versions stand that are fed now. Raises LeaseLost."""
        fed = {name: generation for name, generation in self._held.items() if name not in self._aside}
        found = await checkpoints.all_of(self._connection, self._shard)
        own = {store.model.name: store.model.fingerprint for store in self._stores.values()}
        places = [one for one in found if one.model in fed and one.fingerprint == own[one.model]]
        if {one.model: one.generation for one in places} != fed:
            raise lease.LeaseLost
        return places

    async def _next(self, behind: int, limit: int) -> tuple[list[Recorded[Event]], bool]:
        """The next events, and whether every one of them could be read."""
        try:
            return await self._ahead.after(behind, limit), True
        except Unreadable:
            return await self._reader.lenient.after(behind, limit), False

    async def _apply(
        self, feeding: Sequence[Held], events: Sequence[Recorded[Event]], before: int, *, strict: bool
    ) -> None:
        """One transaction; again, each patient apart, where one of them cannot be applied.

        Where a rebuild has moved a checkpoint meanwhile, nothing is applied.
        """
        try:
            if strict:
                try:
                    await self._transact(feeding, events, before, apart=False)
                except Exception as error:
                    if not held.is_of_a_patient(error):
                        raise
                else:
                    return
            await self._transact(feeding, events, before, apart=True)
        except checkpoints.Moved:
            return

    async def _transact(
        self, feeding: Sequence[Held], events: Sequence[Recorded[Event]], before: int, *, apart: bool
    ) -> None:
        after = events[-1].position
        stores = [self._stores[model.name] for model, _ in feeding]
        async with self._connection.transaction():
            await checkpoints.move(self._connection, self._shard, feeding, before, after)
            holds = await held.by_schema(self._connection, self._shard, stores)
            for store in stores:
                applying = Applying(store, self._connection, self._shard, self._history)
                held_back: Collection[UUID] = holds.get(store.schema, ())
                if apart:
                    await applying.each_apart(events, held_back)
                else:
                    await applying.all_at_once(events, held_back)
            if erased := {
                e.subject_id: e.position
                for e in events
                if isinstance(e.event, PatientErased) and e.subject_id
            }:
                own = list(self._stores.values())
                await strangers.purge(self._connection, self._shard, own, erased)
            concerned = {event.subject_id for event in events if event.subject_id}
            await announce(self._connection, self._shard, after, concerned)

    async def _history(self, subject: UUID, until: int) -> list[Recorded[Event]]:
        return await self._reader.lenient.by_subject([subject], until=until)
