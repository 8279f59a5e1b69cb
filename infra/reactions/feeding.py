"""Feeds process managers from the log: what each reacts to becomes jobs, in one step with its checkpoint.

Any number of processes may feed. The checkpoint is moved only from where it was read, so that of two who
found the same events one puts them into the queue, and the other, however late it wakes, does nothing.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from typing import Any

import psycopg
import structlog
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from psycopg import AsyncConnection

from domain.catalog import tag_of
from infra.embedded import Servers
from infra.reactions.process_manager import ProcessManager
from infra.reactions.queue import prepare, put, queue_of
from infra.reactions.registry import MANAGERS

MOST_POSITIONS = 50_000
SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_TO_GATHER = 0.05
"""While the log is written to without a pause, it is looked at this often and not with every append."""
SECONDS_BETWEEN_TRIES = 1.0

SESSION = "SET ROLE tarikh_projector; SET synchronous_commit = off"
"""What a crash takes is a checkpoint together with its jobs."""

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def feeding(servers: Servers) -> AsyncIterator[None]:
    """Feed the managers of this release until the end."""
    task = asyncio.create_task(feed(servers.database_url), name="reactions")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def feed(conninfo: str) -> None:
    """Keep up with the log for ever, also while Postgres comes and goes."""
    while True:
        try:
            async with await connect(conninfo) as connection:
                await connection.execute("LISTEN tarikh_log")
                await _keep_up(connection, Feeder(connection, queue_of(conninfo)))
        except (psycopg.OperationalError, ConnectorException):
            log.warning("reactions.unreachable")
        except Exception:  # the managers do not fall silent; whatever it was is looked at again
            log.exception("reactions.failed")
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)


async def connect(conninfo: str) -> AsyncConnection[Any]:
    """A connection as a feeder uses it."""
    connection = await AsyncConnection.connect(conninfo, autocommit=True)
    await connection.execute(SESSION)
    await prepare(connection)
    return connection


async def _keep_up(connection: AsyncConnection[Any], feeder: "Feeder") -> None:
    while True:
        await feeder.catch_up()
        await asyncio.sleep(SECONDS_TO_GATHER)
        async for _ in connection.notifies(timeout=SECONDS_BETWEEN_LOOKS, stop_after=1):
            pass


class Feeder:
    """Puts what managers react to into the queue."""

    def __init__(
        self,
        connection: AsyncConnection[Any],
        queue: App,
        managers: Iterable[ProcessManager] = tuple(MANAGERS.values()),
        shard: int = 0,
    ) -> None:
        self._connection = connection
        self._queue = queue
        self._managers = {
            m.name: (sorted(map(tag_of, m.reacts_to)), sorted(map(tag_of, m.considers))) for m in managers
        }
        self._shard = shard

    async def catch_up(self) -> None:
        """Look at everything that is in the log now."""
        for manager in self._managers:
            while await self.step(manager):
                pass

    async def step(self, manager: str) -> bool:
        """The next positions of a manager, in one transaction; whether it moved."""
        before, after, found = await self._next(manager)
        if after <= before:
            return False
        async with self._connection.transaction():
            cursor = await self._connection.execute(
                """
                UPDATE jobs.process_manager SET position = %s, moved_at = clock_timestamp()
                WHERE shard = %s AND name = %s AND position = %s
                """,
                (after, self._shard, manager, before),
            )
            if cursor.rowcount == 1:
                await put(self._queue, self._connection, manager, self._shard, found)
        return True

    async def _next(self, manager: str) -> tuple[int, int, list[int]]:
        """Where the manager stands, how far it may look, and which positions on the way are its own.

        One that considers other events has nothing to do with a record that holds none of them yet.
        """
        tags, considered = self._managers[manager]
        cursor = await self._connection.execute(
            """
            SELECT m.position, least(h.position, m.position + %s), ARRAY(
                SELECT e.notification_id FROM log.event AS e
                WHERE e.shard = m.shard
                  AND e.notification_id > m.position
                  AND e.notification_id <= least(h.position, m.position + %s)
                  AND e.topic = ANY(%s)
                  AND (cardinality(%s::text[]) = 0 OR EXISTS (
                      SELECT FROM log.event AS c
                      WHERE c.shard = e.shard
                        AND c.subject_id = e.subject_id
                        AND c.notification_id < e.notification_id
                        AND c.topic = ANY(%s)
                  ))
                ORDER BY e.notification_id
            )
            FROM jobs.process_manager AS m
            JOIN log.head AS h USING (shard)
            WHERE m.shard = %s AND m.name = %s
            """,
            (MOST_POSITIONS, MOST_POSITIONS, tags, considered, considered, self._shard, manager),
        )
        row = await cursor.fetchone()
        return (0, 0, []) if row is None else row
