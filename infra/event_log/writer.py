"""Group commit: the appends of concurrent requests go to Postgres in one statement.

What arrives is sealed while Postgres has the call before, so that both cores are at work: `_seal` and `_send`
are the two ends of one line.
"""

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

from infra.event_log import arrays, batch, sealing
from infra.event_log.append import (
    Append,
    Appended,
    ClocksApart,
    OutcomeUnknown,
    QueueFull,
    StorageUnavailable,
    TimesRefused,
)
from infra.event_log.sealing import Sealed
from infra.vault import Vault

MOST_EVENTS = 1_000
MOST_BYTES = 4_000_000
MOST_WAITING = 10_000
FEWEST_SHARED = 64
"""Of so few requests none is held back for the next call."""
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

    __slots__ = ("callers", "request", "sealed", "sent")
    sealed: Sealed
    """There once it is ready to be sent."""

    def __init__(self, request: Append) -> None:
        self.request = request
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
        return all(map(_done, self.callers))


_done = asyncio.Future.done
_Outcomes = list[tuple[_Waiting, batch.Outcome]]
_Call = asyncio.Task[_Outcomes]


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
        self._in_flight: dict[bytes, _Waiting] = {}
        self._arrived: deque[_Waiting] = deque()
        self._being_sealed = 0
        self._ready: deque[_Waiting] = deque()
        self._last_sent = 0
        self._arrival = asyncio.Event()
        self._progress = asyncio.Event()
        self.stored = 0
        """The last position that this writer was told of."""
        self._closing = False
        self._all_sealed = False
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [
            asyncio.create_task(self._seal(), name="group-writer-seals"),
            asyncio.create_task(self._send(), name="group-writer-sends"),
        ]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing = True
        self._arrival.set()
        await asyncio.gather(*self._tasks)
        await self._disconnect()

    @property
    def waiting(self) -> int:
        """How many requests were taken and not sent yet."""
        return len(self._arrived) + self._being_sealed + len(self._ready)

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
        if self._closing or self.waiting >= self._most_waiting:
            raise QueueFull
        waiting = _Waiting(request)
        self._in_flight[request.request_id] = waiting
        self._arrived.append(waiting)
        self._arrival.set()
        return await waiting.answer()

    def _answer(self, waiting: _Waiting, outcome: batch.Outcome) -> None:
        self._land(waiting)
        for caller in waiting.callers:
            if caller.done():
                continue
            if isinstance(outcome, Exception):
                caller.set_exception(outcome)
            else:
                caller.set_result(outcome)

    def _land(self, waiting: _Waiting) -> None:
        if self._in_flight.get(waiting.request.request_id) is waiting:
            del self._in_flight[waiting.request.request_id]

    async def _seal(self) -> None:
        """Seal whatever has arrived, until the end; what cannot be sealed is answered here."""
        while not (self._closing and not self._arrived):
            if not self._arrived:
                self._arrival.clear()
                await self._arrival.wait()
                continue
            group = list(self._arrived)
            self._arrived.clear()
            self._being_sealed = len(group)
            sealed = await self._sealed([waiting.request for waiting in group])
            for waiting, one in zip(group, sealed, strict=True):
                if isinstance(one, Sealed):
                    waiting.sealed = one
                    self._ready.append(waiting)
                else:
                    self._answer(waiting, one)
            self._being_sealed = 0
            self._progress.set()
        self._all_sealed = True
        self._progress.set()

    async def _sealed(self, requests: list[Append]) -> Sequence[Sealed | Exception]:
        deadline = asyncio.get_running_loop().time() + self._patience
        while True:
            try:
                keys = await self._vault.keys_for_writing(sealing.subjects(requests))
                return sealing.seal(requests, keys, await self._vault.house_key())
            except psycopg.OperationalError as error:
                if not await self._may_try_again(deadline, len(requests)):
                    return [_chained(StorageUnavailable(), error) for _ in requests]
            except Exception as error:  # noqa: BLE001  whatever went wrong, whoever waits must learn of it
                log.warning("log.sealing_failed", error=type(error).__name__)
                if len(requests) == 1:
                    return [error]
                return [one for request in requests for one in await self._sealed([request])]

    async def _send(self) -> None:
        """Send the next call as soon as Postgres has answered the one before; then tell who waits."""
        under_way: _Call | None = None
        while True:
            chosen = await self._next(under_way)
            packed = batch.arguments([one.sealed for one in chosen])
            outcomes = await under_way if under_way else []
            under_way = None
            if chosen:
                self._last_sent = len(chosen)
                under_way = asyncio.create_task(self._stored(chosen, packed), name="group-writer-call")
                under_way.add_done_callback(lambda _: self._progress.set())
                await asyncio.sleep(0)  # the call is on its way before those just answered go on
            for waiting, outcome in outcomes:
                self._answer(waiting, outcome)
            if under_way is None and self._all_sealed and not self._ready:
                return

    async def _next(self, under_way: _Call | None) -> list[_Waiting]:
        """What the next call carries; nothing when the one under way has ended and nothing waits."""
        while True:
            idle = under_way is None or under_way.done()
            if self._ready and (idle or len(self._ready) >= self._share()):
                if chosen := self._choose():
                    return chosen
            elif idle and (under_way is not None or self._all_sealed):
                return []
            else:
                self._progress.clear()
                await self._progress.wait()

    def _share(self) -> int:
        """Half of all who are at work here: while one half is being stored, the other is being sealed."""
        return max(FEWEST_SHARED, (self._last_sent + self.waiting + 1) // 2)

    def _choose(self) -> list[_Waiting]:
        live = {id(one.sealed): one for one in self._ready if not self._left(one)}
        limits = batch.Limits(self._share(), MOST_EVENTS, MOST_BYTES)
        chosen = [
            live.pop(id(sealed))
            for sealed in batch.independent([one.sealed for one in live.values()], limits)
        ]
        self._ready = deque(live.values())
        return chosen

    def _left(self, waiting: _Waiting) -> bool:
        if waiting.given_up:
            self._land(waiting)
        return waiting.given_up

    async def _stored(self, waiting: Sequence[_Waiting], packed: Sequence[arrays.Packed]) -> _Outcomes:
        """What became of each. Where the call fails by something in it, each goes alone: one fails."""
        try:
            outcomes = await self._recovering(waiting, packed)
        except (ClocksApart, StorageUnavailable) as error:
            return [(one, _unstored(one, error)) for one in waiting]
        except Exception as error:  # noqa: BLE001  whatever went wrong, whoever waits must learn of it
            if len(waiting) == 1:
                log.warning("log.append_failed", error=type(error).__name__)
                return [(waiting[0], error)]
            alone = [(one, batch.arguments([one.sealed])) for one in waiting]
            return [found for one, own in alone for found in await self._stored([one], own)]
        return list(zip(waiting, outcomes, strict=True))

    async def _recovering(
        self, waiting: Sequence[_Waiting], packed: Sequence[arrays.Packed]
    ) -> list[batch.Outcome]:
        """Try until Postgres is back or the patience is over; what was stored is found by its request id."""
        deadline = asyncio.get_running_loop().time() + self._patience
        while True:
            try:
                return await self._call(waiting, packed)
            except psycopg.OperationalError as error:
                await self._disconnect()
                if not await self._may_try_again(deadline, len(waiting)):
                    raise StorageUnavailable from error
            except psycopg.DatabaseError as error:
                refused = REFUSED.get(error.sqlstate or "")
                if refused is None:
                    raise
                raise refused from error

    async def _may_try_again(self, deadline: float, waiting: int) -> bool:
        if asyncio.get_running_loop().time() > deadline:
            return False
        log.warning("log.unreachable", waiting=waiting)
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)
        return True

    async def _call(
        self, waiting: Sequence[_Waiting], packed: Sequence[arrays.Packed]
    ) -> list[batch.Outcome]:
        requests = [one.request for one in waiting]
        connection = await self._connected()
        for one in waiting:
            one.sent = True
        arguments = (self._shard, batch.clock(requests), *packed)
        cursor = await connection.execute(self._query, arguments, binary=True)
        outcomes = batch.outcomes(requests, await cursor.fetchall())
        self.stored = max(self.stored, batch.last_position(requests, outcomes))
        return outcomes

    async def _connected(self) -> AsyncConnection:
        if self._connection is None or self._connection.closed:
            conninfo = make_conninfo(self._conninfo, **PATIENCE)
            connection = await AsyncConnection.connect(conninfo, autocommit=True)
            arrays.register(connection)
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


def _chained(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error
