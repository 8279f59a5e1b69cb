"""A projector's life: wait for the lease, follow the log, outlive a Postgres that restarts, end in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
import structlog
from psycopg import AsyncConnection

from infra.projector import lease
from infra.projector.projector import Projector

SECONDS_BETWEEN_POLLS = 1.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0

log = structlog.get_logger()


async def follow(projector: Projector, conninfo: str, stop: asyncio.Event) -> None:
    """Hold the lease and keep up with the log until told to stop; loses no event when it is killed instead.

    While Postgres cannot be reached it tries again, every five seconds at the longest.
    """
    pause = SHORTEST_PAUSE
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        started = clock()
        try:
            async with _listening(conninfo) as listener:
                await projector.reconnect(conninfo)
                await _take_turns(projector, listener, stop)
        except psycopg.OperationalError as error:
            log.warning("projector.lost_postgres", error=type(error).__name__)
            await projector.close()
            pause = SHORTEST_PAUSE if clock() - started > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            await _pause(stop, pause)


async def _take_turns(projector: Projector, listener: AsyncConnection, stop: asyncio.Event) -> None:
    while not stop.is_set():
        try:
            if await projector.take_over():
                log.info("projector.leading")
                await _lead(projector, listener, stop)
                await projector.give_back()
            else:
                await _pause(stop, SECONDS_BETWEEN_POLLS)
        except lease.LeaseLost:
            log.warning("projector.lease_lost")
            await _pause(stop, SECONDS_BETWEEN_POLLS)


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
    if woken not in pending:
        woken.result()


async def _notified(listener: AsyncConnection) -> None:
    async for _ in listener.notifies(timeout=SECONDS_BETWEEN_POLLS, stop_after=1):
        return


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)


@contextlib.asynccontextmanager
async def _listening(conninfo: str) -> AsyncIterator[AsyncConnection]:
    connection = await AsyncConnection.connect(conninfo, autocommit=True)
    try:
        await connection.execute("SET ROLE tarikh_projector; LISTEN tarikh_log")
        yield connection
    finally:
        with contextlib.suppress(psycopg.Error):
            await connection.close()
