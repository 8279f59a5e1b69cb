"""What deciding reads: the log, or whatever else tells events as the log does."""

from collections.abc import Collection, Sequence
from typing import Protocol
from uuid import UUID

from domain.event import Event
from domain.recorded import Recorded
from infra.commands.decided import Stream


class Events(Protocol):
    """What there is to know; events are told in the order of recording."""

    async def stream(self, stream_id: UUID) -> Stream: ...

    async def by_subject(
        self, subjects: Collection[UUID], *, until: int | None = None, tags: Sequence[str] | None = None
    ) -> list[Recorded[Event]]: ...

    async def by_tags(self, tags: Sequence[str]) -> list[Recorded[Event]]: ...

    async def at(self, positions: Collection[int]) -> list[Recorded[Event]]: ...
