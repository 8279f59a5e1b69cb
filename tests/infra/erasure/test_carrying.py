"""An erasure is carried to its end whoever began it, beside whoever else is at work."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from uuid import UUID

import msgspec
import psycopg
import pytest
from psycopg import sql

from domain.errors import NotFound
from infra.erasure.carrying import Unfinished, carry, certificate_of
from infra.errors import CommandFailed
from infra.projector.store import ModelStore
from infra.projector.strangers import BEING_BUILT, COPIED, OWNER
from infra.running import projecting
from infra.services import Services, as_app, opened
from infra.working import work
from projections.model import ReadModel
from projections.registry import models
from tests.infra.erasure.marks import MARK, key_of, places_of
from tests.infra.house import House
from tests.infra.tales import Teller

MODELS = {model.name: model for model in models("Asia/Tehran")}
TIMELINE = MODELS["patient_timeline"]
SECONDS = 60


async def told(services: Services) -> tuple[Teller, UUID]:
    """Some people, and one whose every word is the marker."""
    teller = await Teller(services, 1).tell(14)
    teller._word = lambda: MARK  # type: ignore[method-assign]  # every word is the marker
    await teller._begin()
    del teller._word
    return teller, teller.patients[-1]


async def certified(services: Services, patient: UUID) -> bool:
    try:
        await certificate_of(services, patient)
    except Unfinished:
        return False
    return True


def files(house: House) -> dict[str, object]:
    """In which file each table and index of the read models stands."""
    found = house.rows(
        """
        SELECT n.nspname || '.' || c.relname, c.relfilenode
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspowner = %s::regrole AND c.relfilenode <> 0
        """,
        OWNER,
    )
    return {str(name): file for name, file in found}


async def test_the_worker_ends_what_was_begun_elsewhere(house: House) -> None:
    async with house.opened() as services:
        teller, patient = await told(services)
        await house.catch_up()
        await teller.erase(patient)
        assert not await certified(services, patient)
        stop = asyncio.Event()
        async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as together:
            together.create_task(work(services, as_app(house.servers.database_url), stop))
            while not await certified(services, patient):  # noqa: ASYNC110  the worker is at it
                await asyncio.sleep(0)
            stop.set()
        certificate, _ = await certificate_of(services, patient)
        assert certificate.patients == (patient,)
        assert certificate.rows > 5
    assert places_of(house, MARK) == []


async def test_whoever_lives_has_no_certificate(house: House) -> None:
    async with house.opened() as services:
        teller, patient = await told(services)
        await teller.erase(teller.patients[0])
        for somebody in (patient, UUID(int=7)):
            try:
                await certificate_of(services, somebody)
            except NotFound:
                continue
            raise AssertionError(somebody)


async def test_two_at_once_end_in_one_certificate(house: House) -> None:
    async with house.opened() as services:
        teller, patient = await told(services)
        await house.catch_up()
        await teller.erase(patient)
        async with asyncio.timeout(SECONDS):
            await asyncio.gather(*(carry(services) for _ in range(3)), carry(services, wait=False))
        assert await certified(services, patient)
    assert house.one("SELECT count(*) FROM app.erasure_certificate") == 1
    assert await house.wrong() == []


async def test_every_page_that_held_them_is_another_one(house: House) -> None:
    async with house.opened() as services:
        teller, patient = await told(services)
        await house.catch_up()
        before = files(house)
        await teller.erase(patient)
        await carry(services)
    after = files(house)
    assert before.keys() == after.keys()
    same = {name for name, file in before.items() if after[name] == file}
    held_none = {MODELS[name].schema for name in ("patient_groups", "predictions", "accounts")}
    assert {name.split(".")[0] for name in same} == held_none
    assert await house.wrong() == []


async def test_what_they_said_is_in_no_statistics(house: House) -> None:
    async with house.opened() as services:
        await told(services)
    await house.catch_up()
    with house.owner() as owner:
        owner.execute("ANALYZE")
        samples = owner.execute(
            "SELECT tablename, attname FROM pg_stats WHERE schemaname LIKE 'p%%' AND (most_common_vals::text"
            " LIKE %(mark)s OR histogram_bounds::text LIKE %(mark)s)",
            {"mark": f"%{MARK}%"},
        ).fetchall()
        sampled = owner.execute("SELECT attname FROM pg_stats WHERE tablename = 'item'").fetchall()
    assert samples == []
    assert {"subject_id", "occurred_at"} <= {name for (name,) in sampled}


@asynccontextmanager
async def reading(house: House) -> AsyncIterator[list[int]]:
    """Reads as the API does, without a pause; how many rows there were each time."""
    counts: list[int] = []
    done = asyncio.Event()
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(TIMELINE.schema, "item"))

    async def read() -> None:
        url = as_app(house.servers.database_url)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
            while not done.is_set():
                row = await (await connection.execute(query)).fetchone()
                assert row is not None
                counts.append(row[0])

    async with asyncio.TaskGroup() as readers:
        for _ in range(2):
            readers.create_task(read())
        yield counts
        done.set()


async def test_readers_and_the_projector_go_on_while_pages_are_rewritten(house: House) -> None:
    async with house.opened() as services, house.projecting() as projector:
        teller, patient = await told(services)
        await projector.catch_up()
        ended = asyncio.Event()

        async def go_on() -> None:
            while not ended.is_set():
                await teller.tell(2)
                await projector.catch_up()
                await projector.beat(projector._connection)

        async with reading(house) as counts, asyncio.timeout(SECONDS), asyncio.TaskGroup() as together:
            together.create_task(go_on())
            for one in (patient, teller.patients[0]):
                await teller.erase(one)
                await carry(services)
                assert await certified(services, one)
            ended.set()
        assert len(counts) > 10
        assert min(counts) > 5, "never an empty table"
        await projector.catch_up()
    assert await house.wrong() == []


async def test_every_version_of_every_model_is_purged_and_what_was_left_half_built_is_dropped(
    house: House,
) -> None:
    older = replace(TIMELINE, parameters=("of the release before",))
    async with house.opened() as services:
        teller, patient = await told(services)
        await house.catch_up()
        async with projecting(house.settings, house.servers) as (_, connection):
            for store in leftovers(older):
                await store.create(connection)
                query = "INSERT INTO {}.item SELECT * FROM {}.item"
                names = (sql.Identifier(store.schema), sql.Identifier(TIMELINE.schema))
                await connection.execute(sql.SQL(query).format(*names))
        places = places_of(house, MARK)
        assert len([place for place in places if place.endswith(".item")]) == 4
        before = files(house)
        await teller.erase(patient)
        await carry(services)
    assert places_of(house, MARK) == []
    left = files(house)
    assert left[f"{older.schema}.item"] != before[f"{older.schema}.item"]
    assert [name for name in left if name.endswith(f"{BEING_BUILT}.item")] == []
    assert house.one("SELECT count(*) FROM app.erasure_purge WHERE schema = %s", older.schema) == 1
    assert await house.wrong() == []


def leftovers(older: ReadModel) -> list[ModelStore]:
    """Tables of another release, and of a rebuild and a rewriting that were cut short."""
    half = [ModelStore(TIMELINE, TIMELINE.schema + suffix) for suffix in (BEING_BUILT, COPIED)]
    return [ModelStore(older), *half]


async def test_a_projector_that_stands_still_is_not_waited_for(house: House) -> None:
    async with house.opened() as services:
        teller, patient = await told(services)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "infra.cli", "project"),
            env={**os.environ, **house.environment},
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            head = (await services.reader.head()).position
            async with asyncio.timeout(SECONDS):
                while (await services.progress.checkpoint(TIMELINE) or 0) < head:  # noqa: ASYNC110  it projects
                    await asyncio.sleep(0.01)
                process.send_signal(signal.SIGSTOP)
                await teller.erase(patient)
                await carry(services)
            assert places_of(house, MARK) == []
            assert await certified(services, patient)
        finally:
            process.kill()
            await process.wait()
    assert await house.wrong() == []


async def test_a_login_that_may_not_purge_is_told_who_may(house: House) -> None:
    """The keys are gone all the same, and the worker ends it."""
    database, _, address = house.servers.database_url.partition("@")[2].partition("?")
    with house.owner() as owner:
        owner.execute("DROP ROLE IF EXISTS only_app")
        owner.execute("CREATE ROLE only_app LOGIN IN ROLE tarikh_app")
    restricted = msgspec.structs.replace(
        house.servers, database_url=f"postgresql://only_app@{database}?{address}"
    )
    async with house.opened() as services, opened(house.settings, restricted) as api:
        _, patient = await told(services)
        await house.catch_up()
        await Teller(api, 3).erase(patient)
        with pytest.raises(CommandFailed, match="tarikh_projector"):
            await carry(api)
        assert key_of(house, patient) is None
        await carry(services)
        assert await certified(api, patient)
    with house.owner() as owner:
        owner.execute("DROP ROLE only_app")
