"""Whoever replaces a model's tables holds them still first; so does whoever compares them."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from psycopg import AsyncConnection, sql

from infra.errors import CommandFailed
from infra.projector.strangers import BUILDING_LOCK
from projections.model import ReadModel

Told = Callable[[int, int], None]
"""Hears how many of how many events are folded."""


@asynccontextmanager
async def alone(
    connection: AsyncConnection, model: ReadModel, *, shared: bool = False
) -> AsyncIterator[None]:
    """Hold the model's tables still: nobody else replaces them meanwhile. Raises CommandFailed.

    `shared` is for those who only read them.
    """
    suffix = "_shared" if shared else ""
    cursor = await connection.execute(
        sql.SQL("SELECT {}(%s, hashtext(%s))").format(sql.Identifier(f"pg_try_advisory_lock{suffix}")),
        (BUILDING_LOCK, model.schema),
    )
    if await cursor.fetchone() != (True,):
        raise CommandFailed(f"{model.name} is being rebuilt or verified by another process at this moment")
    try:
        yield
    finally:
        if not connection.closed:
            await connection.execute(
                sql.SQL("SELECT {}(%s, hashtext(%s))").format(sql.Identifier(f"pg_advisory_unlock{suffix}")),
                (BUILDING_LOCK, model.schema),
            )
