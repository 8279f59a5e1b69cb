"""A projector's life: take what is free, follow the log, outlive a Postgres that restarts, end in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from infra.projector import lease
from infra.projector.building import build, set_aside
from infra.projector.projector import Projector

SECONDS_BETWEEN_POLLS = 1.0
SHORTEST_PAUSE, LONGEST_PAUSE = 0.1, 5.0
LOST = (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout, PoolTimeout)
"""How it shows that Postgres went away, or ended what stood still for too long."""

log = structlog.get_logger()


async def follow(projector: Projector, conninfo: str, stop: asyncio.Event) -> None:
    """Keep up with the log until told to stop; loses no event when it is killed instead.

    While Postgres cannot be reached it tries again, every five seconds at the longest.
    """
    pause = SHORTEST_PAUSE
    clock = asyncio.get_running_loop().time
    while not stop.is_set():
        started = clock()
        try:
            async with _listening(conninfo) as listener, _as_projector(conninfo) as heart:
                await projector.reconnect(conninfo)
                await _live(projector, listener, heart, conninfo, stop)
        except LOST as error:
            log.warning("projector.lost_postgres", error=type(error).__name__)
            await projector.close()
            pause = SHORTEST_PAUSE if clock() - started > LONGEST_PAUSE else min(pause * 2, LONGEST_PAUSE)
            await _pause(stop, pause)


async def _live(
    projector: Projector,
    listener: AsyncConnection,
    heart: AsyncConnection,
    conninfo: str,
    stop: asyncio.Event,
) -> None:
    """Feed, beat and build at the same time; when one of the three fails all end."""
    works = [
        asyncio.create_task(_feed(projector, listener, stop), name="feeding"),
        asyncio.create_task(_beat(projector, heart), name="heart"),
        asyncio.create_task(_build(projector, conninfo), name="building"),
    ]
    try:
        await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for work in works[1:] if works[0].done() else works:
            work.cancel()
        ended = await asyncio.gather(*works, return_exceptions=True)
    for error in ended:
        if isinstance(error, Exception):
            raise error
    await projector.give_back()


async def _feed(projector: Projector, listener: AsyncConnection, stop: asyncio.Event) -> None:
    clock = asyncio.get_running_loop().time
    looked = -SECONDS_BETWEEN_POLLS
    while not stop.is_set():
        try:
            if clock() - looked >= SECONDS_BETWEEN_POLLS:
                looked, before = clock(), projector.held
                await projector.take_over()
                if projector.held != before:
                    log.info("projector.leading", models=sorted(projector.held))
                    await set_aside(projector)
            if not await projector.step():
                await _wait(listener, stop)
        except lease.LeaseLost:
            looked = -SECONDS_BETWEEN_POLLS


async def _beat(projector: Projector, heart: AsyncConnection) -> None:
    """On a connection of its own: a batch that takes long is no sign of death."""
    while True:
        await projector.beat(heart)
        await asyncio.sleep(SECONDS_BETWEEN_POLLS)


async def _build(projector: Projector, conninfo: str) -> None:
    while True:
        try:
            await build(projector, conninfo)
        except lease.LeaseLost:
            log.warning("projector.lease_lost_in_building")
        await asyncio.sleep(SECONDS_BETWEEN_POLLS)


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
    async with _as_projector(conninfo) as connection:
        await connection.execute("LISTEN tarikh_log")
        yield connection


@contextlib.asynccontextmanager
async def _as_projector(conninfo: str) -> AsyncIterator[AsyncConnection]:
    connection = await AsyncConnection.connect(conninfo, autocommit=True)
    try:
        await connection.execute("SET ROLE tarikh_projector")
        yield connection
    finally:
        with contextlib.suppress(psycopg.Error):
            await connection.close()
