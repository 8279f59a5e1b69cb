"""How far each version of each read model is, who feeds it, and whose generation may move it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

import msgspec
from psycopg import AsyncConnection, sql

from infra.projector import lease
from infra.projector.store import ModelStore
from projections.model import ReadModel


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A model version has applied every position up to `position`.

    `lives` where the projector that holds it does; `built` once it had caught up.
    """

    model: str
    fingerprint: str
    position: int
    generation: int
    holder: str | None
    lives: bool
    built: bool
    outdated: bool
    fed_at: datetime

    @property
    def version(self) -> tuple[str, str]:
        """Of which model, in which version."""
        return self.model, self.fingerprint


class Held(NamedTuple):
    """A version that this process feeds, in the generation that it took it in."""

    model: ReadModel
    generation: int


class Moved(Exception):
    """A checkpoint stands elsewhere than a moment ago: a rebuild has moved it."""


ALL = sql.SQL(
    """
    SELECT c.model, c.fingerprint, c.position, c.generation, c.holder,
           {lives}, c.built_at IS NOT NULL, c.purged > c.position, c.updated_at
    FROM app.checkpoint AS c
    LEFT JOIN app.lease AS l ON l.name = c.holder
    WHERE c.shard = %s
    ORDER BY c.model, c.fingerprint
    """
).format(lives=lease.LIVES)
"""Outdated is what was changed behind its fold's back: it is built anew when it is fed again."""


async def all_of(connection: AsyncConnection, shard: int) -> list[Checkpoint]:
    """Every version of every model that has tables."""
    cursor = await connection.execute(ALL, (shard,))
    fields = Checkpoint.__struct_fields__
    return [Checkpoint(**dict(zip(fields, row, strict=True))) for row in await cursor.fetchall()]


async def take(
    connection: AsyncConnection, shard: int, found: Sequence[Checkpoint], holder: str
) -> dict[str, int]:
    """Become the holder of those of these that nobody has taken or moved since they were looked at.

    One that somebody else's transaction holds is passed over. Gives the new generation by model.
    """
    cursor = await connection.execute(
        """
        WITH free AS (
            SELECT c.shard, c.model, c.fingerprint
            FROM app.checkpoint AS c
            JOIN unnest(%s::text[], %s::text[], %s::bigint[]) AS f(model, fingerprint, generation)
                USING (model, fingerprint, generation)
            WHERE c.shard = %s
            ORDER BY c.model, c.fingerprint
            FOR UPDATE OF c SKIP LOCKED
        )
        UPDATE app.checkpoint AS c
        SET holder = %s, generation = c.generation + 1
        FROM free
        WHERE c.shard = free.shard AND c.model = free.model AND c.fingerprint = free.fingerprint
        RETURNING c.model, c.generation
        """,
        (
            [one.model for one in found],
            [one.fingerprint for one in found],
            [one.generation for one in found],
            shard,
            holder,
        ),
    )
    return dict(await cursor.fetchall())


async def begin(connection: AsyncConnection, shard: int, models: Sequence[ReadModel]) -> None:
    """Write down versions that were never there before: they stand at the beginning, fed by nobody."""
    await connection.execute(
        """
        INSERT INTO app.checkpoint (shard, model, fingerprint, position)
        SELECT %s, v.model, v.fingerprint, 0
        FROM unnest(%s::text[], %s::text[]) AS v(model, fingerprint)
        ON CONFLICT DO NOTHING
        """,
        (shard, [model.name for model in models], [model.fingerprint for model in models]),
    )


async def ensure(connection: AsyncConnection, shard: int, store: ModelStore, generation: int) -> None:
    """Make the tables of a version that has none, or outdated ones; over an empty log they are built.

    Raises LeaseLost where it is no longer this generation's.
    """
    async with connection.transaction():
        cursor = await connection.execute(
            """
            SELECT purged > position
            FROM app.checkpoint
            WHERE shard = %s AND model = %s AND fingerprint = %s AND generation = %s
            FOR UPDATE
            """,
            (*key(shard, store), generation),
        )
        row = await cursor.fetchone()
        if row is None:
            raise lease.LeaseLost
        if row == (False,) and await store.exists(connection):
            return
        await store.drop(connection)
        await store.create(connection)
        await _start_over(connection, shard, store)


async def _start_over(connection: AsyncConnection, shard: int, store: ModelStore) -> None:
    await connection.execute(
        "DELETE FROM app.held WHERE shard = %s AND model = %s AND fingerprint = %s", key(shard, store)
    )
    await connection.execute(
        """
        UPDATE app.checkpoint AS c
        SET position = 0, purged = 0, updated_at = clock_timestamp(),
            built_at = CASE WHEN h.position = 0 THEN clock_timestamp() END
        FROM log.head AS h
        WHERE h.shard = c.shard AND c.shard = %s AND c.model = %s AND c.fingerprint = %s
        """,
        key(shard, store),
    )


async def move(
    connection: AsyncConnection, shard: int, held: Sequence[Held], before: int, after: int
) -> None:
    """Move the checkpoints of these versions together.

    Raises LeaseLost when any is another's to move, Moved when any is elsewhere.
    """
    versions = _arrays(held)
    cursor = await connection.execute(
        """
        UPDATE app.checkpoint AS c
        SET position = %s, updated_at = clock_timestamp()
        FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS m(model, fingerprint, generation)
        WHERE c.shard = %s AND c.model = m.model AND c.fingerprint = m.fingerprint
          AND c.position = %s AND c.generation = m.generation
        """,
        (after, *versions, shard, before),
    )
    if cursor.rowcount == len(held):
        return
    cursor = await connection.execute(
        """
        SELECT count(*)
        FROM app.checkpoint AS c
        JOIN unnest(%s::text[], %s::text[], %s::bigint[]) AS m(model, fingerprint, generation)
            USING (model, fingerprint, generation)
        WHERE c.shard = %s
        """,
        (*versions, shard),
    )
    mine = await cursor.fetchone()
    raise Moved if mine == (len(held),) else lease.LeaseLost


async def built(connection: AsyncConnection, shard: int, held: Sequence[Held]) -> None:
    """These versions have caught up, some of them for the first time: they may be asked from now on."""
    await connection.execute(
        """
        UPDATE app.checkpoint AS c
        SET built_at = clock_timestamp()
        FROM unnest(%s::text[], %s::text[], %s::bigint[]) AS m(model, fingerprint, generation)
        WHERE c.shard = %s AND c.model = m.model AND c.fingerprint = m.fingerprint
          AND c.generation = m.generation AND c.built_at IS NULL
        """,
        (*_arrays(held), shard),
    )


async def locked(
    connection: AsyncConnection, shard: int, model: ReadModel, generation: int | None = None
) -> int | None:
    """Hold a checkpoint still until the end of the transaction; where it is, None where it never was.

    Raises LeaseLost where it is not in the generation that is asked for.
    """
    cursor = await connection.execute(
        """
        SELECT position, generation FROM app.checkpoint
        WHERE shard = %s AND model = %s AND fingerprint = %s
        FOR UPDATE
        """,
        (shard, model.name, model.fingerprint),
    )
    row = cast("tuple[int, int] | None", await cursor.fetchone())
    if row is not None and generation not in {None, row[1]}:
        raise lease.LeaseLost
    return None if row is None else row[0]


def key(shard: int, store: ModelStore) -> tuple[int, str, str]:
    """Where what is said of a version stands, in every table that says anything of it."""
    return shard, store.model.name, store.fingerprint


def _arrays(held: Sequence[Held]) -> tuple[list[Any], ...]:
    return (
        [model.name for model, _ in held],
        [model.fingerprint for model, _ in held],
        [generation for _, generation in held],
    )
