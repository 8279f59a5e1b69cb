"""Reading ahead gives exactly what reading gives, in whatever pages, also where the log grows meanwhile."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from infra.event_log.codec import Unreadable
from infra.projector.ahead import Ahead, one_ahead
from tests.infra.house import House
from tests.infra.tales import Teller

LOSE = "DELETE FROM vault.key WHERE subject_id = %s"


@pytest.mark.parametrize("limit", [1, 7, 1_000])
async def test_every_event_comes_once_and_in_order(house: House, limit: int) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(24)
        ahead, position, seen = Ahead(services.reader), 0, []
        while events := await ahead.after(position, limit):
            assert len(events) <= limit
            seen += events
            position = events[-1].position
            if len(seen) < 60:
                await teller.tell(1)  # also while the next are being read
        assert seen == await services.reader.after(0, 10_000)
        assert [one.position for one in seen] == list(range(1, len(seen) + 1))


async def test_who_asks_for_another_place_gets_that(house: House) -> None:
    async with house.opened() as services:
        await Teller(services, 1).tell(24)
        ahead = Ahead(services.reader)
        await ahead.after(0, 5)
        assert await ahead.after(3, 5) == await services.reader.after(3, 5)
        assert await ahead.after(8, 2) == await services.reader.after(8, 2)
        await ahead.forget()
        assert await ahead.after(10, 2) == await services.reader.after(10, 2)
        await ahead.forget()


async def test_what_cannot_be_read_is_said_to_who_asks_for_it_and_to_nobody_else(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 1).tell(12)
        lost = teller.patients[-1]
        first = next(e.position for e in await services.reader.by_subject([lost]))
        async with services.vault._pool.connection() as connection:
            await connection.execute(LOSE, (lost,))
        services.vault.forget_all()
        ahead = Ahead(services.reader)
        assert len(await ahead.after(0, first - 1)) == first - 1
        with pytest.raises(Unreadable):
            await ahead.after(first - 1, first - 1)
        await ahead.after(0, first - 1)
        await ahead.forget()


async def test_each_part_is_made_while_the_one_before_is_used() -> None:
    made: list[int] = []

    async def parts() -> AsyncIterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    seen = []
    async for part in one_ahead(parts()):
        await asyncio.sleep(0)
        seen.append(part)
        assert made[-1] == min(part + 1, 4)
    assert seen == [0, 1, 2, 3, 4]
