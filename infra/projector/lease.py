"""Of several projectors one works: a lease with a heartbeat, and a generation that checkpoints check."""

import os
import socket

from psycopg import AsyncConnection

NAME = "projector"
SECONDS_UNTIL_LOST = 5


class LeaseLost(Exception):
    """Another process has taken over; nothing of this one may be written any more."""


def holder() -> str:
    """Who this process is, for people who look at the lease."""
    return f"{socket.gethostname()}:{os.getpid()}"


async def take(connection: AsyncConnection, generation: int = 0, name: str = NAME) -> int | None:
    """A new generation of the lease if it was free, had stopped beating, or is still the caller's own.

    None while another holds it. `generation` is what the caller held before.
    """
    cursor = await connection.execute(
        """
        INSERT INTO app.lease AS l (name, holder, generation, heartbeat)
        VALUES (%s, %s, 1, clock_timestamp())
        ON CONFLICT (name) DO UPDATE
        SET holder = excluded.holder, generation = l.generation + 1, heartbeat = clock_timestamp()
        WHERE l.generation = %s
           OR l.heartbeat < clock_timestamp() - make_interval(secs => %s)
        RETURNING generation
        """,
        (name, holder(), generation, SECONDS_UNTIL_LOST),
    )
    row = await cursor.fetchone()
    return None if row is None else int(row[0])


async def beat(connection: AsyncConnection, generation: int, name: str = NAME) -> None:
    """Say that this process is alive; raise LeaseLost when it is no longer the holder."""
    cursor = await connection.execute(
        "UPDATE app.lease SET heartbeat = clock_timestamp() WHERE name = %s AND generation = %s",
        (name, generation),
    )
    if cursor.rowcount != 1:
        raise LeaseLost


async def give_back(connection: AsyncConnection, generation: int, name: str = NAME) -> None:
    """Let the next one take over at once."""
    await connection.execute(
        "UPDATE app.lease SET heartbeat = '-infinity' WHERE name = %s AND generation = %s", (name, generation)
    )
