"""How far each version of each read model is, and whose generation may move it."""

from collections.abc import Sequence

import msgspec
from psycopg import AsyncConnection

from infra.projector.lease import LeaseLost
from infra.projector.store import ModelStore
from projections.model import ReadModel


class Checkpoint(msgspec.Struct, frozen=True):
    """A model version has applied every position up to `position`."""

    model: str
    fingerprint: str
    position: int


async def all_of(connection: AsyncConnection, shard: int) -> list[Checkpoint]:
    """Every version of every model that has tables."""
    cursor = await connection.execute(
        "SELECT model, fingerprint, position FROM app.checkpoint WHERE shard = %s ORDER BY model, fingerprint",
        (shard,),
    )
    return [Checkpoint(*row) for row in await cursor.fetchall()]


async def ensure(
    connection: AsyncConnection, shard: int, stores: Sequence[ModelStore], generation: int
) -> None:
    """Make the tables of models that are new here, and take over the checkpoints of all."""
    for store in stores:
        async with connection.transaction():
            cursor = await connection.execute(
                """
                INSERT INTO app.checkpoint (shard, model, fingerprint, position, generation)
                VALUES (%s, %s, %s, 0, %s)
                ON CONFLICT (shard, model, fingerprint) DO UPDATE SET generation = excluded.generation
                WHERE app.checkpoint.generation <= excluded.generation
                """,
                (shard, store.model.name, store.model.fingerprint, generation),
            )
            if cursor.rowcount != 1:
                raise LeaseLost
            if not await store.exists(connection):
                await connection.execute(
                    "UPDATE app.checkpoint SET position = 0 WHERE shard = %s AND model = %s AND fingerprint = %s",
                    (shard, store.model.name, store.model.fingerprint),
                )
                await store.create(connection)


async def move(
    connection: AsyncConnection,
    shard: int,
    models: Sequence[ReadModel],
    before: int,
    after: int,
    generation: int,
) -> None:
    """Move these models' checkpoints together; raise LeaseLost when any stands elsewhere or is another's."""
    cursor = await connection.execute(
        """
        UPDATE app.checkpoint AS c
        SET position = %s, updated_at = clock_timestamp()
        FROM unnest(%s::text[], %s::text[]) AS m(model, fingerprint)
        WHERE c.shard = %s AND c.model = m.model AND c.fingerprint = m.fingerprint
          AND c.position = %s AND c.generation = %s
        """,
        (after, [m.name for m in models], [m.fingerprint for m in models], shard, before, generation),
    )
    if cursor.rowcount != len(models):
        raise LeaseLost
