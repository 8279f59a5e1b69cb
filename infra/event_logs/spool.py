"""The rows that were read, kept on disk and given back case by case: memory does not grow with the table."""

import contextlib
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import msgspec

from infra.event_logs.rows import Row
from infra.spooling import spooled

TABLES = """
CREATE TABLE row (line INTEGER PRIMARY KEY, holder TEXT NOT NULL, body BLOB NOT NULL);
CREATE INDEX by_case ON row (holder, line);
"""
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Row).decode


class Spool:
    """A temporary file of rows by case."""

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._connection = self._open.enter_context(spooled(TABLES))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def keep(self, row: Row) -> None:
        self._connection.execute("INSERT INTO row VALUES (?, ?, ?)", (row.line, row.case, _encode(row)))

    def cases(self) -> Iterator[str]:
        """In the order in which the table begins them."""
        found = self._connection.execute("SELECT holder FROM row GROUP BY holder ORDER BY min(line)")
        yield from (case for (case,) in found)

    def count_cases(self) -> int:
        (count,) = self._connection.execute("SELECT count(DISTINCT holder) FROM row").fetchone()
        return int(count)

    def of(self, case: str) -> list[Row]:
        """A case's rows in the order of time; of those at one time, in the order of the table."""
        found = self._connection.execute("SELECT body FROM row WHERE holder = ? ORDER BY line", (case,))
        return sorted((_decode(body) for (body,) in found), key=lambda row: row.at.at)
