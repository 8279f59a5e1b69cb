"""Group commit: the appends of concurrent requests go to Postgres in one statement."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import psycopg
import structlog
from psycopg import AsyncConnection

from infra.event_log import batch
from infra.event_log.append import (
    Append,
    Appended,
    OutcomeUnknown,
    QueueFull,
    StorageUnavailable,
)
from infra.vault import Vault

MOST_EVENTS = 1_000
MOST_WAITING = 10_000
SECONDS_TO_RECOVER = 5.0
SECONDS_BETWEEN_TRIES = 0.1

log = structlog.get_logger()


class _Waiting:
    """A request and who waits for it. `sent` once its outcome may lie in a lost answer."""

    __slots__ = ("future", "request", "sent")

    def __init__(self, request: Append) -> None:
        self.request = request
        self.future: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self.sent = False


class GroupWriter:
    """Takes appends of many tasks, stores them in batches, answers each one.

    `async with GroupWriter(...)` drains at the end: what was taken is stored or answered.
    """

    def __init__(self, conninfo: str, vault: Vault, shard: int = 0, *, backfill: bool = False) -> None:
        self._conninfo = conninfo
        self._vault = vault
        self._shard = shard
        self._query = batch.BACKFILL if backfill else batch.APPEND
        self._connection: AsyncConnection | None = None
        self._queue: deque[_Waiting] = deque()
        self._in_flight: dict[bytes, _Waiting] = {}
        self._arrived = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="group-writer")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await self._task
        await self._disconnect()

    @property
    def waiting(self) -> int:
        """How many requests are queued."""
        return len(self._queue)

    async def append(self, request: Append) -> Appended:
        """Store a request whole, or raise why not: VersionMoved, GuardMoved, ClaimTaken, SubjectErased, QueueFull,
        StorageUnavailable, OutcomeUnknown. Cancelling the caller never leaves half a write."""
        twin = self._in_flight.get(request.request_id)
        if twin is not None:
            first = await asyncio.shield(twin.future)
            return Appended(
                first_position=first.first_position, recorded_at=first.recorded_at, duplicate=True
            )
        if self._closing or len(self._queue) >= MOST_WAITING:
            raise QueueFull
        waiting = _Waiting(request)
        self._in_flight[request.request_id] = waiting
        waiting.future.add_done_callback(lambda _: self._in_flight.pop(request.request_id, None))
        self._queue.append(waiting)
        self._arrived.set()
        return await waiting.future

    async def _run(self) -> None:
        while True:
            if not self._queue:
                if self._closing:
                    return
                self._arrived.clear()
                await self._arrived.wait()
                continue
            await self._store(self._next())
            await asyncio.sleep(0)  # let those just answered send their next, so that it joins this batch

    def _next(self) -> list[_Waiting]:
        live = [waiting for waiting in self._queue if not waiting.future.done()]
        chosen = {id(request) for request in batch.independent([w.request for w in live], MOST_EVENTS)}
        self._queue = deque(w for w in live if id(w.request) not in chosen)
        return [w for w in live if id(w.request) in chosen]

    async def _store(self, waiting: Sequence[_Waiting]) -> None:
        if not waiting:
            return
        try:
            outcomes = await self._recovering(waiting)
        except Exception as error:  # noqa: BLE001  whatever went wrong, every waiter must learn of it
            for one in waiting:
                _answer(one, _unstored(one, error))
            return
        for one, outcome in zip(waiting, outcomes, strict=True):
            _answer(one, outcome)

    async def _recovering(self, waiting: Sequence[_Waiting]) -> list[batch.Outcome]:
        """Try until Postgres is back or the patience is over. A second try of what was stored finds its request id."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SECONDS_TO_RECOVER
        while True:
            try:
                return await self._call(waiting)
            except psycopg.OperationalError as error:
                await self._disconnect()
                if loop.time() > deadline:
                    raise StorageUnavailable from error
                log.warning("log.unreachable", waiting=len(waiting))
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)

    async def _call(self, waiting: Sequence[_Waiting]) -> list[batch.Outcome]:
        requests = [one.request for one in waiting]
        keys = await self._vault.keys_for_writing(batch.subjects(requests))
        lost = {id(r): why for r in requests if (why := batch.without_key(r, keys))}
        sealable = [request for request in requests if id(request) not in lost]
        house_key = await self._vault.house_key()
        connection = await self._connected()
        stored: dict[int, batch.Outcome] = {}
        if sealable:
            arguments = batch.arguments(sealable, keys, house_key, self._shard)
            for one in waiting:
                one.sent = True
            cursor = await connection.execute(self._query, arguments, binary=True)
            answers = batch.outcomes(sealable, await cursor.fetchall())
            stored = {id(request): answer for request, answer in zip(sealable, answers, strict=True)}
        return [lost.get(id(request)) or stored[id(request)] for request in requests]

    async def _connected(self) -> AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await AsyncConnection.connect(self._conninfo, autocommit=True)
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None


def _unstored(waiting: _Waiting, error: Exception) -> Exception:
    if isinstance(error, StorageUnavailable) and waiting.sent:
        return OutcomeUnknown()
    return error


def _answer(waiting: _Waiting, outcome: batch.Outcome) -> None:
    if waiting.future.done():
        return
    if isinstance(outcome, Exception):
        waiting.future.set_exception(outcome)
    else:
        waiting.future.set_result(outcome)
