"""What cannot wait of an erasure: the ledger is written, the keys are destroyed, everybody is told."""

import asyncio
from collections.abc import Callable, Sequence

from psycopg_pool import AsyncConnectionPool

from infra import forgetting
from infra.erasure import ledger
from infra.erasure.pending import Erasure, unfinished
from infra.event_log.reader import Reader
from infra.settings import Settings
from infra.vault import Vault

Told = Callable[[str], None]
"""Hears the name of each step when it is done."""


def silent(_step: str) -> None:
    """For whoever does not show the steps."""


async def forget(settings: Settings, vault: Vault, reader: Reader, pool: AsyncConnectionPool) -> None:
    """Forget whoever the log calls erased and whose erasure is not finished; idempotent."""
    await keys_of(await unfinished(pool, reader), settings, vault, pool)


async def keys_of(
    erasures: Sequence[Erasure],
    settings: Settings,
    vault: Vault,
    pool: AsyncConnectionPool,
    told: Told = silent,
) -> None:
    """Destroy the keys of everybody in these erasures, after the ledger has them."""
    if not erasures:
        return
    entries = [entry for erasure in erasures for entry in erasure.entries()]
    await asyncio.to_thread(ledger.write, ledger.path_of(settings), entries)
    told("ledger")
    patients = [entry.patient_id for entry in entries]
    await vault.destroy(patients)
    async with pool.connection() as connection:
        await forgetting.tell(connection, patients)
    told("keys")
