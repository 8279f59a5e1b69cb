"""Looks for marks in everything that a house has written: files of databases, cache, logs, exports, rows."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec
import psycopg
from psycopg import sql

from tests.campaigns.erasing.house import House
from tests.campaigns.erasing.marks import Mark, Marks

PLACES = ("pages", "wal", "rows", "cache", "logs", "exports", "temporary", "rest")
ROWS = """
    SELECT n.nspname, c.relname
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'm')
      AND has_table_privilege(c.oid, 'select')
      AND n.nspname <> 'information_schema'
    """


class Looked(msgspec.Struct):
    """How much was looked through, and whose mark was found where, in which spelling."""

    found: dict[str, Counter[tuple[Mark, str]]]
    files: int = 0
    bytes: int = 0

    def marks(self, *places: str) -> set[Mark]:
        """Whose mark was found in these places, or anywhere."""
        return {mark for place in places or PLACES for mark, _ in self.found[place]}


def looked(house: House, marks: Marks) -> Looked:
    """Look everywhere."""
    house.written()
    found = Looked({place: Counter() for place in PLACES})
    for place, data in (*_files(house), *_of(house)):
        found.files += 1
        found.bytes += len(data)
        found.found[place].update(marks.found_in(data))
    return found


def holding(house: House, secret: bytes) -> set[str]:
    """The places in whose files these bytes stand."""
    house.written()
    return {place for place, data in _files(house) if secret in data}


def in_rows(house: House, marks: Marks) -> set[Mark]:
    """Whose mark a query still shows."""
    return {mark for url in house.databases for row in _rows(url) for mark, _ in marks.found_in(row)}


def _files(house: House) -> Iterator[tuple[str, bytes]]:
    for path in sorted(house.folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            try:
                yield _place(house, path), path.read_bytes()
            except FileNotFoundError:  # a table that was dropped meanwhile
                continue


def _place(house: House, path: Path) -> str:
    for place, folder in (
        ("wal", house.data / "postgres" / "data" / "pg_wal"),
        ("pages", house.data / "postgres" / "data"),
        ("logs", house.logs),
        ("exports", house.exports),
        ("temporary", house.temporary),
    ):
        if path.is_relative_to(folder):
            return place
    return "logs" if path.suffix == ".log" else "rest"


def _of(house: House) -> Iterator[tuple[str, bytes]]:
    """What no file shows, or shows compressed only."""
    yield "cache", b"\n".join(house.cached())
    for url in house.databases:
        yield "rows", b"\n".join(_rows(url))


def _rows(url: str) -> Iterable[bytes]:
    with psycopg.connect(url) as connection:
        for schema, table in connection.execute(ROWS).fetchall():
            query = sql.SQL("SELECT t::text FROM {} AS t").format(sql.Identifier(schema, table))
            for (row,) in connection.execute(query):
                yield str(row).encode()
                yield from _unhexed(str(row))


def _unhexed(row: str) -> Iterator[bytes]:
    """Bytes are shown in hex, in which half a letter may begin: so they are looked at as they are."""
    for part in row.split('"\\\\x')[1:]:
        digits = part.partition('"')[0]
        yield bytes.fromhex(digits)
