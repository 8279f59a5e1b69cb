"""`growth_append`, `growth_read`, `growth_as_of`: what things cost in a log of 5 M events, over one of 50 k.

Both logs hold the same real patients, sealed and projected, in small steps at both ends of their log, with
other people's rows between each two steps and millions in the middle.
"""

import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg import sql

from infra.embedded import Servers
from infra.ids import new_id
from infra.past import Moment
from infra.projector.projector import Projector
from infra.running import projecting
from infra.services import Services, opened
from infra.settings import Settings
from projections import timeline_page
from projections.queries import Tables
from projections.timeline_words import Words
from tests.bench import append, samples
from tests.bench.harness import Figure, another, house, ratio

SMALL, LARGE = 50_000, 5_000_000
PATIENTS = 40
STEPS = 12
BETWEEN = 500
"""Rows of others between two steps."""
TIMES = 4
ITEM = ("patient_timeline", "item")
Connection = psycopg.Connection[tuple[Any, ...]]

EVENTS_OF_OTHERS = """
    INSERT INTO log.event (shard, schema, originator_id, originator_version, notification_id, recorded_at,
        subject_id, actor_id, key_id, topic, state, meta, request_id, leaf_hash)
    SELECT 0, 1, stream, 1, n, now(), subject, subject, subject, 'note.taken', state, state, hash, hash
    FROM (
        SELECT n, gen_random_uuid() AS stream, md5((n / 50)::text)::uuid AS subject,
               decode(repeat(md5(n::text), 6), 'hex') AS state, sha256(int8send(n)) AS hash
        FROM generate_series(%s::bigint, %s) AS n
        OFFSET 0
    ) AS t
    """
HEAD = "UPDATE log.head SET position = %s, recorded_at = now()"


class Grown(msgspec.Struct, frozen=True):
    """A log that is as large as it is to be, and what is asked of it."""

    services: Services
    diagnoses: dict[UUID, UUID]
    """By patient; each is a stream of its own."""
    middle: int
    """A position between the two ends."""
    requesters: list[UUID]


async def figures() -> AsyncIterator[Figure]:
    """All three, in one server."""
    async with AsyncExitStack() as stack:
        settings, servers = stack.enter_context(house())
        large = msgspec.structs.replace(servers, database_url=another(servers, "large"))
        little = await stack.enter_async_context(_grown(settings, servers, SMALL))
        big = await stack.enter_async_context(_grown(settings, large, LARGE))
        said = {"events": [LARGE, SMALL], "patients": PATIENTS, "of_each": 2 * STEPS + 1}
        for name, measured, goal in (
            ("growth_read", _read, "<= 1.3"),
            ("growth_as_of", _as_of, "<= 1.3"),
            ("growth_append", _append, "<= 2"),
        ):
            yield await ratio(name, partial(measured, big), partial(measured, little), goal, **said)


@asynccontextmanager
async def _grown(settings: Settings, servers: Servers, size: int) -> AsyncIterator[Grown]:
    async with opened(settings, servers) as services, projecting(settings, servers) as (projector, _):
        assert await projector.take_over()
        with psycopg.connect(servers.database_url, autocommit=True) as owner:
            diagnoses = {new_id(): new_id() for _ in range(PATIENTS)}
            await _steps(services, projector, owner, diagnoses, range(1, STEPS + 1))
            middle = _others(owner, size - STEPS * (PATIENTS + BETWEEN), many=True)
            _items_of_others(owner, services, size)
            await _steps(services, projector, owner, diagnoses, range(STEPS + 1, 2 * STEPS + 1))
            owner.execute("VACUUM ANALYZE")
        await projector.give_back()
        requesters = [new_id() for _ in range(append.REQUESTERS)]
        await append.appended(services.writer, requesters)
        yield Grown(services, diagnoses, middle, requesters)


async def _steps(
    services: Services, projector: Projector, owner: Connection, diagnoses: dict[UUID, UUID], days: range
) -> None:
    """A day of every patient, projected, then something of others, and so on."""
    for day in days:
        before = (await services.reader.head()).position
        for patient_id, diagnosis_id in diagnoses.items():
            for request in samples.day(patient_id, diagnosis_id, day):
                await services.writer.append(request)
        owner.execute(
            "UPDATE app.checkpoint SET position = %s", (before,)
        )  # what others' rows say is no event
        await projector.catch_up()
        head = (await services.reader.head()).position
        _others(owner, head + BETWEEN)


def _others(owner: Connection, size: int, *, many: bool = False) -> int:
    """Events of others until there are so many; the position in their middle."""
    head = int(str(_one(owner, "SELECT position FROM log.head")))
    with _unindexed(owner, "log", "event") if many else _as_it_is():
        owner.execute(EVENTS_OF_OTHERS, (head + 1, size))
    owner.execute(HEAD, (size,))
    return (head + size) // 2


def _items_of_others(owner: Connection, services: Services, count: int) -> None:
    """As many items of others on the timeline, each like one of those that are there."""
    schema, table = services.models[ITEM[0]].schema, ITEM[1]
    rows = owner.execute(
        """
        SELECT column_name FROM information_schema.columns
        WHERE table_schema = %s AND table_name = %s AND column_name <> 'subject_id'
        """,
        (schema, table),
    )
    names = sql.SQL(", ").join(sql.Identifier(str(name)) for (name,) in rows)
    real = int(str(_one(owner, f'SELECT count(*) FROM "{schema}"."{table}"')))
    with _unindexed(owner, schema, table):
        owner.execute(
            sql.SQL(
                """
                INSERT INTO {table} (subject_id, {names})
                SELECT md5(n::text || subject_id)::uuid, {names}
                FROM {table}, generate_series(1, %s) AS n
                """
            ).format(table=sql.Identifier(schema, table), names=names),
            (count // real,),
        )


@contextmanager
def _unindexed(owner: Connection, schema: str, table: str) -> Iterator[None]:
    """Indexes are made when the rows are there, in a tenth of the time; they are the same as before."""
    name = f'"{schema}"."{table}"'
    keys = owner.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE conrelid = %s::regclass AND contype IN ('p', 'u')",
        (name,),
    ).fetchall()
    others = owner.execute(
        "SELECT indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = %s AND tablename = %s AND NOT indexname = ANY(%s)",
        (schema, table, [key for key, _ in keys]),
    ).fetchall()
    for key, _ in keys:
        owner.execute(f'ALTER TABLE {name} DROP CONSTRAINT "{key}"'.encode())
    for index, _ in others:
        owner.execute(f'DROP INDEX "{schema}"."{index}"'.encode())
    yield
    owner.execute("SET maintenance_work_mem = '256MB'")
    for key, definition in keys:
        owner.execute(f'ALTER TABLE {name} ADD CONSTRAINT "{key}" {definition}'.encode())
    for _, definition in others:
        owner.execute(str(definition).encode())


@contextmanager
def _as_it_is() -> Iterator[None]:
    yield


def _one(owner: Connection, query: str) -> object:
    row = owner.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


async def _append(grown: Grown) -> float:
    """Seconds an event, of 256 requesters."""
    return 1 / await append.appended(grown.services.writer, grown.requesters)


async def _read(grown: Grown) -> float:
    """Seconds for a stream and the first page of a timeline."""
    found = grown.services
    model, groups = found.models[ITEM[0]], found.models["patient_groups"]
    words, asked = Words("fa"), timeline_page.Asked(limit=50)

    async def one(patient_id: UUID, diagnosis_id: UUID) -> None:
        assert len(await found.reader.stream(diagnosis_id)) == 2 * STEPS
        present = (await found.progress.present(model, groups, patient_id)).present
        async with found.pool.connection() as connection:
            tables = Tables(connection, model.schema, 0, present.group)
            page = await timeline_page.page(tables, asked, words, present.position)
        assert len(page.items) == 2 * STEPS + 1

    return await _each(grown, one)


async def _as_of(grown: Grown) -> float:
    """Seconds for a patient's timeline as it was known in the middle, of days until then."""
    found = grown.services
    model, words = found.models[ITEM[0]], Words("fa")
    asked, moment = timeline_page.Asked(limit=50), Moment(grown.middle, samples.day_of(STEPS))

    async def one(patient_id: UUID, _: UUID) -> None:
        group = await found.past.group(patient_id, moment)
        rows = await found.past.rows(model, group, moment)
        folded = tuple(zip(group, rows, strict=True))
        page = timeline_page.page_of(folded, asked, words, 0, grown.middle)
        assert len(page.items) == STEPS + 1

    return await _each(grown, one)


async def _each(grown: Grown, one: Callable[[UUID, UUID], Awaitable[None]]) -> float:
    """The median of all: whoever else works on this machine does so for one or the other log."""
    seconds = []
    for _ in range(TIMES):
        for patient_id, diagnosis_id in grown.diagnoses.items():
            started = time.perf_counter()
            await one(patient_id, diagnosis_id)
            seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)
