"""To forget a person for good: the keys of the erased are destroyed, and stay so whatever backup comes back.

The event stands first: from then on the log refuses the patient, and every projector empties their rows.
Then the erasure ledger, an append-only file beside the master key, is written; then the key goes, and whoever
holds it in memory is told. Whatever was cut short is done by the next erasure or at the next start.
"""

import asyncio
import os
from collections.abc import Collection
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool

from infra import forgetting
from infra.embedded import Servers
from infra.event_log.reader import Reader
from infra.settings import Settings
from infra.vault import DESTROY, Vault


def ledger(settings: Settings) -> Path:
    """Where the ids of the erased are written down, one a line."""
    return settings.data_dir / "secrets" / "erasures"


async def finish(settings: Settings, vault: Vault, reader: Reader, pool: AsyncConnectionPool) -> None:
    """Forget whoever the log calls erased and whose key still opens; idempotent."""
    erased = await reader.erased()
    await asyncio.to_thread(write_ledger, ledger(settings), erased)
    if remembered := erased - await vault.destroyed(erased):
        destroyed = await vault.destroy(remembered)
        await vault.rewrite()
        async with pool.connection() as connection:
            await forgetting.tell(connection, destroyed)


def write_ledger(path: Path, subjects: Collection[UUID]) -> None:
    """Append the ids that are not there yet, and wait until the disk has them."""
    new = sorted(set(subjects) - read_ledger(path))
    if not new:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        # A line of its own even where a power cut has left half of one.
        file.writelines(["\n", *(f"{subject}\n" for subject in new)])
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read_ledger(path: Path) -> set[UUID]:
    """Everybody who was ever erased here."""
    if not path.exists():
        return set()
    lines = path.read_text(encoding="ascii").split()
    return {UUID(line) for line in lines if len(line) == len(str(UUID(int=0)))}


def apply_ledger(settings: Settings, servers: Servers) -> None:
    """Before anything is served: whoever the ledger or the log calls erased has no key."""
    path = ledger(settings)
    with psycopg.connect(servers.database_url) as connection:
        erased = {subject for (subject,) in connection.execute("SELECT subject_id FROM log.erased")}
    write_ledger(path, erased)
    gone = sorted(read_ledger(path))
    if gone:
        with psycopg.connect(servers.vault_url) as connection:
            connection.execute(DESTROY, (0, gone))
