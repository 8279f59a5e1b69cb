"""Of several projectors one works, and one that was overtaken writes nothing."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import psycopg
import pytest

from infra.projector import checkpoints
from infra.projector.lease import LeaseLost
from infra.projector.live import follow
from infra.projector.projector import Projector
from infra.running import projecting
from tests.infra.house import House, tables
from tests.infra.tales import Teller

AGE = "UPDATE app.lease SET heartbeat = heartbeat - interval '6 seconds'"


@contextlib.asynccontextmanager
async def two(house: House) -> AsyncIterator[tuple[Projector, Projector]]:
    async with (
        projecting(house.settings, house.servers) as (one, _),
        projecting(house.settings, house.servers) as (other, _),
    ):
        yield one, other


def age(house: House) -> None:
    """The one who leads has not been heard of for six seconds."""
    with house.owner() as connection:
        connection.execute(AGE)


async def test_only_one_leads_until_it_gives_back(house: House) -> None:
    async with two(house) as (one, other):
        assert await one.take_over()
        assert not await other.take_over()
        await one.give_back()
        assert await other.take_over()


async def test_a_heart_that_stopped_is_replaced_and_one_that_beats_is_not(house: House) -> None:
    async with two(house) as (one, other):
        await one.take_over()
        age(house)
        await one.beat(one._connection)
        assert not await other.take_over()
        age(house)
        assert await other.take_over()
        assert not await one.take_over()
        assert one.held == {}


async def test_who_was_overtaken_writes_nothing(house: House) -> None:
    async with house.opened() as services, two(house) as (one, other):
        await Teller(services, 1).tell(6)
        await one.take_over()
        age(house)
        assert await other.take_over()
        with pytest.raises(LeaseLost):
            await one.step()
        assert {c.position for c in await checkpoints.all_of(one._connection, 0)} == {0}
        await other.catch_up()
    assert await house.wrong() == []


async def test_who_was_overtaken_gives_back_nothing(house: House) -> None:
    async with two(house) as (one, other):
        await one.take_over()
        age(house)
        await other.take_over()
        await one.give_back()
        assert not await one.take_over()
        assert other.held.keys() == {model.name for model in other.models}


async def test_who_lost_only_the_connection_takes_up_at_once(house: House) -> None:
    async with two(house) as (one, other):
        await one.take_over()
        await one.close()
        await one.reconnect(house.servers.database_url)
        assert await one.take_over()
        assert not await other.take_over()


async def reached(house: House, position: int) -> None:
    """Until every read model stands there."""
    query = "SELECT coalesce(min(position), 0) >= %s FROM app.checkpoint"
    async with asyncio.timeout(20):
        async with await psycopg.AsyncConnection.connect(
            house.servers.database_url, autocommit=True
        ) as watching:
            while await (await watching.execute(query, (position,))).fetchone() != (True,):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def following(house: House) -> AsyncIterator[None]:
    """A projector at work, which ends in order."""
    stop = asyncio.Event()
    async with projecting(house.settings, house.servers) as (projector, _):
        work = asyncio.create_task(follow(projector, house.servers.database_url, stop))
        try:
            yield
        finally:
            stop.set()
            await work


async def test_it_follows_the_log_and_gives_back_when_told_to_stop(house: House) -> None:
    async with house.opened() as services:
        async with following(house):
            teller = await Teller(services, 1).tell(12)
            await reached(house, (await services.reader.head()).position)
        assert teller.patients
    async with house.projecting():
        assert await house.wrong() == []


async def test_it_outlives_every_connection(house: House) -> None:
    """What a restart of Postgres does to it, twice."""
    kill = """
        SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND datname = current_database()
        """
    async with following(house):
        for seed in (1, 2):
            async with house.opened() as services:
                await Teller(services, seed).tell(6)
                head = (await services.reader.head()).position
            with house.owner() as connection:
                connection.execute(kill)
            async with house.opened() as services:
                await Teller(services, seed + 10).tell(6)
                head = (await services.reader.head()).position
            await reached(house, head)
    assert await house.wrong() == []


async def test_it_goes_on_beside_a_rebuild_that_moves_a_checkpoint(house: House) -> None:
    async with house.opened() as services, house.projecting() as projector:
        await Teller(services, 1).tell(6)
        model = projector.models[0]
        await house.rebuild(model.name)
        assert await projector.step() > 0
        await projector.catch_up()
        assert tables(house, model)
    assert await house.wrong() == []


async def test_a_session_that_waits_for_one_that_stopped_is_ended(house: House) -> None:
    """It stopped while it copied: Postgres would wait for the rest for ever, with the checkpoints locked."""
    async with house.opened() as services, two(house) as (one, other):
        await one.take_over()
        connection = one._connection
        async with contextlib.AsyncExitStack() as stopped:
            await connection.execute("BEGIN; SELECT FROM app.checkpoint FOR UPDATE")
            await connection.execute("CREATE TEMPORARY TABLE half (n integer)")
            copy = await stopped.enter_async_context(connection.cursor().copy("COPY half FROM STDIN"))
            await copy.write(b"1\n")
            age(house)
            assert not await other.take_over()
            async with asyncio.timeout(5):
                while not await other.take_over():
                    pass
            with contextlib.suppress(psycopg.OperationalError):
                await stopped.aclose()
        assert other.held.keys() == {model.name for model in other.models}
        await Teller(services, 1).tell(6)
        await other.catch_up()
    assert await house.wrong() == []
