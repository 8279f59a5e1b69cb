"""Versions of read models that this release does not feed: an erased patient leaves them all the same.

One that a projector of its own release feeds comes to the erasure by itself; so does whoever builds a table.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from psycopg import AsyncConnection, sql

from infra.projector import checkpoints, lease, purged
from infra.projector.store import ModelStore

OWNER = "tarikh_projector"
BEING_BUILT = "_new"
REPLACED = "_old"
COPIED = "_copied"
BUILDING_LOCK = 7413
"""With the hash of a model's schema: who holds it builds or verifies that model's tables."""


async def purge(
    connection: AsyncConnection, shard: int, own: Sequence[ModelStore], erased: Mapping[UUID, int]
) -> None:
    """Delete patients, who were erased at these positions, wherever nobody else will.

    A version of another release will be built anew if it is ever fed again.
    """
    mine = {store.schema for store in own}
    last = max(erased.values())
    standing = {f"{one.model}_{one.fingerprint}": one for one in await checkpoints.all_of(connection, shard)}
    left = {schema for schema, one in standing.items() if one.lives or one.position >= last} - mine
    built = [schema for schema in sorted(mine | left) if await _is_built(connection, schema)]
    left |= {schema + suffix for schema in built for suffix in (BEING_BUILT, COPIED)}
    tables = await _tables(connection)
    emptied = tables.keys() - mine - left
    for schema in sorted(emptied):
        for table in tables[schema]:
            cursor = await connection.execute(
                sql.SQL(
                    "DELETE FROM {} WHERE shard = %s AND subject_id = ANY(%s) RETURNING subject_id"
                ).format(sql.Identifier(schema, table)),
                (shard, list(erased)),
            )
            taken = Counter((subject, table) for (subject,) in await cursor.fetchall())
            await purged.note(connection, shard, schema, taken)
    await _note(connection, shard, emptied, erased)


async def sweep(connection: AsyncConnection, shard: int, own: Sequence[ModelStore]) -> None:
    """The same for versions whose projector died before it came to an erasure."""
    cursor = await connection.execute(
        sql.SQL(
            """
            SELECT e.subject_id, max(e.position)
            FROM app.checkpoint AS c
            LEFT JOIN app.lease AS l ON l.name = c.holder
            JOIN log.erased AS e ON e.shard = c.shard AND e.position > greatest(c.position, c.purged)
            WHERE c.shard = %s AND NOT {lives} AND NOT c.model || '_' || c.fingerprint = ANY(%s)
            GROUP BY e.subject_id
            """
        ).format(lives=lease.LIVES),
        (shard, [store.schema for store in own]),
    )
    erased: dict[UUID, int] = dict(await cursor.fetchall())
    if erased:
        async with connection.transaction():
            await purge(connection, shard, own, erased)


async def _note(
    connection: AsyncConnection, shard: int, schemas: Collection[str], erased: Mapping[UUID, int]
) -> None:
    """What was emptied behind its fold's back is neither fed on nor built on, and holds nobody erased."""
    given = (shard, list(schemas))
    await connection.execute(
        """
        UPDATE app.checkpoint SET purged = greatest(purged, %s), generation = generation + 1
        WHERE shard = %s AND model || '_' || fingerprint = ANY(%s)
        """,
        (max(erased.values()), *given),
    )
    await connection.execute(
        "DELETE FROM app.rebuild WHERE shard = %s AND model || '_' || fingerprint || %s = ANY(%s)",
        (shard, BEING_BUILT, list(schemas)),
    )
    await connection.execute(
        """
        DELETE FROM app.held
        WHERE shard = %s AND model || '_' || fingerprint = ANY(%s) AND subject_id = ANY(%s)
        """,
        (*given, list(erased)),
    )


async def _is_built(connection: AsyncConnection, schema: str) -> bool:
    """Whether somebody builds these tables at this moment; nobody begins before the transaction's end."""
    cursor = await connection.execute(
        "SELECT pg_try_advisory_xact_lock_shared(%s, hashtext(%s))", (BUILDING_LOCK, schema)
    )
    return await cursor.fetchone() != (True,)


async def _tables(connection: AsyncConnection) -> dict[str, list[str]]:
    """By schema, every table of patients' rows that a projector of any release has made."""
    cursor = await connection.execute(
        """
        SELECT n.nspname, c.relname
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'subject_id'
        WHERE n.nspowner = %s::regrole AND c.relkind = 'r'
        ORDER BY n.nspname, c.relname
        """,
        (OWNER,),
    )
    found: dict[str, list[str]] = defaultdict(list)
    for schema, table in await cursor.fetchall():
        found[schema].append(table)
    return found
