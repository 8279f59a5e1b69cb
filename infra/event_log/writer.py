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
from psycopg.conninfo import make_conninfo

from infra.event_log import batch
from infra.event_log.append import (
    Append,
    Appended,
    ClocksApart,
    OutcomeUnknown,
    QueueFull,
    StorageUnavailable,
    TimesRefused,
)
from infra.vault import Vault

MOST_EVENTS = 1_000
MOST_BYTES = 4_000_000
MOST_WAITING = 10_000
SECONDS_TO_RECOVER = 5.0
SECONDS_BETWEEN_TRIES = 0.1
REFUSED: dict[str, type[Exception]] = {"TK001": ClocksApart, "TK002": TimesRefused}
"""What the append function says of a whole call, by SQLSTATE."""

PATIENCE: dict[str, int] = {"connect_timeout": 5, "tcp_user_timeout": 10_000, "keepalives_idle": 10}
SESSION = "SET statement_timeout = '10s'"
"""A server that does not answer is lost, and the request id tells what became of the call."""

log = structlog.get_logger()


class _Waiting:
    """A request and whoever waits for it. `sent` once its outcome may lie in a lost answer."""

    __slots__ = ("callers", "length", "request", "sent")

    def __init__(self, request: Append) -> None:
        self.request = request
        self.length = batch.length(request)
        self.callers: list[asyncio.Future[Appended]] = []
        self.sent = False

    def answer(self) -> "asyncio.Future[Appended]":
        """The answer for one more caller; one who leaves does not take it from the others."""
        caller: asyncio.Future[Appended] = asyncio.get_running_loop().create_future()
        self.callers.append(caller)
        return caller

    @property
    def given_up(self) -> bool:
        """Nobody waits for it any more."""
        return all(caller.done() for caller in self.callers)


class GroupWriter:
    """Takes appends of many tasks, stores them in batches, answers each one.

    `async with GroupWriter(...)` drains at the end: what was taken is stored or answered.
    """

    def __init__(
        self,
        conninfo: str,
        vault: Vault,
        shard: int = 0,
        *,
        backfill: bool = False,
        most_waiting: int = MOST_WAITING,
        seconds_to_recover: float = SECONDS_TO_RECOVER,
    ) -> None:
        self._conninfo = conninfo
        self._vault = vault
        self._shard = shard
        self._query = batch.BACKFILL if backfill else batch.APPEND
        self._most_waiting = most_waiting
        self._patience = seconds_to_recover
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
        """Store a request whole, whatever becomes of the caller, or raise why not.

        Raises VersionMoved, GuardMoved, ClaimTaken, SubjectErased, QueueFull, ClocksApart, TimesRefused,
        StorageUnavailable, OutcomeUnknown.
        """
        twin = self._in_flight.get(request.request_id)
        if twin is not None and not twin.given_up:
            first = await twin.answer()
            return Appended(
                first_position=first.first_position, recorded_at=first.recorded_at, duplicate=True
            )
        if self._closing or len(self._queue) >= self._most_waiting:
            raise QueueFull
        waiting = _Waiting(request)
        self._in_flight[request.request_id] = waiting
        self._queue.append(waiting)
        self._arrived.set()
        return await waiting.answer()

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
        live = [waiting for waiting in self._queue if not self._left(waiting)]
        requests = [(waiting.request, waiting.length) for waiting in live]
        chosen = {id(request) for request in batch.independent(requests, MOST_EVENTS, MOST_BYTES)}
        self._queue = deque(w for w in live if id(w.request) not in chosen)
        return [w for w in live if id(w.request) in chosen]

    def _left(self, waiting: _Waiting) -> bool:
        if waiting.given_up:
            self._land(waiting)
        return waiting.given_up

    def _land(self, waiting: _Waiting) -> None:
        if self._in_flight.get(waiting.request.request_id) is waiting:
            del self._in_flight[waiting.request.request_id]

    def _answer(self, waiting: _Waiting, outcome: batch.Outcome) -> None:
        self._land(waiting)
        for caller in waiting.callers:
            if caller.done():
                continue
            if isinstance(outcome, Exception):
                caller.set_exception(outcome)
            else:
                caller.set_result(outcome)

    async def _store(self, waiting: Sequence[_Waiting]) -> None:
        """Store and answer. Where the call fails by something in it, each request goes alone: one fails."""
        if not waiting:
            return
        try:
            outcomes = await self._recovering(waiting)
        except (ClocksApart, StorageUnavailable) as error:
            for one in waiting:
                self._answer(one, _unstored(one, error))
        except Exception as error:  # noqa: BLE001  whatever went wrong, whoever waits must learn of it
            if len(waiting) == 1:
                log.warning("log.append_failed", error=type(error).__name__)
                self._answer(waiting[0], error)
                return
            for one in waiting:
                await self._store([one])
        else:
            for one, outcome in zip(waiting, outcomes, strict=True):
                self._answer(one, outcome)

    async def _recovering(self, waiting: Sequence[_Waiting]) -> list[batch.Outcome]:
        """Try until Postgres is back or the patience is over; what was stored is found by its request id."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._patience
        while True:
            try:
                return await self._call(waiting)
            except psycopg.OperationalError as error:
                await self._disconnect()
                if loop.time() > deadline:
                    raise StorageUnavailable from error
                log.warning("log.unreachable", waiting=len(waiting))
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)
            except psycopg.DatabaseError as error:
                refused = REFUSED.get(error.sqlstate or "")
                if refused is None:
                    raise
                raise refused from error

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
            conninfo = make_conninfo(self._conninfo, **PATIENCE)
            connection = await AsyncConnection.connect(conninfo, autocommit=True)
            await connection.execute(SESSION)
            self._connection = connection
        return self._connection

    async def _disconnect(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(psycopg.Error):
                await self._connection.close()
            self._connection = None


def _unstored(waiting: _Waiting, error: Exception) -> Exception:
    if waiting.sent and not isinstance(error, ClocksApart):
        return OutcomeUnknown()
    return error
