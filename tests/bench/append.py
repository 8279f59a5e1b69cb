"""`append_256_vs_unnest`, `append_256_vs_library`: the group writer, bare SQL and the library."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from eventsourcing.persistence import StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresDatastore
from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

from infra.event_log.append import Append
from infra.event_log.writer import GroupWriter
from infra.ids import new_id
from infra.services import opened
from tests.bench import samples
from tests.bench.harness import Figure, Measured, house, ratio

Row = dict[str, Any]

REQUESTERS = 256
EVENTS = 5_120
THREADS = 16
LIBRARY_EVENTS = 800

TABLE = "CREATE SCHEMA IF NOT EXISTS bench; CREATE TABLE bench.event (LIKE log.event INCLUDING ALL)"
INSERT = """
    INSERT INTO bench.event (shard, schema, originator_id, originator_version, notification_id, recorded_at,
        subject_id, actor_id, key_id, topic, state, meta, request_id, leaf_hash)
    SELECT 0, 1, u.* FROM unnest(%b::uuid[], %b::bigint[], %b::bigint[], %b::timestamptz[], %b::uuid[],
        %b::uuid[], %b::uuid[], %b::text[], %b::bytea[], %b::bytea[], %b::bytea[], %b::bytea[]) AS u
    """


async def figures() -> AsyncIterator[Figure]:
    """Both ratios, in one house."""
    with house() as (settings, servers):
        async with opened(settings, servers) as services:
            patients = [new_id() for _ in range(REQUESTERS)]
            await appended(
                services.writer, patients
            )  # keys are made once for each patient, not for each event
            ours = partial(appended, services.writer, patients)
            async with _raw(servers.database_url) as insert:
                yield await ratio(
                    "append_256_vs_unnest", ours, insert, ">= 0.60", events=EVENTS, requesters=REQUESTERS
                )
            with _library(servers.database_url) as save:
                yield await ratio(
                    "append_256_vs_library", ours, save, ">= 30", events=EVENTS, library_events=LIBRARY_EVENTS
                )


async def appended(writer: GroupWriter, patients: list[UUID]) -> float:
    """Events a second of so many requesters, each with one event at a time."""
    made = [[samples.single(patient_id) for _ in range(EVENTS // REQUESTERS)] for patient_id in patients]

    async def requester(requests: list[Append]) -> None:
        for request in requests:
            await writer.append(request)

    started = time.perf_counter()
    await asyncio.gather(*map(requester, made))
    return EVENTS / (time.perf_counter() - started)


@asynccontextmanager
async def _raw(database_url: str) -> AsyncIterator[Measured]:
    """The limit: ready-made rows by `unnest`, in batches of as many, into the identical table."""
    async with await AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(TABLE)
        cursor = await connection.execute(
            "SELECT * FROM log.event WHERE subject_id IS NOT NULL LIMIT %s", (REQUESTERS,)
        )
        names = [column.name for column in cursor.description or ()]
        rows = [dict(zip(names, row, strict=True)) for row in await cursor.fetchall()]
        place = iter(range(1, 10**9))
        yield partial(_insert, connection, rows, place)


async def _insert(connection: AsyncConnection[Any], rows: list[Row], place: Iterator[int]) -> float:
    batches = [_arrays(rows, place) for _ in range(EVENTS // REQUESTERS)]
    started = time.perf_counter()
    for batch in batches:
        await connection.execute(INSERT, batch)
    return EVENTS / (time.perf_counter() - started)


def _arrays(rows: list[Row], place: Iterator[int]) -> list[list[Any]]:
    kept = ("recorded_at", "subject_id", "actor_id", "key_id", "topic", "state", "meta")
    return [
        [uuid4() for _ in rows],
        [1 for _ in rows],
        [next(place) for _ in rows],
        *([row[name] for row in rows] for name in kept),
        [os.urandom(32) for _ in rows],
        [row["leaf_hash"] for row in rows],
    ]


@contextmanager
def _library(database_url: str) -> Iterator[Measured]:
    """The peer: the library's own recorder on its own table, one event at a time from so many threads."""
    names = conninfo_to_dict(database_url)
    datastore = PostgresDatastore(
        dbname=str(names["dbname"]),
        host=str(names["host"]),
        port=str(names.get("port", "5432")),
        user=str(names["user"]),
        password="",
        pool_size=THREADS,
        max_overflow=0,
        schema="bench",
    )
    recorder = PostgresApplicationRecorder(datastore, events_table_name="library_events")
    recorder.create_table()
    with ThreadPoolExecutor(THREADS) as threads:
        yield partial(_save, recorder, threads)
    datastore.close()


async def _save(recorder: PostgresApplicationRecorder, threads: ThreadPoolExecutor) -> float:
    events = [StoredEvent(uuid4(), 0, "diagnosis.recorded", os.urandom(320)) for _ in range(LIBRARY_EVENTS)]
    loop = asyncio.get_running_loop()
    started = time.perf_counter()
    await asyncio.gather(
        *(loop.run_in_executor(threads, recorder.insert_events, [event]) for event in events)
    )
    return LIBRARY_EVENTS / (time.perf_counter() - started)
