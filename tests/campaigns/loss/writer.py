"""A process that writes: it notes what it wants, asks until it knows what came of it, and notes that."""

import asyncio
import sys
from collections.abc import Iterator
from random import Random

import msgspec

from tests.campaigns.loss.duty import Duty, log_of, told
from tests.campaigns.loss.journal import (
    Journal,
    Refused,
    Stored,
    Unsure,
    Wanted,
    Wrong,
    last_number,
    unsettled,
)
from tests.campaigns.loss.logs import Appending, NotKnown, NotStored
from tests.campaigns.loss.wishes import Wish, Wishing, hot_streams

TASKS, TASKS_IN_A_HURRY = 8, 24
MOST_EVENTS, MOST_EVENTS_IN_A_HURRY = 3, 12
"""Of one stream in one request: what takes long to write is overtaken more often."""
MOST_SECONDS_OF_THOUGHT = 0.04
SECONDS_BETWEEN_TRIES = 0.05
RESENT = 0.05
"""How often one asks again although it was answered, as a phone does whose answer got lost on the way."""


class Writer:
    """Several tasks that share a journal."""

    def __init__(self, duty: Duty, log: Appending, journal: Journal, begun: int) -> None:
        self.duty = duty
        self.log = log
        self.journal = journal
        self.chance = Random(f"{duty.seed} {duty.name} {begun}")  # noqa: S311  repeatable is what it must be
        most = MOST_EVENTS_IN_A_HURRY if duty.hurried else MOST_EVENTS
        self.wishing = Wishing(duty.name, self.chance, hot_streams(duty.seed), begun, most)

    async def write(self, left: Iterator[Wish]) -> None:
        """First what was left open before, then new wishes until told to end."""
        for wish in left:
            await self.settle(wish)
        while not self.duty.over:
            if not self.duty.hurried:
                await asyncio.sleep(self.chance.uniform(0, MOST_SECONDS_OF_THOUGHT))
            try:
                wish = await self.wishing.next(self.log.version)
            except NotKnown:
                continue
            self.journal.note(Wanted(wish.key, msgspec.to_builtins(wish)))
            await self.settle(wish)

    async def settle(self, wish: Wish) -> None:
        """Send it until it is known what became of it."""
        while not self.duty.orphaned:
            try:
                positions = list(await self.log.append(wish))
            except NotStored as refused:
                self.journal.note(Refused(wish.key, str(refused)))
                return
            except NotKnown as unknown:
                self.journal.note(Unsure(wish.key, str(unknown)))
                await asyncio.sleep(SECONDS_BETWEEN_TRIES)
                continue
            self.journal.note(Stored(wish.key, positions))
            if self.chance.random() < RESENT:
                await self._ask_again(wish, positions)
            return

    async def _ask_again(self, wish: Wish, first: list[int]) -> None:
        try:
            again = list(await self.log.append(wish))
        except NotStored as refused:
            self.journal.note(Wrong(wish.key, f"stored, and then refused: {refused}"))
        except NotKnown:
            return
        else:
            if again and first and again != first:
                self.journal.note(Wrong(wish.key, f"at {first}, and then at {again}"))


async def run(duty: Duty) -> None:
    begun = last_number(duty.journal)
    left = iter([msgspec.convert(wanted.request, Wish) for wanted in unsettled(duty.journal)])
    async with log_of(duty.log, duty.folder).appending() as log:
        tasks = TASKS_IN_A_HURRY if duty.hurried else TASKS
        writer = Writer(duty, log, Journal(duty.journal), begun)
        await asyncio.gather(*(writer.write(left) for _ in range(tasks)))


if __name__ == "__main__":
    sys.exit(asyncio.run(run(told())))
