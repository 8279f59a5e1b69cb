"""What a writer means to do and what came of it, written down so that it outlives a kill -9 of the writer."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias
from uuid import UUID

import msgspec


class Wanted(msgspec.Struct, frozen=True, tag="wanted"):
    """A request, before it is sent for the first time; its key stands in everything that it stores."""

    key: str
    request: dict[str, Any]


class Stored(msgspec.Struct, frozen=True, tag="stored"):
    """It was acknowledged: every position, or the last one with its stream and version."""

    key: str
    positions: Sequence[int]
    stream: UUID | None = None
    version: int | None = None


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """It was answered that nothing is and nothing will be stored."""

    key: str
    why: str


class Unsure(msgspec.Struct, frozen=True, tag="unsure"):
    """No answer, or none that says what became of it: it is sent again."""

    key: str
    why: str


class Wrong(msgspec.Struct, frozen=True, tag="wrong"):
    """Something that may not be, seen by the writer itself."""

    key: str
    what: str


class Seen(msgspec.Struct, frozen=True, tag="seen"):
    """What a tailing reader was given, in its order: position and what stands there."""

    rows: Sequence[tuple[int, str]]


Entry: TypeAlias = Wanted | Stored | Refused | Unsure | Wrong | Seen
STORED = b'{"type":"stored"'
_decoder: msgspec.json.Decoder[Entry] = msgspec.json.Decoder(Entry)


class Journal:
    """A file that one process at a time appends to."""

    def __init__(self, path: Path) -> None:
        cut = path.exists() and not path.read_bytes().endswith(b"\n")
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        if cut:  # whoever wrote before was killed in the middle of a line
            os.write(self._file, b"\n")

    def note(self, entry: Entry) -> None:
        """Write it down; from here on it is known, whatever becomes of this process."""
        os.write(self._file, msgspec.json.encode(entry) + b"\n")


def entries(path: Path) -> Iterator[Entry]:
    """Everything that was written down whole."""
    lines = path.read_bytes().split(b"\n") if path.exists() else []
    for line in lines:
        if line.startswith(b"{") and line.endswith(b"}"):
            try:
                yield _decoder.decode(line)
            except msgspec.DecodeError:
                continue


def last_number(path: Path) -> int:
    """The number in the last key that was given."""
    keys = [entry.key for entry in entries(path) if isinstance(entry, Wanted)]
    return max((int(key.rpartition("-")[2]) for key in keys), default=0)


def unsettled(path: Path) -> list[Wanted]:
    """What was wanted and has no answer yet."""
    wanted: dict[str, Wanted] = {}
    for entry in entries(path):
        match entry:
            case Wanted(key=key):
                wanted[key] = entry
            case Stored(key=key) | Refused(key=key):
                wanted.pop(key, None)
            case _:
                pass
    return list(wanted.values())


class Counter:
    """Counts the acknowledgements in a journal as it grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self.stored = 0

    def look(self) -> int:
        """How many there are by now."""
        if self._path.exists():
            with self._path.open("rb") as file:
                file.seek(self._read)
                new = file.read()
            whole = new[: new.rfind(b"\n") + 1]
            self._read += len(whole)
            self.stored += sum(line.startswith(STORED) and line.endswith(b"}") for line in whole.split(b"\n"))
        return self.stored
