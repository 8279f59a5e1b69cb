"""The next batch of the log, read and opened while the one before is being written."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import TypeVar

from domain.event import Event
from domain.recorded import Recorded
from infra.event_log.reader import Reader

EVENTS_AT_ONCE = 500
"""Read and opened in one go: in between, whoever writes gets a turn."""

T = TypeVar("T")
Events = list[Recorded[Event]]


class Ahead:
    """Reads the log in batches; after a full one it begins with the next before it is asked to."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._begun: tuple[int, asyncio.Task[Events]] | None = None

    async def after(self, position: int, limit: int) -> Events:
        """What the reader gives; nothing only where there is nothing now. Raises Unreadable."""
        events: Events = []
        if self._begun is not None and self._begun[0] == position:
            task, self._begun = self._begun[1], None
            events = (await task)[:limit]
        if not events:
            events = await self._reader.after(position, limit)
        await self.forget()
        if len(events) == limit:
            last = events[-1].position
            self._begun = last, asyncio.create_task(self._read(last, limit))
        return events

    async def forget(self) -> None:
        """Let go of what was read and not asked for."""
        if self._begun is not None:
            task, self._begun = self._begun[1], None
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    async def _read(self, position: int, limit: int) -> Events:
        found: Events = []
        while len(found) < limit:
            part = await self._reader.after(position, min(EVENTS_AT_ONCE, limit - len(found)))
            if not part:
                break
            found += part
            position = part[-1].position
        return found


async def one_ahead(parts: AsyncIterator[T]) -> AsyncIterator[T]:
    """The same parts; each is begun while whoever asks is at work on the one before."""

    async def following() -> T | None:
        return await anext(parts, None)

    begun = asyncio.create_task(following())
    try:
        while (part := await begun) is not None:
            begun = asyncio.create_task(following())
            yield part
    finally:
        begun.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await begun
