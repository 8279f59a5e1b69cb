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
    """A stream as it was read: its events, and the version that an append must find."""

    stream_id: UUID
    recorded: tuple[Recorded[Event], ...] = ()

    @property
    def version(self) -> int:
        """The last version; 0 where there is no such stream."""
        return self.recorded[-1].version if self.recorded else 0

    @property
    def guard(self) -> Guard:
        """That the stream has not moved since."""
        return Guard(self.stream_id, self.version)

    def events(self) -> list[Event]:
        """What happened; nothing of it where the patient was erased, but the erasure."""
        return [recorded.event for recorded in self.recorded if recorded.event is not None]

    def state(self, initial: Any, evolve: Callable[[Any, Any], Any]) -> Any:  # noqa: ANN401  each aggregate has its own state
        """Fold it."""
        return reduce(evolve, self.events(), initial)


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
