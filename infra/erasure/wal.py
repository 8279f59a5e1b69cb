"""The write-ahead log keeps what was written until its files are used again: they are used again at once.

To leave a file of it, Postgres fills the file's rest with empty pages. So everything that is in the files now
is overwritten by leaving every one of them once. What the server was told to archive or keep is not ours to
reach.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import psycopg
from psycopg import Connection

SERVER = "SELECT pg_postmaster_start_time()"
"""Databases of one server share its log, and whoever may do it in one has done it for all."""
ALLOWED = """
    SELECT pg_has_role(current_user, 'pg_checkpoint', 'usage')
       AND has_function_privilege('pg_switch_wal()', 'execute')
       AND has_function_privilege('pg_ls_waldir()', 'execute')
    """
NEWEST = "SELECT max(name) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"
CURRENT = "SELECT pg_walfile_name(pg_current_wal_insert_lsn())"
LEAVE = "SELECT pg_logical_emit_message(true, 'tarikh', ''), pg_switch_wal()"


async def overwrite(urls: Sequence[str]) -> bool:
    """Overwrite what the files hold; False where the logins may not everywhere, and something was left."""
    return await asyncio.to_thread(_overwrite, urls)


def _overwrite(urls: Sequence[str]) -> bool:
    servers: dict[object, list[str]] = defaultdict(list)
    for url in urls:
        with psycopg.connect(url, autocommit=True) as connection:
            servers[_value(connection, SERVER)].append(url)
    done = [any(map(_overwritten, databases)) for databases in servers.values()]
    return all(done)


def _overwritten(url: str) -> bool:
    with psycopg.connect(url, autocommit=True) as connection:
        if _value(connection, ALLOWED) is not True:
            return False
        connection.execute(LEAVE)
        connection.execute("CHECKPOINT")  # from here on no older file is needed: it is one of those to come
        last = str(_value(connection, NEWEST))
        while str(_value(connection, CURRENT)) <= last:
            connection.execute(LEAVE)
        connection.execute("CHECKPOINT")
    return True


def _value(connection: Connection, query: str) -> object:
    row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None
