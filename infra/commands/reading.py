"""What deciding reads: the log, or whatever else tells events as the log does."""

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from domain.event import Event
from domain.recorded import Recorded


class Events(Protocol):
    """The part of the log's reader that deciding needs; each answer is in the order of recording."""

    async def stream(self, stream_id: UUID) -> list[Recorded[Event]]: ...

    async def by_subject(
        self, subjects: Collection[UUID], *, until: int | None = None, tags: Sequence[str] | None = None
    ) -> list[Recorded[Event]]: ...

    async def at(self, positions: Collection[int]) -> list[Recorded[Event]]: ...
