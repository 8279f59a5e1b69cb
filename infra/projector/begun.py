"""How far new tables beside the live ones are, so that a rebuild that was killed goes on from there."""

from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg.types.json import Jsonb

from infra.event_log.reader import NOBODY
from projections.model import ReadModel


class Begun(msgspec.Struct):
    """Until they are indexed: everybody up to `subject_id` is there as of `position`; then everybody is.

    `events` and `rows`, by table, count what was folded.
    """

    position: int
    subject_id: UUID = NOBODY
    events: int = 0
    rows: dict[str, int] = {}
    indexed: bool = False


async def found(connection: AsyncConnection, shard: int, model: ReadModel) -> Begun | None:
    """What an earlier rebuild of this version left, if any."""
    cursor = await connection.execute(
        """
        SELECT position, subject_id, events, rows, indexed FROM app.rebuild
        WHERE shard = %s AND model = %s AND fingerprint = %s
        """,
        (shard, model.name, model.fingerprint),
    )
    row = await cursor.fetchone()
    return None if row is None else Begun(row[0], row[1] or NOBODY, row[2], row[3], row[4])


async def note(connection: AsyncConnection, shard: int, model: ReadModel, begun: Begun) -> None:
    """Write it down, in the transaction that makes it so."""
    await connection.execute(
        """
        INSERT INTO app.rebuild (shard, model, fingerprint, position, subject_id, events, rows, indexed)
        VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
        ON CONFLICT (shard, model, fingerprint) DO UPDATE
        SET position = excluded.position, subject_id = excluded.subject_id, events = excluded.events,
            rows = excluded.rows, indexed = excluded.indexed
        """,
        (
            shard,
            model.name,
            model.fingerprint,
            begun.position,
            begun.subject_id,
            begun.events,
            Jsonb(begun.rows),
            begun.indexed,
        ),
    )


async def forget(connection: AsyncConnection, shard: int, model: ReadModel) -> None:
    """Begin anew the next time."""
    await connection.execute(
        "DELETE FROM app.rebuild WHERE shard = %s AND model = %s AND fingerprint = %s",
        (shard, model.name, model.fingerprint),
    )
