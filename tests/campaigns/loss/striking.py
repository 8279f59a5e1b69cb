"""Carrying out the plan: blow after blow, each when enough was acknowledged since the one before."""

import asyncio
import contextlib
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence

import psutil

from tests.campaigns.loss.checking import Find
from tests.campaigns.loss.faults import Fault
from tests.campaigns.loss.house import House, until

CROWD = {"ours": 0, "unlocked": 200, "library": 1_200}
"""So much more is asked for between two blows: losses of the library's log need a crowd."""

Watch = Callable[[int, int, float], None]
"""Told how many kills and blows are done, in how many seconds."""


class Striking:
    """Who was hit so far, how, and what did not recover."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.struck: Counter[str] = Counter()
        self.kills = 0
        self.finds: list[Find] = []

    async def strike(self, faults: Sequence[Fault], watch: Watch) -> None:
        """All of them; an end to it where nothing goes on any more."""
        started = time.monotonic()
        for fault in faults:
            before = self.house.acknowledged("writer"), self.house.acknowledged("phone")
            if not await self._blow(fault):
                self.finds.append(Find("recovery", f"nobody is there for {fault}"))
                return
            self.struck[f"{fault.how} {fault.victim}"] += 1
            self.kills += fault.how == "kill"
            if not await self._goes_on(fault, before):
                self.finds.append(Find("recovery", f"nothing goes on after {fault}"))
                return
            watch(self.kills, fault.number, time.monotonic() - started)

    async def _goes_on(self, fault: Fault, before: tuple[int, int]) -> bool:
        house = self.house
        by_writers = before[0] + fault.by_writers + CROWD[house.kind]
        by_phones = before[1] + (fault.by_phones if house.phones else 0)
        return await until(
            lambda: house.acknowledged("writer") >= by_writers and house.acknowledged("phone") >= by_phones
        )

    async def _blow(self, fault: Fault) -> bool:
        """Whether there was anybody to hit; where all are just being born, wait."""
        if fault.victim in {"postgres", "postgres at once"}:
            self.house.power.off(at_once=fault.victim == "postgres at once")
            self.house.power.on()
            return True
        found: list[psutil.Process] = []

        def there() -> bool:
            found[:] = self.house.candidates(fault.victim)
            return bool(found)

        if not await until(there):
            return False
        victim = found[int(fault.which * len(found))]
        with contextlib.suppress(psutil.NoSuchProcess):
            if fault.how == "kill":
                victim.send_signal(signal.SIGKILL)
            else:
                await self._stop(victim, fault.seconds)
        return True

    async def _stop(self, victim: psutil.Process, seconds: float) -> None:
        """Let it stand still for so long, and go on."""
        self.house.still.add(victim.pid)
        victim.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            self.house.still.discard(victim.pid)
            victim.send_signal(signal.SIGCONT)
