"""The erasure ledger: a file beside the master key that names everybody who was ever erased, never cut.

A line is `<time> <basis> <actor> <patient>`. The patient stands last: a line that a power cut has shortened
does not end with a whole id, counts for nothing, and is written again.
"""

import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec

from infra.settings import Settings

ID_LENGTH = len(str(UUID(int=0)))
WORDS = 4


class Entry(msgspec.Struct, frozen=True):
    """Who was erased, on what ground, by whom, and when it was recorded."""

    patient_id: UUID
    basis: str
    actor_id: UUID
    at: datetime

    def line(self) -> str:
        return f"{self.at.isoformat().replace('+00:00', 'Z')} {self.basis} {self.actor_id} {self.patient_id}"


def path_of(settings: Settings) -> Path:
    """Where the ledger of these settings stands."""
    return settings.data_dir / "secrets" / "erasures"


def write(path: Path, entries: Iterable[Entry]) -> None:
    """Append the patients who are not there yet, and wait until the disk has them."""
    known = read(path)
    new = {entry.patient_id: entry for entry in entries if entry.patient_id not in known}
    if not new:
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with path.open("a", encoding="ascii") as file:
        # A line of its own even where a power cut has left half of one.
        file.writelines(["\n", *(f"{entry.line()}\n" for entry in new.values())])
        file.flush()
        os.fsync(file.fileno())
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def read(path: Path) -> Mapping[UUID, Entry]:
    """Everybody who was ever erased here; raises ValueError for a line that nobody here has written."""
    if not path.exists():
        return {}
    lines = [line.split(" ") for line in path.read_text(encoding="ascii").splitlines()]
    entries = [_entry(*line) for line in lines if len(line) == WORDS and len(line[-1]) == ID_LENGTH]
    return {entry.patient_id: entry for entry in entries}


def _entry(at: str, basis: str, actor: str, patient: str) -> Entry:
    return Entry(UUID(patient), basis, UUID(actor), msgspec.convert(at, datetime))
