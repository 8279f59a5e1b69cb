"""What the one process that erased a patient tells all others: drop the key and what you remember."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Collection
from typing import Protocol
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection

CHANNEL = "tarikh_erased"
SECONDS_BETWEEN_TRIES = 0.5

log = structlog.get_logger()


class Forgetful(Protocol):
    """Holds something of patients that must not outlive them."""

    def forget(self, patient_id: UUID, /) -> None: ...

    def forget_all(self) -> None: ...


async def tell(connection: AsyncConnection, subjects: Collection[UUID]) -> None:
    """Tell every process that these keys are destroyed."""
    await connection.execute(
        "SELECT pg_notify(%s, subject) FROM unnest(%s::text[]) AS t(subject)",
        (CHANNEL, [str(subject) for subject in subjects]),
    )


@contextlib.asynccontextmanager
async def forgetting(conninfo: str, *those: Forgetful) -> AsyncIterator[None]:
    """Forget keys and answers as soon as another process tells, all of them when the ear is lost."""
    listening = asyncio.create_task(_listen(conninfo, those), name="forgetting")
    try:
        yield
    finally:
        listening.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await listening


async def _listen(conninfo: str, those: Collection[Forgetful]) -> None:
    while True:
        try:
            async with await AsyncConnection.connect(conninfo, autocommit=True) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                for one in those:
                    one.forget_all()
                async for notification in connection.notifies():
                    with contextlib.suppress(ValueError):
                        for one in those:
                            one.forget(UUID(notification.payload))
        except psycopg.OperationalError:
            log.warning("forgetting.listener_lost")
        for one in those:
            one.forget_all()
        await asyncio.sleep(SECONDS_BETWEEN_TRIES)
