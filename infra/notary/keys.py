"""The verifier keys that this house trusts: a file beside the notary's key, one a line, never cut."""

import os
from pathlib import Path

from infra.notary.note import NoteRefused, Verifier

NAME = Path("secrets") / "notary.verifiers"


class Known:
    """The keys of a data dir. The first key of a log is taken as it comes; every later one is announced."""

    def __init__(self, data_dir: Path) -> None:
        self.path = data_dir / NAME

    def verifiers(self) -> list[Verifier]:
        """All keys, the oldest first; none where there is no file. Raises NoteRefused."""
        if not self.path.exists():
            return []
        try:
            return [
                Verifier.parse(line) for line in self.path.read_text("utf-8").splitlines() if line.strip()
            ]
        except (OSError, UnicodeDecodeError, NoteRefused) as error:
            raise NoteRefused(f"{self.path} cannot be read: {error}") from error

    def of(self, name: str) -> list[Verifier]:
        """The keys of one log."""
        return [verifier for verifier in self.verifiers() if verifier.name == name]

    def accept(self, verifier: Verifier) -> None:
        """Trust this key from now on, and wait until the disk has it."""
        if verifier in self.verifiers():
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(f"{verifier}\n")
            file.flush()
            os.fsync(file.fileno())
