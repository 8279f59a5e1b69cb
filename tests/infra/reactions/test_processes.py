"""Managers as real processes: killed between any two steps, stopped and woken, they fire once."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable

from tests.infra.house import House
from tests.infra.reactions.harm import ESCALATED, HEAD, JOBS, POSITION, REVIEWS, harmed, treated
from tests.infra.tales import Teller

Process = asyncio.subprocess.Process
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
    """
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted"


@contextlib.asynccontextmanager
async def tarikh(house: House, command: str) -> AsyncIterator[Process]:
    """A command at work, which is gone when the story is over."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "infra.cli",
        command,
        env={**os.environ, **house.environment},
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def until(true: Callable[[], bool], seconds: float = 40) -> None:
    """Wait for something to become so."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110  another process makes it so
            await asyncio.sleep(0.02)


def kept_up(house: House) -> bool:
    """Every position has been looked at, and whatever followed from it is done."""
    return house.one(POSITION) == house.one(HEAD) and house.one(JOBS) == 0


def waiting(house: House) -> bool:
    return bool(house.one(WAITING))


async def test_what_a_patient_says_has_its_consequence_and_erasures_are_still_finished(house: House) -> None:
    async with house.opened() as services, tarikh(house, "project") as project, tarikh(house, "work") as work:
        teller = await treated(services)
        await harmed(teller)
        await until(lambda: house.one(REVIEWS) == 1 and kept_up(house))
        await teller.erase(teller.patients[-1])
        await until(lambda: kept_up(house))
        for process in (project, work):
            process.terminate()
            assert await process.wait() == 0
    assert house.one("SELECT count(*) FROM jobs.procrastinate_workers") == 0


async def test_killed_between_job_and_checkpoint_it_leaves_both_or_none(house: House) -> None:
    """It is held up when it writes down that there is a job, and killed there."""
    async with house.opened() as services:
        await harmed(await treated(services))
        with house.owner() as lock:
            lock.execute("BEGIN; LOCK TABLE jobs.procrastinate_events")
            async with tarikh(house, "project") as killed:
                await until(lambda: waiting(house))
                killed.kill()
                await killed.wait()
            lock.execute("COMMIT")
        await until(lambda: not waiting(house))
        assert (house.one(JOBS), house.one(POSITION)) == (0, 0)
        async with tarikh(house, "project"), tarikh(house, "work"):
            await until(lambda: house.one(REVIEWS) == 1 and kept_up(house))
    assert house.one(REVIEWS) == 1


async def test_killed_between_effect_and_end_of_the_job_it_has_one_effect(house: House) -> None:
    """The job cannot be taken off the queue when its review stands in the log already."""
    async with house.opened() as services, tarikh(house, "project"):
        await harmed(await treated(services))
        await until(lambda: house.one(JOBS) == 1)
        with house.owner() as lock:
            lock.execute("BEGIN; LOCK TABLE jobs.procrastinate_periodic_defers IN EXCLUSIVE MODE")
            async with tarikh(house, "work") as killed:
                await until(lambda: waiting(house))
                assert house.one(REVIEWS) == 1
                killed.kill()
                await killed.wait()
            lock.execute("COMMIT")
        await until(lambda: not waiting(house))
        assert house.rows("SELECT status FROM jobs.procrastinate_jobs") == [("doing",)]
        async with tarikh(house, "work"):
            await until(lambda: kept_up(house))
    assert house.one(REVIEWS) == 1


async def test_a_worker_that_stopped_is_taken_over_from_and_wakes_to_nothing(house: House) -> None:
    async with house.opened() as services, tarikh(house, "project"):
        teller = await treated(services)
        await harmed(teller)
        await until(lambda: house.one(JOBS) == 1)
        with house.owner() as lock:
            lock.execute("BEGIN; LOCK TABLE jobs.procrastinate_periodic_defers IN EXCLUSIVE MODE")
            async with tarikh(house, "work") as first:
                await until(lambda: waiting(house))
                first.send_signal(signal.SIGSTOP)
                lock.execute("COMMIT")
                await harmed(teller)
                async with tarikh(house, "work"):
                    await until(lambda: house.one(REVIEWS) == 2 and kept_up(house))
                    first.send_signal(signal.SIGCONT)
                    await harmed(teller)
                    await until(lambda: house.one(REVIEWS) == 3 and kept_up(house))
    assert (house.one(REVIEWS), house.one(ESCALATED)) == (3, 3)


async def test_the_second_takes_over_from_a_feeder_that_stopped_in_its_transaction(house: House) -> None:
    async with house.opened() as services, tarikh(house, "work"):
        teller = await treated(services)
        await harmed(teller)
        with house.owner() as lock:
            lock.execute("BEGIN; LOCK TABLE jobs.procrastinate_events")
            async with tarikh(house, "project") as first:
                await until(lambda: waiting(house))
                first.send_signal(signal.SIGSTOP)
                lock.execute("COMMIT")
                async with tarikh(house, "project"):
                    await until(lambda: house.one(REVIEWS) == 1 and kept_up(house))
                    await harmed(teller)
                    await until(lambda: house.one(REVIEWS) == 2)
                    first.send_signal(signal.SIGCONT)
                    await harmed(teller)
                    await until(lambda: house.one(REVIEWS) == 3 and kept_up(house))
    assert (house.one(REVIEWS), house.one(ESCALATED)) == (3, 3)


async def test_killed_again_and_again_under_load_each_fires_once(house: House) -> None:
    async with house.opened() as services:
        teller = await treated(services)
        for _ in range(4):
            async with tarikh(house, "project") as project, tarikh(house, "work") as work:
                before = house.one(REVIEWS)
                for _ in range(3):
                    await harmed(teller)
                await until(lambda: house.one(REVIEWS) != before)  # noqa: B023  waited for within the round
                work.kill()
                await harmed(teller)
                project.kill()
                await harmed(teller)
        async with tarikh(house, "project"), tarikh(house, "work"):
            await until(lambda: kept_up(house))
    assert house.one(ESCALATED) == 20
    assert house.one(REVIEWS) == 20


async def test_they_outlive_every_connection_that_is_cut(house: House) -> None:
    async with tarikh(house, "project"), tarikh(house, "work"):
        for number in range(1, 5):
            async with house.opened() as services:
                await harmed(await treated(services))
            await until(lambda: house.one(REVIEWS) == number and kept_up(house))  # noqa: B023  as above
            house.rows(CUT)
    assert (house.one(REVIEWS), house.one(ESCALATED)) == (4, 4)


async def test_a_rebuild_beside_them_makes_nothing_happen_again(house: House) -> None:
    async with house.opened() as services, tarikh(house, "project"), tarikh(house, "work"):
        await harmed(await treated(services))
        await until(lambda: house.one(REVIEWS) == 1 and kept_up(house))
        await Teller(services, 2).tell(6)
        await house.rebuild()
        await until(lambda: kept_up(house))
    escalated = int(str(house.one(ESCALATED)))
    assert house.one(REVIEWS) == escalated
