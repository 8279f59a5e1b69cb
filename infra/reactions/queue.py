"""The queue of jobs: procrastinate on our own Postgres, in the schema `jobs`.

A job says which manager reacts to which position, and nothing of what is recorded there.
"""

from collections.abc import Iterable
from typing import Any

from procrastinate import App, PsycopgConnector
from procrastinate.types import JSONDict
from psycopg import AsyncConnection

TASK = "react"
QUEUE = "reactions"
MOST_CONNECTIONS = 3


async def prepare(connection: AsyncConnection[Any]) -> None:
    """Let the library, which names no schema, find its tables; who is stopped in the middle keeps no lock."""
    await connection.execute("SET search_path = jobs; SET idle_in_transaction_session_timeout = '5s'")
    if not connection.autocommit:
        await connection.commit()


def queue_of(conninfo: str) -> App:
    """The queue, still closed."""
    connector = PsycopgConnector(
        conninfo=conninfo, configure=prepare, min_size=1, max_size=MOST_CONNECTIONS, timeout=5
    )
    return App(connector=connector)


async def put(
    queue: App, connection: AsyncConnection[Any], manager: str, shard: int, positions: Iterable[int]
) -> None:
    """Put a job into the queue for each position, as part of the connection's transaction."""
    task = queue.configure_task(TASK, queue=QUEUE, connection=connection)
    jobs: list[JSONDict] = [
        {"manager": manager, "shard": shard, "position": position} for position in positions
    ]
    if jobs:
        await task.batch_defer_async(*jobs)
