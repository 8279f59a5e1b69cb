"""The projector as real processes: killed, stopped and woken, it applies every event exactly once."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable

from infra.projector.lease import SECONDS_UNTIL_LOST
from projections.registry import models
from tests.infra.house import House
from tests.infra.tales import Teller

TAKEN_OVER_WITHIN = 10
Process = asyncio.subprocess.Process


@contextlib.asynccontextmanager
async def project(house: House) -> AsyncIterator[Process]:
    """`tarikh project`, which is gone when the story is over."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "infra.cli",
        "project",
        env={**os.environ, **house.environment},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something to become so."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  another process makes it so
            await asyncio.sleep(0.02)


def positions(house: House) -> list[int]:
    """Where each model of this release stands."""
    return [int(str(position)) for (position,) in house.rows("SELECT position FROM app.checkpoint")]


def caught_up(house: House) -> bool:
    head = house.one("SELECT position FROM log.head")
    found = positions(house)
    return len(found) == len(models("Asia/Tehran")) and set(found) == {head}


def leader(house: House) -> int:
    """The process id of whoever holds every version; 0 where nobody does."""
    held = house.rows(
        """
        SELECT DISTINCT coalesce(split_part(l.name, ':', 2)::int, 0)
        FROM app.checkpoint AS c LEFT JOIN app.lease AS l ON l.name = c.holder
        """
    )
    return int(str(held[0][0])) if len(held) == 1 else 0


async def test_killed_in_the_middle_of_a_batch_it_applies_everything_once(house: House) -> None:
    """It is held up at the sums, when the rows of all other models are written and not yet committed."""
    statistics = models("Asia/Tehran")[-1]
    assert statistics.rollups
    async with house.opened() as services:
        await Teller(services, 1).tell(30)
        await house.catch_up()
        await Teller(services, 2).tell(30)
    before = positions(house)
    with house.owner() as lock:
        lock.execute(f'BEGIN; LOCK TABLE "{statistics.schema}".{statistics.rollups[0].name}')
        async with project(house) as killed:
            await until(lambda: bool(house.one("SELECT count(*) FROM pg_locks WHERE NOT granted")))
            killed.kill()
            await killed.wait()
        lock.execute("COMMIT")
    assert positions(house) == before
    async with project(house) as process:
        await until(lambda: caught_up(house))
        process.terminate()
        assert await process.wait() == 0
    assert await house.wrong() == []
    assert leader(house) == 0


async def test_the_second_takes_over_from_one_that_stopped_and_the_first_writes_nothing(
    house: House,
) -> None:
    async with house.opened() as services, project(house) as first:
        await Teller(services, 1).tell(6)
        await until(lambda: caught_up(house))
        assert leader(house) == first.pid
        async with project(house) as second:
            first.send_signal(signal.SIGSTOP)
            await Teller(services, 2).tell(12)
            await until(lambda: leader(house) == second.pid, TAKEN_OVER_WITHIN)
            await until(lambda: caught_up(house), TAKEN_OVER_WITHIN)
            generations = house.rows("SELECT generation FROM app.checkpoint ORDER BY model")
            first.send_signal(signal.SIGCONT)
            await Teller(services, 3).tell(12)
            await until(lambda: caught_up(house))
            await asyncio.wait({asyncio.create_task(first.wait())}, timeout=SECONDS_UNTIL_LOST / 2)
            assert first.returncode is None
            assert leader(house) == second.pid
            assert house.rows("SELECT generation FROM app.checkpoint ORDER BY model") == generations
            second.terminate()
            await second.wait()
            await until(lambda: leader(house) == first.pid)
            await Teller(services, 4).tell(6)
            await until(lambda: caught_up(house))
    assert await house.wrong() == []


async def test_stopped_in_the_middle_of_a_batch_it_does_not_hold_up_the_next(house: House) -> None:
    """The first one stops while its transaction is open; its locks must not outlive the lease for long."""
    async with house.opened() as services:
        await Teller(services, 1).tell(12)
        async with project(house) as first:
            await until(lambda: caught_up(house))
            with house.owner() as lock:
                lock.execute("BEGIN; LOCK TABLE app.checkpoint IN ACCESS EXCLUSIVE MODE")
                await Teller(services, 2).tell(6)
                first.send_signal(signal.SIGSTOP)
                lock.execute("COMMIT")
            async with project(house) as second:
                await until(lambda: leader(house) == second.pid, 2 * TAKEN_OVER_WITHIN)
                await until(lambda: caught_up(house), TAKEN_OVER_WITHIN)
                first.send_signal(signal.SIGCONT)
                await Teller(services, 3).tell(6)
                await until(lambda: caught_up(house))
    assert await house.wrong() == []
