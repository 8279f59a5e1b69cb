"""A log in memory: what a story has said so far, for deciding what it says next."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from domain.catalog import tag_of
from domain.event import Event
from domain.recorded import Recorded
from infra.commands.decided import Stream, as_stream
from infra.event_log.append import Append


class Memory:
    """Tells events as the log's reader does. Its positions count the events of one story."""

    def __init__(self) -> None:
        self.recorded: list[Recorded[Event]] = []

    def keep(self, request: Append, at: datetime) -> None:
        """Take in what the log will be asked to append."""
        for new in request.events:
            self.recorded.append(
                Recorded(
                    shard=0,
                    position=len(self.recorded) + 1,
                    stream_id=new.stream_id,
                    version=new.version,
                    tag=tag_of(type(new.event)),
                    schema=1,
                    recorded_at=at,
                    subject_id=new.subject_id,
                    actor_id=new.actor_id or UUID(int=0),
                    meta=new.meta,
                    event=new.event,
                )
            )

    def read(self, stream_id: UUID) -> Stream:
        """A stream as it stands."""
        return as_stream(stream_id, [one for one in self.recorded if one.stream_id == stream_id])

    async def stream(self, stream_id: UUID) -> Stream:
        return self.read(stream_id)

    async def by_subject(
        self, subjects: Collection[UUID], *, until: int | None = None, tags: Sequence[str] | None = None
    ) -> list[Recorded[Event]]:
        return [
            one
            for one in self.recorded
            if one.subject_id in subjects
            and (until is None or one.position <= until)
            and (tags is None or one.tag in tags)
        ]

    async def by_tags(self, tags: Sequence[str]) -> list[Recorded[Event]]:
        return [one for one in self.recorded if one.tag in tags]

    async def at(self, positions: Collection[int]) -> list[Recorded[Event]]:
        return [one for one in self.recorded if one.position in positions]
