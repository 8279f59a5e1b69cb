"""What the one process that erased a patient tells all others: drop the key, should you hold it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection

from infra.vault import Vault

CHANNEL = "tarikh_erased"
SECONDS_BETWEEN_TRIES = 0.5

log = structlog.get_logger()


async def tell(connection: AsyncConnection, subjects: Collection[UUID]) -> None:
    """Tell every process that these keys are destroyed."""
    await connection.execute(
        "SELECT pg_notify(%s, subject) FROM unnest(%s::text[]) AS t(subject)",
        (CHANNEL, [str(subject) for subject in subjects]),
    )


@contextlib.asynccontextmanager
async def forgetting(conninfo: str, vault: Vault) -> AsyncIterator[None]:
    """Forget keys as soon as another process tells, all of them when the ear is lost."""
    listening = asyncio.create_task(_listen(conninfo, vault), name="forgetting")
    try:
        yield
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


async def _listen(conninfo: str, vault: Vault) -> None:
    while True:
        try:
            async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                vault.forget_all()
                async for notification in connection.notifies():
                    with contextlib.suppress(ValueError):
                        vault.forget(UUID(notification.payload))
        except psycopg.OperationalError:
            log.warning("forgetting.listener_lost")
        vault.forget_all()
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)
