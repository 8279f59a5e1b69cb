"""How many rows of erased patients were taken out of which table, written down in the same transaction."""

from collections import Counter
from collections.abc import Collection, Mapping
from uuid import UUID

from psycopg import AsyncConnection

from infra.projector.store import Differences

Count = Mapping[tuple[UUID, str], int]
"""Rows by patient and table."""


def counted(changed: Differences, subjects: Collection[UUID]) -> Count:
    """What these differences take from the patients: rows that are deleted, or say less than before."""
    if not subjects:
        return {}
    return Counter(
        (one.subject_id, one.table.name)
        for of_table in changed.values()
        for one in of_table
        if one.subject_id in subjects and one.before is not None
    )


async def note(connection: AsyncConnection, shard: int, schema: str, count: Count) -> None:
    """Add to what is known of earlier purges."""
    if not count:
        return
    await connection.execute(
        """
        INSERT INTO app.erasure_purge AS p (shard, subject_id, schema, "table", rows)
        SELECT %s, t.subject_id, %s, t.name, t.rows
        FROM unnest(%s::uuid[], %s::text[], %s::bigint[]) AS t(subject_id, name, rows)
        ON CONFLICT (shard, subject_id, schema, "table") DO UPDATE SET rows = p.rows + excluded.rows
        """,
        (
            shard,
            schema,
            [subject for subject, _ in count],
            [table for _, table in count],
            list(count.values()),
        ),
    )
