"""What deciding came to, before it is appended."""

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any
from uuid import UUID

import msgspec

from domain.event import Event
from domain.recorded import Recorded
from infra.event_log.append import Claim, Guard


class Stream(msgspec.Struct, frozen=True):
    """A stream as it was read, and the version that an append must find; without events there is none.

    It is `closed` where some of it is an erased patient's: of that nothing is told, but the erasure.
    """

    stream_id: UUID
    events: tuple[Event, ...] = ()
    version: int = 0
    position: int = 0
    subject_id: UUID | None = None
    closed: bool = False

    @property
    def guard(self) -> Guard:
        """That the stream has not moved since."""
        return Guard(self.stream_id, self.version)

    def state(self, initial: Any, evolve: Callable[[Any, Any], Any]) -> Any:  # noqa: ANN401  each aggregate has its own state
        """Fold it."""
        return reduce(evolve, self.events, initial)


def as_stream(stream_id: UUID, recorded: Sequence[Recorded[Event]]) -> Stream:
    """A stream as the log tells it, all of it."""
    if not recorded:
        return Stream(stream_id)
    events = tuple(one.event for one in recorded if one.event is not None)
    last = recorded[-1]
    closed = len(events) < len(recorded)
    return Stream(stream_id, events, last.version, last.position, last.subject_id, closed)


class StreamEvents(msgspec.Struct, frozen=True):
    """New events for one stream."""

    stream: Stream
    subject_id: UUID | None
    events: Sequence[Event]


class Decided(msgspec.Struct, frozen=True, kw_only=True):
    """New events for streams, the last of them the command's own; guards and claims that must hold."""

    parts: tuple[StreamEvents, ...]
    guards: tuple[Guard, ...] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def own(self) -> StreamEvents:
        """The part that the answer is about."""
        return self.parts[-1]
