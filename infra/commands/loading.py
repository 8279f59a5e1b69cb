"""Reads the streams that requests are about: those that are asked for at the same time, in one statement.

A query costs the same for one stream and for fifty, and under load fifty stand in the queue. Whoever asks
is answered from a statement that was sent afterwards, so that nobody reads what is older than their question.
"""

import asyncio
from collections import deque
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from domain.event import Event
from domain.recorded import Recorded
from infra.commands.decided import Stream
from infra.event_log.codec import Address, DataKey, Unreadable, decode_event
from infra.event_log.reader import Reader, rows
from infra.vault import Vault

MOST_TOGETHER = 64
STATEMENTS_AT_ONCE = 2

READ = """
    SELECT originator_id, originator_version, notification_id, topic, schema, subject_id, key_id, state
    FROM log.event
    WHERE shard = %s AND originator_id = ANY(ARRAY(
        SELECT unnest(%b::uuid[])
        UNION
        SELECT subject_id FROM log.event
        WHERE shard = %s AND originator_id = ANY(%b) AND originator_version = 1
    ))
    ORDER BY originator_id, originator_version
    """
"""Streams, and the patients' own streams whose they are."""

Seen: TypeAlias = Mapping[UUID, Stream]
"""Streams as they were a moment ago, within the same request."""


class Loading:
    """Streams of one shard, opened with the keys of the vault; what is not there is an empty stream."""

    def __init__(self, pool: AsyncConnectionPool, vault: Vault, shard: int = 0) -> None:
        self._pool = pool
        self._vault = vault
        self._shard = shard
        self._queue: deque[_Asked] = deque()
        self._working: set[asyncio.Task[None]] = set()

    async def about(self, stream_ids: Iterable[UUID]) -> dict[UUID, Stream]:
        """These streams, and those of the patients whose they are. Raises Unreadable."""
        asked = _Asked(frozenset(stream_ids))
        self._queue.append(asked)
        if len(self._working) < STATEMENTS_AT_ONCE:
            task = asyncio.create_task(self._work(), name="loading")
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return await asked.answer

    async def _work(self) -> None:
        while self._queue:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), MOST_TOGETHER))]
            await self._answer([asked for asked in batch if not asked.answer.done()])

    async def _answer(self, batch: Sequence["_Asked"]) -> None:
        """Where one of them cannot be read each is asked for alone: only that one fails."""
        if not batch:
            return
        try:
            found = await self._read({stream_id for asked in batch for stream_id in asked.stream_ids})
        except Exception as error:  # noqa: BLE001  whatever it was, whoever waits must learn of it
            away = isinstance(error, psycopg.OperationalError | PoolTimeout)
            if len(batch) > 1 and not away:
                for asked in batch:
                    await self._answer([asked])
                return
            for asked in batch:
                asked.fail(error)
        else:
            for asked in batch:
                asked.tell(found)

    async def _read(self, stream_ids: Collection[UUID]) -> dict[UUID, Stream]:
        wanted = list(stream_ids)
        async with self._pool.connection() as connection:
            read = await rows(connection, READ, (self._shard, wanted, self._shard, wanted))
        keys = await self._keys({row[5] for row in read if row[6] is not None})
        found = {stream_id: Stream(stream_id) for stream_id in wanted}
        for stream_id, stored in groupby(read, itemgetter(0)):
            found[stream_id] = _opened(stream_id, list(stored), keys)
        return found

    async def _keys(self, subjects: set[UUID]) -> dict[UUID, DataKey]:
        """As the reader: who has no key was erased, or is not to be read at all."""
        keys = await self._vault.keys(subjects)
        missing = subjects - keys.keys()
        if missing and (lost := missing - await self._vault.destroyed(missing)):
            raise Unreadable(f"no key for {', '.join(map(str, sorted(lost)))}, who nobody erased")
        return keys


class _Asked:
    """A question and who waits for its answer."""

    __slots__ = ("answer", "stream_ids")

    def __init__(self, stream_ids: frozenset[UUID]) -> None:
        self.stream_ids = stream_ids
        self.answer: asyncio.Future[dict[UUID, Stream]] = asyncio.get_running_loop().create_future()

    def tell(self, found: Mapping[UUID, Stream]) -> None:
        if self.answer.done():
            return
        own = {stream_id: found[stream_id] for stream_id in self.stream_ids}
        whose = (stream.subject_id for stream in own.values())
        self.answer.set_result(own | {one: found[one] for one in whose if one is not None and one in found})

    def fail(self, error: Exception) -> None:
        if not self.answer.done():
            self.answer.set_exception(error)


def _opened(stream_id: UUID, stored: Sequence[tuple[Any, ...]], keys: Mapping[UUID, DataKey]) -> Stream:
    """A stream of rows of READ; of what is closed nothing is told."""
    events = tuple(
        decode_event(state, Address(stream_id, version, tag, schema), keys.get(subject_id))
        for _, version, _, tag, schema, subject_id, key_id, state in stored
        if key_id is None or subject_id in keys
    )
    _, version, position, _, _, subject_id, _, _ = stored[-1]
    return Stream(stream_id, events, version, position, subject_id, len(events) < len(stored))


class Reading:
    """What is known when a command is decided: first what the request has seen, then what the log says."""

    def __init__(self, reader: Reader, loading: Loading, seen: Seen) -> None:
        self._reader = reader
        self._loading = loading
        self._seen = dict(seen)

    async def stream(self, stream_id: UUID) -> Stream:
        if stream_id not in self._seen:
            self._seen |= await self._loading.about([stream_id])
        return self._seen[stream_id]

    async def by_subject(
        self, subjects: Collection[UUID], *, until: int | None = None, tags: Sequence[str] | None = None
    ) -> list[Recorded[Event]]:
        return await self._reader.by_subject(subjects, until=until, tags=tags)

    async def by_tags(self, tags: Sequence[str]) -> list[Recorded[Event]]:
        return await self._reader.by_tags(tags)

    async def at(self, positions: Collection[int]) -> list[Recorded[Event]]:
        return await self._reader.at(positions)
