"""A table is written anew with its living rows: Postgres keeps the bytes of deleted ones in its pages.

`VACUUM FULL` would carry over what some other statement, at that moment, might still be looking at.
"""

import psycopg
from psycopg import AsyncConnection, sql

PATIENCE = "SET LOCAL lock_timeout = '200ms'"
"""Whoever wants to read waits behind who waits for the lock: not longer than this at a time."""


async def rewrite_table(connection: AsyncConnection, table: sql.Composable) -> None:
    """Rewrite it as soon as nobody reads in it; until it is done, readers wait."""
    while True:
        try:
            await _rewritten(connection, table)
        except psycopg.errors.LockNotAvailable:
            continue
        return


async def _rewritten(connection: AsyncConnection, table: sql.Composable) -> None:
    async with connection.transaction():
        await connection.execute(PATIENCE)
        for statement in (
            "LOCK TABLE {} IN ACCESS EXCLUSIVE MODE",
            "CREATE TEMPORARY TABLE alive ON COMMIT DROP AS SELECT * FROM {}",
            "TRUNCATE {}",
            "INSERT INTO {} SELECT * FROM alive",
        ):
            await connection.execute(sql.SQL(statement).format(table))
