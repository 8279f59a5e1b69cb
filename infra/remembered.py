"""Answers of this process, kept until something about their patients is announced.

What an answer depends on is its key, so that none can grow old; all that moves is the patient's last change.
A projector that has applied a batch announces where it stands and of whom the batch was. What was read before
that is not kept afterwards: a reading says how far the tables were, and each patient has a floor, which only
rises. What concerns everybody begins a new era. While nobody listens, nothing is kept.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Collection, Coroutine
from typing import Any
from uuid import UUID

import msgspec

from projections.model import ReadModel

MOST_BYTES = 64_000_000
MOST_FLOORS = 100_000
BYTES_OF_AN_ENTRY = 500
"""About what it costs besides its answers."""


class Present(msgspec.Struct, frozen=True, kw_only=True):
    """How far the tables are, who is one with a patient, and their last change that is in the tables.

    `checkpoint` is None until they have caught up once; `held` where somebody of the group is held back.
    """

    checkpoint: int | None
    group: tuple[UUID, ...]
    position: int
    held: bool


class Answer(msgspec.Struct, frozen=True):
    """A whole answer and its ETag."""

    etag: str
    body: bytes


Key = tuple[str, UUID]
"""The fingerprint of a model and the patient who is asked about."""


class Remembering:
    """What is known of one patient in one model: where they stand, and answers by all they depend on."""

    __slots__ = ("_answers", "_grown", "bytes", "present")

    def __init__(self, present: Present, grown: Callable[["Remembering", int], None]) -> None:
        self.present = present
        self.bytes = BYTES_OF_AN_ENTRY
        self._grown = grown
        self._answers: dict[str, asyncio.Future[Answer]] = {}

    async def answer(self, key: str, make: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
        """The answer of this key, made once however many ask; one that fails is made again when asked for."""
        found = self._answers.get(key)
        if found is None:
            found = self._answers[key] = asyncio.create_task(make())
            found.add_done_callback(lambda made: self._made(key, made))
        return found.result() if found.done() else await asyncio.shield(found)

    def _made(self, key: str, made: "asyncio.Future[Answer]") -> None:
        if made.cancelled() or made.exception() is not None:
            self._answers.pop(key, None)
            return
        size = len(made.result().body)
        self.bytes += size
        self._grown(self, size)


class Remembered:
    """The patients who were asked about lately; those longest ago are forgotten first."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self._most = most_bytes
        self._bytes = 0
        self._entries: OrderedDict[Key, Remembering] = OrderedDict()
        self._of_member: dict[UUID, set[Key]] = {}
        self._floors: dict[UUID, int] = {}
        self._listening = False
        self.era = 0
        """To be looked at before a reading that is to be kept."""

    def of(self, model: ReadModel, patient_id: UUID) -> Remembering | None:
        """What is known of the patient, if anything is."""
        key = (model.fingerprint, patient_id)
        found = self._entries.get(key)
        if found is not None:
            self._entries.move_to_end(key)
        return found

    def keep(self, model: ReadModel, patient_id: UUID, present: Present, era: int) -> Remembering:
        """Keep how a patient stood in a reading of this era; where it is old already, for this once."""
        key = (model.fingerprint, patient_id)
        made = Remembering(present, lambda entry, size: self._has_grown(key, entry, size))
        if self._listening and era == self.era and not present.held and not self._is_old(present):
            self._drop(key)
            self._entries[key] = made
            for member in present.group:
                self._of_member.setdefault(member, set()).add(key)
            self._add(made.bytes)
        return made

    def _is_old(self, present: Present) -> bool:
        floor = max((self._floors.get(member, 0) for member in present.group), default=0)
        return present.checkpoint is None or present.checkpoint < floor

    def changed(self, position: int, patients: Collection[UUID] | None) -> None:
        """Something about these (None: about everybody) is in the tables since this position."""
        if patients is None or len(self._floors) + len(patients) > MOST_FLOORS:
            self.forget_all()
            return
        for patient in patients:
            self._floors[patient] = max(self._floors.get(patient, 0), position)
            self.forget(patient)

    def forget(self, patient_id: UUID) -> None:
        """Drop whatever tells of the patient."""
        for key in list(self._of_member.get(patient_id, ())):
            self._drop(key)

    def heard(self, *, everything: bool) -> None:
        """Whether from now on every change is heard of."""
        self.forget_all()
        self._listening = everything

    def forget_all(self) -> None:
        """Begin a new era."""
        self.era += 1
        self._entries.clear()
        self._of_member.clear()
        self._floors.clear()
        self._bytes = 0

    def _drop(self, key: Key) -> None:
        entry = self._entries.pop(key, None)
        if entry is None:
            return
        self._bytes -= entry.bytes
        for member in entry.present.group:
            keys = self._of_member[member]
            keys.discard(key)
            if not keys:
                del self._of_member[member]

    def _has_grown(self, key: Key, entry: Remembering, size: int) -> None:
        if self._entries.get(key) is entry:
            self._add(size)

    def _add(self, size: int) -> None:
        self._bytes += size
        while self._bytes > self._most and len(self._entries) > 1:
            self._drop(next(iter(self._entries)))
