"""An erased patient leaves the read models: their rows go, and then the pages that had held them."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from psycopg import AsyncConnection

from infra.errors import CommandFailed
from infra.projector import checkpoints
from infra.projector.lease import LeaseLost
from infra.projector.projector import Projector
from infra.projector.purging import purge
from infra.projector.rewriting import rewrite

SECONDS_BETWEEN_LOOKS = 0.05


async def out_of_read_models(
    projector: Projector, connection: AsyncConnection, patients: Sequence[UUID], last_position: int
) -> None:
    """Take their rows out, and make sure that none comes after.

    Until every table of this release is past the erasure nothing is certain: an event that a projector had
    opened before the key went may still be on its way into a row.
    """
    while not await _past(projector, connection, last_position):
        if not await _stepped(projector, connection, last_position):
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)  # another process feeds them, or its lease runs out
    await purge(connection, projector.reader, projector.models, patients, last_position)


async def pages(projector: Projector, connection: AsyncConnection, patients: Sequence[UUID]) -> None:
    """Write the tables anew that had held rows of these patients; waits for whoever rebuilds or verifies."""
    cursor = await connection.execute(
        "SELECT DISTINCT schema FROM app.erasure_purge WHERE subject_id = ANY(%s)", (list(patients),)
    )
    schemas = [schema for (schema,) in await cursor.fetchall()]
    while True:
        try:
            await rewrite(connection, projector.reader, projector.models, schemas)
        except CommandFailed:
            await asyncio.sleep(SECONDS_BETWEEN_LOOKS)
            continue
        return


async def _past(projector: Projector, connection: AsyncConnection, position: int) -> bool:
    """Whether every version is there that is asked: of this release, and those of others that live."""
    own = {(model.name, model.fingerprint) for model in projector.models}
    standing = await checkpoints.all_of(connection, 0)
    places = {one.version: one.position for one in standing if one.lives or one.version in own}
    return own <= places.keys() and all(place >= position for place in places.values())


async def _stepped(projector: Projector, connection: AsyncConnection, position: int) -> bool:
    """Do the projector's work where nobody else does; whether anything came of it."""
    stepped = False
    try:
        if await projector.take_over():
            while not await _past(projector, connection, position) and await projector.step():
                stepped = True
                await projector.beat(connection)
    except LeaseLost:
        return stepped
    finally:
        await projector.give_back()
    return stepped
