"""The worker: finishes what was begun and may not stay undone. Today that is erasures."""

import asyncio
import contextlib

import psycopg
import structlog
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from infra.erasure.carrying import carry
from infra.notary.signing import Refused
from infra.services import Services

SECONDS_BETWEEN_LOOKS = 1.0
SECONDS_AFTER_REFUSAL = 30.0
"""All steps are taken again then, and some of them are dear."""

log = structlog.get_logger()


async def work(services: Services, conninfo: str, stop: asyncio.Event) -> None:
    """Look whenever the log grows, and every second anyway; go on when Postgres comes back."""
    while not stop.is_set():
        pause = SECONDS_BETWEEN_LOOKS
        try:
            async with await AsyncConnection.connect(conninfo, autocommit=True) as listener:
                await listener.execute("LISTEN tarikh_log")
                while not stop.is_set():
                    await carry(services, _told, wait=False)
                    async for _ in listener.notifies(timeout=SECONDS_BETWEEN_LOOKS, stop_after=1):
                        pass
        except (psycopg.OperationalError, PoolTimeout):
            log.warning("worker.unreachable")
        except Refused as refused:
            log.error("erasure.no_certificate", reason=str(refused))  # noqa: TRY400  there is no traceback to read
            pause = SECONDS_AFTER_REFUSAL
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


def _told(step: str) -> None:
    log.info("erasure.step", task=step)
