"""Logs that are known to lose: a campaign that reports no loss on them is worth nothing."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

import psycopg
from eventsourcing.persistence import (
    ApplicationRecorder,
    IntegrityError,
    PersistenceError,
    StoredEvent,
)
from eventsourcing.postgres import PostgresFactory
from eventsourcing.utils import Environment
from psycopg_pool import AsyncConnectionPool

from tests.campaigns.loss.logs import After, Appending, NotKnown, NotStored, Row
from tests.campaigns.loss.wishes import Wish
from tests.infra.event_log.calls import settings_of

TABLE = """
    CREATE TABLE unlocked (
        position bigserial PRIMARY KEY, key text NOT NULL, stream uuid NOT NULL, version bigint NOT NULL,
        UNIQUE (stream, version)
    )
"""
INSERT = "INSERT INTO unlocked (key, stream, version) SELECT %s, * FROM unnest(%s::uuid[], %s::bigint[])"
MOST_SECONDS_OPEN = 0.03
CONNECTIONS = 8


class Unlocked:
    """A table with a sequence: positions are given in one order and committed in another."""

    def __init__(self, url: str) -> None:
        self.url = url

    def prepare(self) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(TABLE)

    @asynccontextmanager
    async def appending(self) -> AsyncIterator[Appending]:
        async with AsyncConnectionPool(self.url, min_size=1, max_size=CONNECTIONS, open=False) as pool:
            yield _Unlocked(pool)

    @contextmanager
    def tailing(self) -> Iterator[After]:
        query = "SELECT position, key FROM unlocked WHERE position > %s ORDER BY position LIMIT %s"
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield lambda last, limit: connection.execute(query, (last, limit)).fetchall()

    async def everything(self) -> list[Row]:
        with self.tailing() as after:
            return [Row(position, key, frozenset({key})) for position, key in after(0, 10**9)]


class _Unlocked:
    def __init__(self, pool: AsyncConnectionPool) -> None:
        self._pool = pool

    async def append(self, wish: Wish) -> Sequence[int]:
        """Leave the transaction open for a moment, as one does that has more to do in it."""
        streams, versions = zip(*wish.events, strict=True)
        try:
            async with self._pool.connection() as connection:
                if known := await _known(connection, wish.key):
                    return known
                await connection.execute(INSERT, (wish.key, list(streams), list(versions)))
                await asyncio.sleep(random.uniform(0, MOST_SECONDS_OPEN))  # noqa: S311
                return await _known(connection, wish.key)
        except psycopg.errors.UniqueViolation as error:
            raise NotStored(type(error).__name__) from error
        except psycopg.OperationalError as error:
            raise NotKnown(type(error).__name__) from error

    async def version(self, stream: UUID) -> int:
        query = "SELECT coalesce(max(version), 0) FROM unlocked WHERE stream = %s"
        try:
            async with self._pool.connection() as connection:
                row = await (await connection.execute(query, (stream,))).fetchone()
        except psycopg.OperationalError as error:
            raise NotKnown(type(error).__name__) from error
        return int(row[0]) if row else 0


async def _known(connection: psycopg.AsyncConnection, key: str) -> list[int]:
    cursor = await connection.execute(
        "SELECT position FROM unlocked WHERE key = %s ORDER BY position", (key,)
    )
    return [position for (position,) in await cursor.fetchall()]


class Library:
    """The `eventsourcing` library's own recorder, told to insert through its database function."""

    def __init__(self, url: str) -> None:
        self._environment = Environment(
            "campaign",
            {**settings_of(url), "POSTGRES_ENABLE_DB_FUNCTIONS": "y", "POSTGRES_POOL_SIZE": str(CONNECTIONS)},
        )

    @contextmanager
    def _recorder(self, *, create: bool = False) -> Iterator[ApplicationRecorder]:
        """Its application recorder, which makes tables and functions only when it is told to."""
        environment = Environment("campaign", {**self._environment, "CREATE_TABLE": "y" if create else "n"})
        with PostgresFactory(environment) as factory:
            yield factory.application_recorder()

    def prepare(self) -> None:
        with self._recorder(create=True):
            pass

    @asynccontextmanager
    async def appending(self) -> AsyncIterator[Appending]:
        with self._recorder() as recorder, ThreadPoolExecutor(CONNECTIONS) as threads:
            yield _Library(recorder, threads)

    @contextmanager
    def tailing(self) -> Iterator[After]:
        with self._recorder() as recorder:

            def after(last: int, limit: int) -> Sequence[tuple[int, str]]:
                found = recorder.select_notifications(last, limit, inclusive_of_start=False)
                return [(one.id, one.state.decode()) for one in found]

            yield after

    async def everything(self) -> list[Row]:
        with self.tailing() as after:
            return [Row(position, key, frozenset({key})) for position, key in after(0, 10**9)]


class _Library:
    def __init__(self, recorder: ApplicationRecorder, threads: ThreadPoolExecutor) -> None:
        self._recorder = recorder
        self._threads = threads

    async def append(self, wish: Wish) -> Sequence[int]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._append, wish)

    def _append(self, wish: Wish) -> Sequence[int]:
        state = wish.key.encode()
        events = [StoredEvent(stream, version, "note.taken", state) for stream, version in wish.events]
        try:
            return self._recorder.insert_events(events) or ()
        except IntegrityError as error:
            return self._known(wish, error)
        except PersistenceError as error:
            raise NotKnown(type(error).__name__) from error

    def _known(self, wish: Wish, error: Exception) -> Sequence[int]:
        """Nothing of an insert says that it is one's own; what stands there does."""
        stream, version = wish.events[0]
        try:
            found = self._recorder.select_events(stream, gt=version - 1, limit=1)
        except PersistenceError as lost:
            raise NotKnown(type(lost).__name__) from lost
        if [one.state for one in found] != [wish.key.encode()]:
            raise NotStored(type(error).__name__) from error
        return ()  # its positions are not told

    async def version(self, stream: UUID) -> int:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._version, stream)

    def _version(self, stream: UUID) -> int:
        try:
            found = self._recorder.select_events(stream, desc=True, limit=1)
        except PersistenceError as error:
            raise NotKnown(type(error).__name__) from error
        return found[0].originator_version if found else 0
