"""To forget a person for good: the keys of the erased are destroyed, and stay destroyed whatever backup comes back.

The event stands first: from then on the log refuses the patient, and every projector empties their rows. Then the
erasure ledger, an append-only file beside the master key, is written; then the key goes. Whatever was cut short is
done at the next start, from the log and from the ledger.
"""

import os
from collections.abc import Collection
from pathlib import Path
from uuid import UUID

import psycopg

from infra.embedded import Servers
from infra.event_log.reader import Reader
from infra.settings import Settings
from infra.vault import Vault


def ledger(settings: Settings) -> Path:
    """Where the ids of the erased are written down, one a line."""
    return settings.data_dir / "secrets" / "erasures"


async def finish(settings: Settings, vault: Vault, reader: Reader) -> None:
    """Forget whoever the log calls erased and the ledger does not know yet; idempotent."""
    path = ledger(settings)
    new = await reader.erased() - read_ledger(path)
    if new:
        write_ledger(path, new)
        await vault.destroy(new)


def write_ledger(path: Path, subjects: Collection[UUID]) -> None:
    """Append the ids that are not there yet, and wait until the disk has them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = sorted(set(subjects) - read_ledger(path))
    if new:
        with path.open("a", encoding="ascii") as file:
            file.writelines(f"{subject}\n" for subject in new)
            file.flush()
            os.fsync(file.fileno())


def read_ledger(path: Path) -> set[UUID]:
    """Everybody who was ever erased here."""
    if not path.exists():
        return set()
    return {
        UUID(line) for line in path.read_text(encoding="ascii").split() if len(line) == len(str(UUID(int=0)))
    }


def apply_ledger(settings: Settings, servers: Servers) -> None:
    """Before anything is served: whoever the ledger or the log calls erased has no key."""
    path = ledger(settings)
    with psycopg.connect(servers.database_url) as connection:
        erased = {subject for (subject,) in connection.execute("SELECT subject_id FROM log.erased")}
    write_ledger(path, erased)
    gone = sorted(read_ledger(path))
    if gone:
        with psycopg.connect(servers.vault_url) as connection:
            connection.execute(
                """
                UPDATE vault.key SET wrapped = NULL, destroyed_at = now()
                WHERE subject_id = ANY(%s) AND destroyed_at IS NULL
                """,
                (gone,),
            )
