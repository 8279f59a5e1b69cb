"""The group writer against bare SQL, against single commits and against the library's own `save`."""

import asyncio
import os
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate
from psycopg import AsyncConnection

from infra.embedded import Servers
from infra.event_log.append import Append
from infra.event_log.writer import GroupWriter
from infra.ids import new_id
from infra.services import opened
from tests.bench import samples
from tests.bench.harness import Figure, Measured, house, ratio
from tests.infra.event_log.calls import settings_of

Row = dict[str, Any]

REQUESTERS, FEW = 256, 16
EVENTS, EVENTS_OF_FEW = 5_120, 1_600
THREADS = 16
SAVED = 800
COMMITS = 300

TABLE = "CREATE SCHEMA IF NOT EXISTS bench; CREATE TABLE bench.event (LIKE log.event INCLUDING ALL)"
INSERT = """
    INSERT INTO bench.event (shard, schema, originator_id, originator_version, notification_id, recorded_at,
        subject_id, actor_id, key_id, topic, state, meta, request_id, leaf_hash)
    SELECT 0, 1, u.* FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::timestamptz[], %b::uuid[],
        %b::uuid[], %b::uuid[], %b::text[], %b::bytea[], %b::bytea[], %b::bytea[], %b::bytea[]) AS u
    """


async def figures() -> AsyncIterator[Figure]:
    """All of them in one house; keys are made beforehand, once for a patient and not for an event."""
    with house() as (settings, servers):
        async with opened(settings, servers) as services:
            many = [new_id() for _ in range(REQUESTERS)]
            run = partial(_run, services.writer)
            await run(many, EVENTS)
            async with _raw(servers.database_url) as raw:
                yield await ratio(
                    "append_256_vs_unnest",
                    partial(appended, services.writer, many),
                    raw.batches,
                    ">= 0.60",
                    events=EVENTS,
                    requesters=REQUESTERS,
                )
                yield await ratio(
                    "append_256_p99_vs_commit",
                    partial(_p99, services.writer, many),
                    raw.commit_median,
                    "<= 60",
                    events=EVENTS,
                    requesters=REQUESTERS,
                    commits=COMMITS,
                )
                yield await ratio(
                    "append_16_vs_commit",
                    partial(appended, services.writer, many[:FEW], EVENTS_OF_FEW),
                    raw.commits,
                    ">= 3",
                    events=EVENTS_OF_FEW,
                    requesters=FEW,
                    commits=COMMITS,
                )
            with _library(servers) as save:
                yield await ratio(
                    "append_256_vs_library",
                    partial(appended, services.writer, many),
                    save,
                    ">= 30",
                    events=EVENTS,
                    library_events=SAVED,
                    library_threads=THREADS,
                )


async def appended(writer: GroupWriter, patients: list[UUID], events: int = EVENTS) -> float:
    """Events a second of so many requesters, each with one event at a time."""
    seconds, _ = await _run(writer, patients, events)
    return events / seconds


async def _p99(writer: GroupWriter, patients: list[UUID]) -> float:
    _, waits = await _run(writer, patients, EVENTS)
    return statistics.quantiles(waits, n=100)[98]


async def _run(writer: GroupWriter, patients: list[UUID], events: int) -> tuple[float, list[float]]:
    """How long all took, and each; the requests are made beforehand, as the rows of the limit are."""
    made = [[samples.single(patient) for _ in range(events // len(patients))] for patient in patients]
    waits: list[float] = []

    async def requester(requests: list[Append]) -> None:
        for request in requests:
            asked = time.perf_counter()
            await writer.append(request)
            waits.append(time.perf_counter() - asked)

    started = time.perf_counter()
    await asyncio.gather(*map(requester, made))
    return time.perf_counter() - started, waits


class _Raw:
    """The limits: ready-made rows into the identical table, many at once or one for each commit."""

    def __init__(self, connection: AsyncConnection[Any], rows: list[Row]) -> None:
        self._connection = connection
        self._rows = rows
        self._place = iter(range(1, 10**9))

    async def batches(self) -> float:
        """Events a second, by `unnest`, in batches of as many as ours has requesters."""
        batches = [self._arrays(self._rows) for _ in range(EVENTS // REQUESTERS)]
        started = time.perf_counter()
        for batch in batches:
            await self._connection.execute(INSERT, batch)
        return EVENTS / (time.perf_counter() - started)

    async def commits(self) -> float:
        """Events a second, each in a commit of its own."""
        return COMMITS / sum(await self._each())

    async def commit_median(self) -> float:
        """Seconds of one."""
        return statistics.median(await self._each())

    async def _each(self) -> list[float]:
        seconds = []
        for one in [self._arrays(self._rows[:1]) for _ in range(COMMITS)]:
            started = time.perf_counter()
            await self._connection.execute(INSERT, one)
            seconds.append(time.perf_counter() - started)
        return seconds

    def _arrays(self, rows: list[Row]) -> list[list[Any]]:
        kept = ("recorded_at", "subject_id", "actor_id", "key_id", "topic", "state", "meta")
        return [
            [new_id() for _ in rows],
            [1 for _ in rows],
            [next(self._place) for _ in rows],
            *([row[name] for row in rows] for name in kept),
            [os.urandom(32) for _ in rows],
            [row["leaf_hash"] for row in rows],
        ]


@asynccontextmanager
async def _raw(database_url: str) -> AsyncIterator[_Raw]:
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(TABLE)
        cursor = await connection.execute(
            "SELECT * FROM log.event WHERE subject_id IS NOT NULL LIMIT %s", (REQUESTERS,)
        )
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
        yield _Raw(connection, rows)


class Kept(Aggregate):
    """What the library records of the same event: one aggregate, one event, as many bytes."""

    class Created(Aggregate.Created):
        """Its one event."""

        words: str

    def __init__(self, words: str) -> None:
        self.words = words


@contextmanager
def _library(servers: Servers) -> Iterator[Measured]:
    """The peer: the library's own Application in its default mode, from so many threads."""
    names = {**settings_of(servers.database_url), "PERSISTENCE_MODULE": "eventsourcing.postgres"}
    limits = {"POSTGRES_POOL_SIZE": str(THREADS), "POSTGRES_MAX_OVERFLOW": "0"}
    application = Application[UUID](env={**names, **limits, "POSTGRES_SCHEMA": "bench"})
    with ThreadPoolExecutor(THREADS) as threads:
        yield partial(_save, application, threads)
    application.close()


async def _save(application: Application[UUID], threads: ThreadPoolExecutor) -> float:
    made = [Kept(words=f"{uuid4()} " * 6) for _ in range(SAVED)]
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    await asyncio.gather(*(loop.run_in_executor(threads, application.save, one) for one in made))
    return SAVED / (time.perf_counter() - started)
