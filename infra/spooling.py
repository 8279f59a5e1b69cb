"""A temporary file with tables of its own, for what is too much to be held in memory."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

NAMELESS = ""
"""A file without a name: whatever becomes of the process, the system takes it away."""


@contextmanager
def spooled(tables: str) -> Iterator[sqlite3.Connection]:
    """A file with these tables, gone at the end. Nothing of it is worth a promise of its own."""
    connection = sqlite3.connect(NAMELESS, isolation_level=None)
    try:
        connection.execute("PRAGMA journal_mode = OFF")
        connection.execute("PRAGMA synchronous = OFF")
        connection.executescript(tables)
        connection.execute("BEGIN")
        yield connection
    finally:
        connection.close()
