"""The worker: finishes what was begun and may not stay undone. Today that is erasures."""

import asyncio
import contextlib

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from infra import erasure
from infra.services import Services

SECONDS_BETWEEN_LOOKS = 1.0

log = structlog.get_logger()


async def work(services: Services, conninfo: str, stop: asyncio.Event) -> None:
    """Look whenever the log grows, and every second anyway; go on when Postgres comes back."""
    while not stop.is_set():
        try:
            async with await AsyncConnection.connect(conninfo, autocommit=True) as listener:
                await listener.execute("LISTEN tarikh_log")
                while not stop.is_set():
                    await erasure.finish(services.settings, services.vault, services.reader, services.pool)
                    async for _ in listener.notifies(timeout=SECONDS_BETWEEN_LOOKS, stop_after=1):
                        pass
        except (psycopg.OperationalError, PoolTimeout):
            log.warning("worker.unreachable")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), SECONDS_BETWEEN_LOOKS)
