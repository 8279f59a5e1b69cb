"""What a process manager is: which events it reacts to, and a pure function from a history to commands."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeAlias
from uuid import UUID

import msgspec

from domain.event import Command, Event
from domain.recorded import Recorded

History: TypeAlias = Sequence[Recorded[Event]]
"""A stream from its first event to the one that is reacted to; all of them can be read.

Before it stands what the manager `considers` of the same person, of what was recorded until then.
"""


class Reaction(msgspec.Struct, frozen=True):
    """A command that is to be run, and the stream that it is for."""

    command: Command
    target_id: UUID


class ProcessManager(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is for ever: it is part of the key under which its commands are recorded.

    `due` says from when on there is anything to do: until then the job waits in the queue.
    """

    name: str
    reacts_to: frozenset[type[Event]]
    react: Callable[[History], list[Reaction]]
    considers: frozenset[type[Event]] = frozenset()
    due: Callable[[History], datetime] | None = None


class NotYet(Exception):
    """What follows from an event follows later."""

    def __init__(self, due: datetime) -> None:
        super().__init__()
        self.due = due
