"""Those who want the same stream go one after another, so that nobody is outrun for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID
from weakref import WeakValueDictionary


class Turns:
    """Turns within this process, first come first served; what nobody wants any more is forgotten.

    Between processes nobody waits: there the log says who was faster, and the other decides anew.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    @property
    def wanted(self) -> set[UUID]:
        """What somebody has, or waits for."""
        return set(self._locks.keys())

    @asynccontextmanager
    async def of(self, target_id: UUID | None) -> AsyncIterator[bool]:
        """Wait for the turn, and have it: whether somebody had it before.

        What is new has no other who could want it.
        """
        if target_id is None:
            yield False
            return
        lock = self._locks.setdefault(target_id, asyncio.Lock())
        waited = lock.locked()
        async with lock:
            yield waited
