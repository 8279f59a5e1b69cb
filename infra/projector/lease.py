"""Every projector has a lease of its own, which lives while its heart beats; what it feeds names that lease.

That one holder is told from the next is the part of the generation in each checkpoint.
"""

import os
import socket
from collections.abc import Collection
from uuid import uuid4

from psycopg import AsyncConnection, sql
from psycopg.conninfo import make_conninfo

PROJECTOR = "projector "
"""How the names of projectors' leases begin."""
SECONDS_UNTIL_LOST = 5
LONGEST_NAME = 63
"""Of a session; a lease's name begins with the host, whose name may be longer than that."""
LIVES = sql.SQL("coalesce(l.heartbeat > clock_timestamp() - make_interval(secs => {}), false)").format(
    sql.Literal(SECONDS_UNTIL_LOST)
)
"""Whether the heart of a lease `l` beats, in any statement that joins it; of none it does not."""


class LeaseLost(Exception):
    """Another process has taken over; nothing of this one may be written any more."""


def own_name() -> str:
    """A lease that nobody else has: host, process, and which projector of the process."""
    return f"{PROJECTOR}{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


async def beat(connection: AsyncConnection, name: str) -> None:
    """Say that the holder of this lease is alive."""
    await connection.execute(
        """
        INSERT INTO app.lease (name, heartbeat)
        VALUES (%s, clock_timestamp())
        ON CONFLICT (name) DO UPDATE SET heartbeat = excluded.heartbeat
        """,
        (name,),
    )


async def give_back(connection: AsyncConnection, name: str) -> None:
    """Whatever the lease holds can be taken at once."""
    await connection.execute("DELETE FROM app.lease WHERE name = %s", (name,))


async def forget_the_dead(connection: AsyncConnection) -> None:
    """Delete the leases of projectors that have not been heard of for a day."""
    await connection.execute(
        """
        DELETE FROM app.lease
        WHERE starts_with(name, %s) AND heartbeat < clock_timestamp() - interval '1 day'
        """,
        (PROJECTOR,),
    )


async def name_session(connection: AsyncConnection, name: str) -> None:
    """Let the session be found by the lease that it works under."""
    if connection.info.parameter_status("application_name") != name[-LONGEST_NAME:]:
        await connection.execute("SELECT set_config('application_name', %s, false)", (name[-LONGEST_NAME:],))


async def end_sessions(connection: AsyncConnection, names: Collection[str]) -> None:
    """End the sessions of holders whose heart has stopped.

    A process that stopped while Postgres waits for the rest of what it sends would keep its locks for ever.
    """
    login = make_conninfo(connection.info.dsn, password=connection.info.password or None)
    async with await AsyncConnection.connect(login, autocommit=True) as own:
        await own.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = ANY(%s)",
            ([name[-LONGEST_NAME:] for name in names],),
        )
