"""The export of a log: a file with everything that is stored of each event, written and read page by page.

The format is documented in infra/event_log/LEAF.md.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from struct import Struct, pack
from typing import BinaryIO, Self

import msgspec

from infra.notary.leaves import PAGE, Connection, Leaf, between, gap
from infra.notary.merkle import HASH_BYTES

MAGIC = b"tarikh export 1\n"
LONGEST_LINE = 1_000
_LENGTH = re.compile(r"[1-9][0-9]{0,5}")
_NUMBER = Struct(">I")

Watch = Callable[[int, int], None]
"""Told how many leaves of how many are done."""


class ExportMalformed(Exception):
    """The file ends too early, goes on too long or is no export; `first` is where it goes wrong."""

    def __init__(self, message: str, first: int = 1) -> None:
        super().__init__(message)
        self.first = first


class Incomplete(Exception):
    """The log does not hold what is to be exported; the message names the position."""


class Page(msgspec.Struct, frozen=True):
    """The leaves of consecutive positions: their stored hashes and their encodings, one behind the other."""

    hashes: bytes
    lengths: tuple[int, ...]
    encodings: bytes

    def bounds(self) -> list[int]:
        """Where each encoding begins, and where the last one ends."""
        return [0, *accumulate(self.lengths)]


def write(file: BinaryIO, verifier: str, note: str, pages: Iterable[Page]) -> None:
    """Write an export whose checkpoint is `note`."""
    signed = note.encode()
    file.write(MAGIC + f"{verifier}\n{len(signed)}\n".encode() + signed)
    for page in pages:
        count = len(page.lengths)
        file.write(pack(f">{1 + count}I", count, *page.lengths))
        file.write(page.hashes)
        file.write(page.encodings)


def of_log(connection: Connection, shard: int, size: int, watch: Watch) -> Iterator[Page]:
    """The first `size` leaves of the log as they are stored, right or wrong; raises Incomplete."""
    for first in range(1, size + 1, PAGE):
        last = min(first + PAGE - 1, size)
        leaves = between(connection, shard, first, last)
        missing = gap(leaves, first) or (None if len(leaves) == last - first + 1 else first + len(leaves))
        if missing is not None:
            raise Incomplete(f"position {missing} is not in the log once: run `tarikh log verify`")
        yield _page(leaves)
        watch(last, size)


def _page(leaves: list[Leaf]) -> Page:
    encodings = [leaf.encoding or b"" for leaf in leaves]
    hashes = [(leaf.stored_hash or b"")[:HASH_BYTES].ljust(HASH_BYTES, b"\0") for leaf in leaves]
    return Page(b"".join(hashes), tuple(map(len, encodings)), b"".join(encodings))


class Export:
    """An export that is read: what stands at its beginning, and then its pages."""

    def __init__(self, file: BinaryIO, bytes_long: int) -> None:
        self._file = file
        self._left = bytes_long
        if self._take(len(MAGIC), "beginning") != MAGIC:
            raise ExportMalformed("this is no export of a log")
        self.verifier = self._line()
        length = self._line()
        if not _LENGTH.fullmatch(length):
            raise ExportMalformed("the length of the checkpoint cannot be read")
        try:
            self.note = self._take(int(length), "checkpoint").decode()
        except UnicodeDecodeError as error:
            raise ExportMalformed("the checkpoint is no text") from error

    @classmethod
    def of(cls, file: BinaryIO) -> Self:
        """Of a file that was opened for reading. Raises ExportMalformed."""
        return cls(file, os.fstat(file.fileno()).st_size)

    def pages(self, size: int) -> Iterator[Page]:
        """As many leaves as the checkpoint speaks of, and nothing behind them. Raises ExportMalformed."""
        for first in range(1, size + 1, PAGE):
            expected = min(PAGE, size - first + 1)
            (count,) = self._numbers(1, first)
            if not 1 <= count <= PAGE:
                raise ExportMalformed("there is no page of so many events", first)
            lengths = self._numbers(count, first)
            hashes = self._take(count * HASH_BYTES, "hashes", first)
            yield Page(hashes, lengths, self._take(sum(lengths), "events", first))
            if count != expected:
                text = f"a page holds {count} events and not {expected}"
                raise ExportMalformed(text, first + min(count, expected))
        if self._left:
            raise ExportMalformed("the file goes on behind its last event", size + 1)

    def _numbers(self, count: int, first: int) -> tuple[int, ...]:
        return Struct(f">{count}I").unpack(self._take(count * _NUMBER.size, "page", first))

    def _line(self) -> str:
        line = self._file.readline(LONGEST_LINE)
        self._left -= len(line)
        try:
            return line.removesuffix(b"\n").decode()
        except UnicodeDecodeError as error:
            raise ExportMalformed("the beginning of the file is no text") from error

    def _take(self, count: int, what: str, first: int = 1) -> bytes:
        taken = self._file.read(count) if count <= self._left else b""
        self._left -= count
        if len(taken) < count:
            raise ExportMalformed(f"the file ends in the middle of its {what}", first)
        return taken
