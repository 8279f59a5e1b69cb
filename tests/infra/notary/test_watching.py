"""Beside a running log the notary signs when it is quiet, each minute when it never is, and no more."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import pytest
import structlog

from infra.notary.signing import Refused
from infra.notary.watching import SECONDS_UNSIGNED, Schedule, watch
from tests.infra.notary.logs import Log

SECONDS = 30


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@contextlib.asynccontextmanager
async def scheduled(log: Log) -> AsyncIterator[tuple[Schedule, Clock]]:
    clock = Clock()
    async with log.notary() as notary:
        yield Schedule(notary, clock), clock


def sizes(log: Log) -> list[int]:
    with log.owner() as connection:
        rows = connection.execute("SELECT size FROM log.tree_head ORDER BY size").fetchall()
    return [size for (size,) in rows]


async def test_a_quiet_log_is_signed_at_the_second_look_and_once(log: Log) -> None:
    async with scheduled(log) as (schedule, _):
        log.fill(300)
        await schedule.look()
        assert sizes(log) == []
        for _ in range(3):
            await schedule.look()
        assert sizes(log) == [300]


async def test_a_busy_log_grows_its_tree_and_is_signed_every_minute(log: Log) -> None:
    async with scheduled(log) as (schedule, clock):
        for size in (300, 600, 900):
            log.fill(size)
            await schedule.look()
            clock.now += SECONDS_UNSIGNED / 3
        assert sizes(log) == []
        with log.owner() as connection:
            assert connection.execute("SELECT count(*) FROM log.tree").fetchall() == [(3,)]
        log.fill(1_000)
        await schedule.look()
        assert sizes(log) == [1_000]
        log.fill(1_001)
        await schedule.look()
        assert sizes(log) == [1_000]


async def test_a_refusal_is_said_once_until_the_log_moves_on(log: Log) -> None:
    await log.sign(300)
    log.fill(310)
    log.alter("UPDATE log.event SET leaf_hash = sha256(leaf_hash) WHERE notification_id = 290")
    async with scheduled(log) as (schedule, _):
        await schedule.look()
        with pytest.raises(Refused):
            await schedule.look()
        await schedule.look()
        log.fill(320)
        await schedule.look()
        with pytest.raises(Refused):
            await schedule.look()


async def test_the_notary_goes_on_through_refusals_and_shouts(log: Log) -> None:
    await log.sign(300)
    log.alter("UPDATE log.event SET leaf_hash = sha256(leaf_hash) WHERE notification_id = 290")
    log.fill(310)
    with structlog.testing.capture_logs() as said:
        async with log.notary() as notary:
            task = asyncio.create_task(watch(notary, seconds=0.01))
            await until(lambda: bool(said))
            log.alter("TRUNCATE log.event, log.tree, log.tree_head", "UPDATE log.head SET position = 0")
            await until(lambda: bool(sizes(log)))
            task.cancel()
            await asyncio.wait({task})
    assert said[0]["event"] == "notary.refused"
    assert "checkpoint of size 300" in said[0]["reason"]


async def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
