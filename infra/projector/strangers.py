"""Versions of read models that this release does not feed: an erased patient leaves them all the same."""

from collections import Counter
from collections.abc import Collection, Sequence
from uuid import UUID

from psycopg import AsyncConnection, sql

from infra.projector import purged
from infra.projector.checkpoints import OUTDATED, all_of
from infra.projector.store import ModelStore

OWNER = "tarikh_projector"
BEING_BUILT = "_new"
COPIED = "_copied"


async def purge(
    connection: AsyncConnection,
    shard: int,
    own: Sequence[ModelStore],
    subjects: Collection[UUID],
    erased_at: int,
) -> None:
    """Delete these patients' rows from every other version; it will be built anew if it is ever fed again.

    A version that has come past the erasure was purged by whoever fed it. Tables that are being built or
    copied are left out: whoever does so comes to the erasure, and subtracts from the sums what is deleted.
    """
    left_alone = {store.schema for store in own}
    left_alone |= {schema + suffix for schema in left_alone for suffix in (BEING_BUILT, COPIED)}
    left_alone |= {
        f"{c.model}_{c.fingerprint}" for c in await all_of(connection, shard) if c.position >= erased_at
    }
    schemas = set()
    for schema, table in await tables(connection):
        if schema in left_alone:
            continue
        schemas.add(schema)
        cursor = await connection.execute(
            sql.SQL("DELETE FROM {} WHERE shard = %s AND subject_id = ANY(%s) RETURNING subject_id").format(
                sql.Identifier(schema, table)
            ),
            (shard, list(subjects)),
        )
        taken = Counter((subject, table) for (subject,) in await cursor.fetchall())
        await purged.note(connection, shard, schema, taken)
    await connection.execute(
        """
        UPDATE app.checkpoint SET generation = %s
        WHERE shard = %s AND model || '_' || fingerprint = ANY(%s)
        """,
        (OUTDATED, shard, list(schemas)),
    )


async def tables(connection: AsyncConnection) -> list[tuple[str, str]]:
    """Schema and name of every table of patients' rows that a projector of any release has made."""
    cursor = await connection.execute(
        """
        SELECT n.nspname, c.relname
        FROM pg_class AS c
        JOIN pg_namespace AS n ON n.oid = c.relnamespace
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'subject_id'
        WHERE n.nspowner = %s::regrole AND c.relkind = 'r'
        """,
        (OWNER,),
    )
    return await cursor.fetchall()
