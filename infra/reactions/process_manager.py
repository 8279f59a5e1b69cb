"""What a process manager is: which events it reacts to, and a pure function from a history to commands."""

from collections.abc import Callable, Sequence
from typing import TypeAlias
from uuid import UUID

import msgspec

from domain.event import Command, Event
from domain.recorded import Recorded

History: TypeAlias = Sequence[Recorded[Event]]
"""A stream from its first event to the one that is reacted to; all of them can be read."""


class Reaction(msgspec.Struct, frozen=True):
    """A command that is to be run, and the stream that it is for."""

    command: Command
    target_id: UUID


class ProcessManager(msgspec.Struct, frozen=True, kw_only=True):
    """`name` is for ever: it is part of the key under which its commands are recorded."""

    name: str
    reacts_to: frozenset[type[Event]]
    react: Callable[[History], list[Reaction]]
