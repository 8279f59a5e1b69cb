"""How far each version of each read model is, and whose generation may move it."""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from infra.projector.lease import LeaseLost
from infra.projector.store import ModelStore
from projections.model import ReadModel

OUTDATED = -1
"""The generation of a version that was changed behind its fold's back: built anew when it is fed again."""


class Checkpoint(msgspec.Struct, frozen=True):
    """A model version has applied every position up to `position`."""

    model: str
    fingerprint: str
    position: int


class Moved(Exception):
    """A checkpoint stands elsewhere than a moment ago: a rebuild has moved it."""


async def all_of(connection: AsyncConnection, shard: int) -> list[Checkpoint]:
    """Every version of every model that has tables."""
    cursor = await connection.execute(
        """
        SELECT model, fingerprint, position
        FROM app.checkpoint
        WHERE shard = %s
        ORDER BY model, fingerprint
        """,
        (shard,),
    )
    return [Checkpoint(*row) for row in await cursor.fetchall()]


async def held(connection: AsyncConnection, shard: int, model: ReadModel) -> int | None:
    """The position of a model, held where it is until the transaction ends; None where there is none."""
    cursor = await connection.execute(
        """
        SELECT position FROM app.checkpoint
        WHERE shard = %s AND model = %s AND fingerprint = %s
        FOR UPDATE
        """,
        (shard, model.name, model.fingerprint),
    )
    row = await cursor.fetchone()
    return None if row is None else int(row[0])


async def ensure(
    connection: AsyncConnection, shard: int, stores: Sequence[ModelStore], generation: int
) -> None:
    """Make the tables of models that are new here, and take over the checkpoints of all. Raises LeaseLost."""
    for store in stores:
        async with connection.transaction():
            found = await _taken(connection, shard, store.model, generation)
            if found in {None, OUTDATED} or not await store.exists(connection):
                await store.drop(connection)
                await store.create(connection)
                await connection.execute(
                    """
                    UPDATE app.checkpoint SET position = 0
                    WHERE shard = %s AND model = %s AND fingerprint = %s
                    """,
                    (shard, store.model.name, store.model.fingerprint),
                )


async def _taken(connection: AsyncConnection, shard: int, model: ReadModel, generation: int) -> int | None:
    """Set the generation; the one before it, None where there was no checkpoint."""
    key = (shard, model.name, model.fingerprint)
    cursor = await connection.execute(
        """
        SELECT generation FROM app.checkpoint
        WHERE shard = %s AND model = %s AND fingerprint = %s
        FOR UPDATE
        """,
        key,
    )
    row = await cursor.fetchone()
    if row is not None and row[0] > generation:
        raise LeaseLost
    await connection.execute(
        """
        INSERT INTO app.checkpoint (shard, model, fingerprint, position, generation)
        VALUES (%s, %s, %s, 0, %s)
        ON CONFLICT (shard, model, fingerprint) DO UPDATE SET generation = excluded.generation
        """,
        (*key, generation),
    )
    return None if row is None else int(row[0])


async def move(
    connection: AsyncConnection,
    shard: int,
    models: Sequence[ReadModel],
    before: int,
    after: int,
    generation: int,
) -> None:
    """Move these models' checkpoints together.

    Raises LeaseLost when any is another's to move, Moved when any is elsewhere.
    """
    versions = ([m.name for m in models], [m.fingerprint for m in models])
    cursor = await connection.execute(
        """
        UPDATE app.checkpoint AS c
        SET position = %s, updated_at = clock_timestamp()
        FROM unnest(%s::text[], %s::text[]) AS m(model, fingerprint)
        WHERE c.shard = %s AND c.model = m.model AND c.fingerprint = m.fingerprint
          AND c.position = %s AND c.generation = %s
        """,
        (after, *versions, shard, before, generation),
    )
    if cursor.rowcount == len(models):
        return
    cursor = await connection.execute(
        """
        SELECT count(*)
        FROM app.checkpoint AS c
        JOIN unnest(%s::text[], %s::text[]) AS m(model, fingerprint) USING (model, fingerprint)
        WHERE c.shard = %s AND c.generation = %s
        """,
        (*versions, shard, generation),
    )
    mine = await cursor.fetchone()
    raise Moved if mine == (len(models),) else LeaseLost
