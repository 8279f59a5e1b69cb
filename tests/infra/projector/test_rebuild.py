"""Rebuilding: beside readers and the projector, again after a kill, one version at a time."""

import asyncio
import contextlib
import os
import signal
import sys
from dataclasses import replace

import psycopg
import pytest
from psycopg import sql

from infra.errors import CommandFailed
from infra.projector.projector import Projector
from infra.projector.rebuild import rebuild
from infra.running import projecting
from infra.services import as_app
from projections.registry import models
from tests.infra.house import House, tables
from tests.infra.tales import Teller

TIMELINE = next(model for model in models("Asia/Tehran") if model.name == "patient_timeline")


async def told(house: House, seed: int = 1, count: int = 24) -> None:
    async with house.opened() as services:
        await Teller(services, seed).tell(count)


def schemas(house: House, name: str) -> list[object]:
    """Every schema that holds some version of a model, in whatever state."""
    found = house.rows("SELECT nspname FROM pg_namespace WHERE nspname LIKE %s ORDER BY nspname", f"{name}_%")
    return [schema for (schema,) in found]


async def test_before_the_projector_came_there_is_nothing_to_rebuild(house: House) -> None:
    with pytest.raises(CommandFailed):
        await house.rebuild("patient_timeline")
    assert schemas(house, "patient_timeline") == []


async def test_nobody_sees_an_error_or_an_empty_table_while_it_is_replaced(house: House) -> None:
    await told(house)
    await house.catch_up()
    done = asyncio.Event()
    counted = 0
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(TIMELINE.schema, "item"))

    async def read() -> None:
        """As the API does: always the same statement, which the driver prepares after a few times."""
        nonlocal counted
        async with await psycopg.AsyncConnection.connect(
            as_app(house.servers.database_url), autocommit=True
        ) as reading:
            while not done.is_set():
                row = await (await reading.execute(query)).fetchone()
                assert row is not None
                assert row[0] >= 10
                counted += 1

    async def go_on(projector: Projector) -> None:
        async with house.opened() as services:
            teller = Teller(services, 2)
            while not done.is_set():
                await teller.tell(3)
                await projector.catch_up()

    async def replace_thrice() -> None:
        try:
            for _ in range(3):
                before = counted
                await house.rebuild("patient_timeline")
                while counted < before + 10:  # noqa: ASYNC110  readers read on
                    await asyncio.sleep(0)
        finally:
            done.set()

    async with house.projecting() as projector, asyncio.timeout(60), asyncio.TaskGroup() as together:
        for work in (read(), read(), go_on(projector), replace_thrice()):
            together.create_task(work)
    assert await house.wrong() == []
    assert schemas(house, "patient_timeline") == [TIMELINE.schema]


async def test_a_reader_in_the_old_tables_reads_them_to_the_end(house: House) -> None:
    await told(house)
    await house.catch_up()
    with psycopg.connect(as_app(house.servers.database_url)) as reading:
        name = sql.Identifier(TIMELINE.schema, "item")
        count = reading.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone()
        work = asyncio.create_task(house.rebuild("patient_timeline"))
        async with asyncio.timeout(20):
            while f"{TIMELINE.schema}_old" not in schemas(house, "patient_timeline"):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert reading.execute(sql.SQL("SELECT count(*) FROM {}").format(name)).fetchone() == count
        assert not work.done()
        reading.rollback()
        await work
    assert schemas(house, "patient_timeline") == [TIMELINE.schema]


async def test_two_do_not_rebuild_one_model_at_once(house: House) -> None:
    await told(house)
    await house.catch_up()
    answers = await asyncio.gather(
        *(house.rebuild("patient_timeline") for _ in range(2)), return_exceptions=True
    )
    assert sorted(type(answer).__name__ for answer in answers) == ["CommandFailed", "NoneType"]
    assert await house.wrong("patient_timeline") == []


SLOWLY = """
import asyncio, os, sys
from infra.settings import Settings
from infra.running import projecting, ready
from infra.projector.rebuild import rebuild

def told(done, total):
    print("begun", flush=True)
    sys.stdin.read()

async def main(settings, servers):
    async with projecting(settings, servers) as (projector, connection):
        await rebuild(connection, projector.reader, projector.models[0], told=told)

settings = Settings.from_environment(os.environ)
with ready(settings) as servers:
    asyncio.run(main(settings, servers))
"""


async def test_a_rebuild_that_was_killed_can_be_run_again(house: House) -> None:
    await told(house)
    await house.catch_up()
    before = tables(house, TIMELINE)
    killed = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        SLOWLY,
        env={**os.environ, **house.environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert killed.stdout is not None
    assert (await killed.stdout.readline()).strip() == b"begun"
    assert schemas(house, "patient_timeline") == [TIMELINE.schema, f"{TIMELINE.schema}_new"]
    killed.send_signal(signal.SIGKILL)
    await killed.communicate()
    assert tables(house, TIMELINE) == before
    assert await house.wrong() == []
    await rebuilt_soon(house)
    assert tables(house, TIMELINE) == before
    assert schemas(house, "patient_timeline") == [TIMELINE.schema]


async def rebuilt_soon(house: House) -> None:
    """As soon as Postgres has noticed that the one before was killed."""
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(CommandFailed):
                return await house.rebuild("patient_timeline")


NEXT = replace(TIMELINE, parameters=(*TIMELINE.parameters, "of the next release"))
"""The same model when it folds otherwise."""


async def test_another_release_has_tables_of_its_own_while_the_old_stay(house: House) -> None:
    await told(house)
    await house.catch_up()
    before = tables(house, TIMELINE)
    async with projecting(house.settings, house.servers) as (now, connection):
        later = Projector(connection, now.reader, [NEXT, *now.models[1:]])
        assert await later.take_over()
        await told(house, seed=2)
        await later.catch_up()
        await later.give_back()
        await rebuild(connection, now.reader, NEXT)
    assert tables(house, TIMELINE) == before
    assert len(tables(house, NEXT)["item"]) > len(before["item"])
    await house.catch_up()
    assert await house.wrong() == []
    assert len(schemas(house, "patient_timeline")) == 2


async def test_an_erased_patient_leaves_the_tables_of_another_release_too(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(12)
        await house.catch_up()
        erased = teller.patients[0]
        left = f'SELECT count(*) FROM "{TIMELINE.schema}".item WHERE subject_id = %s'
        assert house.one(left, erased)
        async with projecting(house.settings, house.servers) as (now, connection):
            later = Projector(connection, now.reader, [NEXT])
            assert await later.take_over()
            await teller.erase(erased)
            await later.catch_up()
            await later.give_back()
        assert house.one(left, erased) == 0
        outdated = "SELECT count(*) FROM app.checkpoint WHERE purged > position"
        assert house.one(outdated) == len(models("Asia/Tehran"))
    await house.catch_up()
    assert await house.wrong() == []
