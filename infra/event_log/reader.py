"""Reading the log: by stream, patient, position and request, opened with the keys of the vault."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from domain.event import Event
from domain.recorded import Meta, Recorded
from infra.event_log.codec import Address, DataKey, Unreadable, decode_event, decode_meta
from infra.vault import Vault

COLUMNS = """shard, notification_id, originator_id, originator_version, topic, schema,
    recorded_at, subject_id, actor_id, key_id, state, meta, leaf_hash"""
Stored = tuple[Any, ...]
"""A row of COLUMNS."""
NOBODY = UUID(int=0)
"""The actor of an event that was stored without one."""
MOST_SUBJECTS = 100_000
"""So many streams are known by whose they are."""


class Head(msgspec.Struct, frozen=True):
    """How far a shard's log is."""

    position: int
    recorded_at: datetime


class Reader:
    """Opened events of one shard."""

    def __init__(self, pool: AsyncConnectionPool, vault: Vault, shard: int = 0) -> None:
        self._pool = pool
        self._vault = vault
        self._shard = shard
        self._subjects: dict[UUID, UUID] = {}
        self._seen = 0

    @cached_property
    def lenient(self) -> "Reader":
        """The same log, read on past what cannot be read: such an event says so itself."""
        return _Lenient(self._pool, self._vault, self._shard)

    async def head(self) -> Head:
        """The last position and its time."""
        rows = await self._rows("SELECT position, recorded_at FROM log.head WHERE shard = %s", (self._shard,))
        return Head(*rows[0])

    async def has(self, position: int) -> bool:
        """Whether the log is that long; what it has once it has always."""
        if position > self._seen:
            self._seen = (await self.head()).position
        return position <= self._seen

    async def stream(self, stream_id: UUID) -> list[Recorded[Event]]:
        """Every event of a stream, oldest first; empty when there is none."""
        return await self.streams([stream_id])

    async def streams(self, stream_ids: Collection[UUID]) -> list[Recorded[Event]]:
        """Every event of these streams, in the order of the log."""
        return await self._opened(
            f"""
            SELECT {COLUMNS} FROM log.event
            WHERE shard = %s AND originator_id = ANY(%b)
            ORDER BY notification_id
            """,
            (self._shard, list(stream_ids)),
        )

    async def by_subject(
        self, subjects: Collection[UUID], *, until: int | None = None, tags: Sequence[str] | None = None
    ) -> list[Recorded[Event]]:
        """Everything of these patients up to a position, in the order of the log."""
        return await self._opened(
            f"""
            SELECT {COLUMNS} FROM log.event
            WHERE shard = %s AND subject_id = ANY(%b)
              AND (%s::bigint IS NULL OR notification_id <= %s)
              AND (%s::text[] IS NULL OR topic = ANY(%s))
            ORDER BY notification_id
            """,
            (self._shard, list(subjects), until, until, tags, tags),
        )

    async def by_tags(self, tags: Sequence[str]) -> list[Recorded[Event]]:
        """Every event of these types, in the order of the log, which is read through for them."""
        return await self._opened(
            f"SELECT {COLUMNS} FROM log.event WHERE shard = %s AND topic = ANY(%s) ORDER BY notification_id",
            (self._shard, list(tags)),
        )

    async def after(self, position: int, limit: int) -> list[Recorded[Event]]:
        """The next events of the whole shard."""
        return await self._opened(
            f"""
            SELECT {COLUMNS} FROM log.event
            WHERE shard = %s AND notification_id > %s
            ORDER BY notification_id
            LIMIT %s
            """,
            (self._shard, position, limit),
        )

    async def between(self, first: int, last: int) -> list[Recorded[Event]]:
        """The events of these positions, both included."""
        return await self._opened(
            f"""
            SELECT {COLUMNS} FROM log.event
            WHERE shard = %s AND notification_id BETWEEN %s AND %s
            ORDER BY notification_id
            """,
            (self._shard, first, last),
        )

    async def at(self, positions: Collection[int]) -> list[Recorded[Event]]:
        """The events of exactly these positions."""
        return await self._opened(
            f"""
            SELECT {COLUMNS} FROM log.event
            WHERE shard = %s AND notification_id = ANY(%b::bigint[])
            ORDER BY notification_id
            """,
            (self._shard, list(positions)),
        )

    async def by_requests(self, request_ids: Collection[bytes]) -> dict[bytes, int]:
        """The first position that each of these requests made, of those that are stored."""
        rows = await self._rows(
            "SELECT request_id, notification_id FROM log.event WHERE shard = %s AND request_id = ANY(%b)",
            (self._shard, list(request_ids)),
        )
        return dict(rows)

    async def position_at(self, time: datetime) -> int:
        """The last position that was recorded at or before this time; 0 when there was none."""
        rows = await self._rows("SELECT log.position_at(%s, %s)", (self._shard, time))
        return int(rows[0][0])

    async def subject_of(self, stream_id: UUID) -> UUID | None:
        """Whose stream this is; None when it is nobody's or not there. That never changes, and is kept."""
        known = self._subjects.get(stream_id)
        if known is None:
            rows = await self._rows(
                """
                SELECT subject_id FROM log.event
                WHERE shard = %s AND originator_id = %s AND originator_version = 1
                """,
                (self._shard, stream_id),
            )
            known = rows[0][0] if rows else None
            if known is not None:
                if len(self._subjects) >= MOST_SUBJECTS:
                    self._subjects.clear()
                self._subjects[stream_id] = known
        return known

    async def last_change(
        self, subjects: Collection[UUID], until: int | None = None, connection: AsyncConnection | None = None
    ) -> int:
        """The last position of these patients, up to one; 0 where there is none."""
        query = """
            SELECT coalesce(max(notification_id), 0) FROM log.event
            WHERE shard = %s AND subject_id = ANY(%b) AND (%s::bigint IS NULL OR notification_id <= %s)
            """
        arguments = (self._shard, list(subjects), until, until)
        found = await rows(connection, query, arguments) if connection else await self._rows(query, arguments)
        return int(found[0][0])

    async def positions(self, subjects: Collection[UUID], until: int) -> list[int]:
        """Where the events of these patients stand, up to a position."""
        rows = await self._rows(
            """
            SELECT notification_id FROM log.event
            WHERE shard = %s AND subject_id = ANY(%b) AND notification_id <= %s
            ORDER BY notification_id
            """,
            (self._shard, list(subjects), until),
        )
        return [position for (position,) in rows]

    async def erased(self) -> set[UUID]:
        """Everybody whom the log refuses."""
        found = await self._rows("SELECT subject_id FROM log.erased WHERE shard = %s", (self._shard,))
        return {subject for (subject,) in found}

    async def opened(self, rows: Sequence[tuple[Any, ...]]) -> list[Recorded[Event]]:
        """Open rows of COLUMNS; those of the erased stay closed. Raises Unreadable."""
        subjects = {row[7] for row in rows if row[9] is not None}
        keys = await self._vault.keys(subjects)
        missing = subjects - keys.keys()
        if missing and (lost := missing - await self._vault.destroyed(missing)):
            raise Unreadable(f"no key for {', '.join(map(str, sorted(lost)))}, who nobody erased")
        return [_recorded(row, keys.get(row[7])) for row in rows]

    async def _opened(self, query: str, arguments: tuple[object, ...]) -> list[Recorded[Event]]:
        return await self.opened(await self._rows(query, arguments))

    async def _rows(self, query: str, arguments: tuple[object, ...]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            return await rows(connection, query, arguments)


class _Lenient(Reader):
    """Opens as always, and one by one where that fails."""

    async def opened(self, rows: Sequence[tuple[Any, ...]]) -> list[Recorded[Event]]:
        """Open rows of COLUMNS; what cannot be read is `unreadable`."""
        try:
            return await super().opened(rows)
        except Unreadable:
            return [await self._one(row) for row in rows]

    async def _one(self, row: tuple[Any, ...]) -> Recorded[Event]:
        try:
            return (await super().opened([row]))[0]
        except Unreadable as error:
            return msgspec.structs.replace(_enveloped(row, None, None), unreadable=error)


def subject_of(row: Stored) -> UUID:
    """The patient of a row of COLUMNS, or the stream where there is none."""
    subject: UUID = row[7] or row[2]
    return subject


async def rows(
    connection: AsyncConnection, query: str, arguments: tuple[object, ...]
) -> list[tuple[Any, ...]]:
    """Fetch everything, in binary."""
    cursor = await connection.execute(query, arguments, binary=True)
    return await cursor.fetchall()


def _recorded(row: tuple[Any, ...], key: DataKey | None) -> Recorded[Event]:
    _, _, stream_id, version, tag, schema, _, _, _, key_id, state, meta, _ = row
    if key_id is not None and key is None:
        return _enveloped(row, None, None)
    where = Address(stream_id, version, tag, schema)
    told = None if meta is None else decode_meta(meta, where, key)
    return _enveloped(row, decode_event(state, where, key), told)


def _enveloped(row: tuple[Any, ...], event: Event | None, meta: Meta | None) -> Recorded[Event]:
    """What stands in the clear, with what could be opened."""
    shard, position, stream_id, version, tag, schema, at, subject, actor, *_, leaf = row
    return Recorded(
        shard=shard,
        position=position,
        stream_id=stream_id,
        version=version,
        tag=tag,
        schema=schema,
        recorded_at=at,
        subject_id=subject,
        actor_id=actor or NOBODY,
        meta=meta,
        event=event,
        leaf_hash=leaf,
    )
