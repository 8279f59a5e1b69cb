"""Read your writes: wait until a read model has applied a position, told by the projector's notifications."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Self, TypeVar
from uuid import UUID

import msgspec
import psycopg
import structlog
from psycopg import AsyncConnection, sql
from psycopg_pool import AsyncConnectionPool

from infra.projector import lease
from projections import patient_groups
from projections.model import ReadModel

CHANNEL = "tarikh_projected"
SECONDS_UNTIL_DEAD = 20
SECONDS_TO_WAIT = 2.0
SECONDS_BETWEEN_TRIES = 0.5

log = structlog.get_logger()


T = TypeVar("T")

PRESENT = sql.SQL(
    """
    , checkpoint AS (
        SELECT CASE count(*) WHEN 2 THEN min(position) ELSE 0 END AS position
        FROM app.checkpoint
        WHERE shard = %(shard)s
          AND (model, fingerprint) IN (
              (%(model)s, %(fingerprint)s), (%(groups)s, %(groups_fingerprint)s)
          )
    )
    SELECT checkpoint.position,
           (SELECT array_agg(id ORDER BY id) FROM member),
           (SELECT coalesce(max(notification_id), 0)
            FROM log.event
            WHERE shard = %(shard)s
              AND subject_id = ANY(ARRAY(SELECT id FROM member))
              AND notification_id <= checkpoint.position)
    FROM checkpoint
    """
)


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """How far the tables are, who is one with a patient, and their last change that is in the tables."""

    checkpoint: int
    group: tuple[UUID, ...]
    position: int


class Behind(Exception):
    """The read model did not get there in time; it will, a little later."""


class Progress:
    """How far the read models of one shard are, as this process knows."""

    def __init__(self, pool: AsyncConnectionPool, conninfo: str, shard: int = 0) -> None:
        self._pool = pool
        self._conninfo = conninfo
        self._shard = shard
        self._moved = asyncio.Condition()
        self._listening: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._listening = asyncio.create_task(self._listen(), name="progress")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    async def checkpoint(self, model: ReadModel) -> int:
        """The position that the model's tables stand at; 0 where it was never built."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT position FROM app.checkpoint WHERE shard = %s AND model = %s AND fingerprint = %s",
                (self._shard, model.name, model.fingerprint),
            )
            row = await cursor.fetchone()
        return int(row[0]) if row else 0

    async def checkpoints(self, models: Iterable[ReadModel]) -> dict[str, int]:
        """The positions of those of these models that were built."""
        query = "SELECT model, fingerprint, position FROM app.checkpoint WHERE shard = %s"
        async with self._pool.connection() as connection:
            rows = await (await connection.execute(query, (self._shard,))).fetchall()
        found = {(model, fingerprint): int(position) for model, fingerprint, position in rows}
        places = [(model.name, found.get((model.name, model.fingerprint))) for model in models]
        return {name: position for name, position in places if position is not None}

    async def projecting(self) -> bool:
        """Whether a projector lives: its heart beats with every batch, and every second without."""
        async with self._pool.connection() as connection:
            cursor = await connection.execute(
                "SELECT heartbeat > now() - make_interval(secs => %s) FROM app.lease WHERE name = %s",
                (SECONDS_UNTIL_DEAD, lease.NAME),
            )
            row = await cursor.fetchone()
        return bool(row and row[0])

    async def reached(self, model: ReadModel, position: int) -> int:
        """Wait until the model's checkpoint is there, at most two seconds; then raise Behind."""
        return await self.until(lambda: self.checkpoint(model), lambda checkpoint: checkpoint >= position)

    async def until(self, look: Callable[[], Awaitable[T]], there: Callable[[T], bool]) -> T:
        """Look, and look again when a read model has moved, for at most two seconds; then raise Behind."""
        if there(seen := await look()):
            return seen
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_WAIT):
                while True:
                    async with self._moved:
                        if there(seen := await look()):
                            return seen
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(self._moved.wait(), SECONDS_BETWEEN_TRIES)
        if there(seen := await look()):
            return seen
        raise Behind

    async def present(self, model: ReadModel, groups: ReadModel, patient_id: UUID) -> Present:
        """How the patient stands in the tables of a model now; one statement, one snapshot."""
        query = patient_groups.members(groups.schema) + PRESENT
        given = {
            "shard": self._shard,
            "subject_id": patient_id,
            "model": model.name,
            "fingerprint": model.fingerprint,
            "groups": groups.name,
            "groups_fingerprint": groups.fingerprint,
        }
        async with self._pool.connection() as connection:
            row = await (await connection.execute(query, given)).fetchone()
        assert row is not None  # noqa: S101  an aggregate gives one row
        return Present(checkpoint=row[0], group=tuple(row[1]), position=row[2])

    async def _listen(self) -> None:
        while True:
            try:
                async for _ in _notifications(self._conninfo):
                    async with self._moved:
                        self._moved.notify_all()
            except psycopg.OperationalError:
                log.warning("progress.listener_lost")
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)


async def _notifications(conninfo: str) -> AsyncIterator[psycopg.Notify]:
    async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
        await connection.execute(f"LISTEN {CHANNEL}")
        async for notification in connection.notifies():
            yield notification
