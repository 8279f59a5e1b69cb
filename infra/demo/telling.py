"""Tells one story, step by step, each of them decided as the API decides, on what was said before."""

import hashlib
from datetime import datetime, timedelta
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.event import Actor, Command, Locale, Origin
from infra.commands import RequestKey, Wish
from infra.commands.decided import Decided
from infra.commands.deciding import Deciding
from infra.commands.road import appending
from infra.demo.memory import Memory
from infra.demo.people import LOADER
from infra.event_log.append import Append, request_id
from infra.ids import NOISE_BYTES, uuid7

PRACTICE_OPENS = timedelta(hours=9)
MINUTES_OPEN = 8 * 60
MOST_MINUTES_BETWEEN_STEPS = 7


class Telling:
    """One story. It begins so many days before today; `on` says which of its days it is.

    Raises what deciding raises: a story that is not lawful cannot be told.
    """

    def __init__(
        self, name: str, today: datetime, days_ago: int, locale: Locale, practitioner: Actor
    ) -> None:
        self.name = name
        self.locale = locale
        self.practitioner = practitioner
        self.requests: list[Append] = []
        self.named: dict[str, UUID] = {}
        """What the reader of the demo is shown by name."""
        self._begins = today - timedelta(days=days_ago)
        self._today = today
        self._now = self._begins
        self._chances = 0
        self.memory = Memory()
        self._deciding = Deciding(self.memory, self.fresh_id)

    def on(self, day: int) -> None:
        """Go to a day of the story; the hour is that of a practice, another one each time."""
        opens = self._begins + timedelta(days=day) + PRACTICE_OPENS
        self._now = max(opens + timedelta(minutes=self._chance(MINUTES_OPEN)), self._now)

    def ago(self, days: float) -> datetime:
        """So many days before this moment of the story."""
        return self._now - timedelta(days=days)

    async def say(
        self,
        command: Command,
        target_id: UUID | None = None,
        by: Actor | None = None,
        origin: Origin | None = None,
    ) -> UUID:
        """Take one step and give the stream it is about."""
        self._now += timedelta(minutes=1 + self._chance(MOST_MINUTES_BETWEEN_STEPS))
        if self._now >= self._today:
            raise AssertionError(f"{self.name} goes on after today")
        wish = Wish(
            command=command,
            target_id=target_id,
            actor=by or self.practitioner,
            origin=origin or Origin(channel="web", method="practitioner"),
            correlation_id=self.fresh_id(),
            locale=self.locale,
            key=RequestKey("import", self._step),
            digest=hashlib.sha256(msgspec.json.encode(command)).hexdigest(),
        )
        try:
            decided = await self._deciding.decide(wish, self._now)
        except Exception as error:
            error.add_note(f"{self._step}: {command}")
            raise
        return self._taken(wish, decided)

    @property
    def _step(self) -> str:
        return f"demo/{self.name}/{len(self.requests) + 1}"

    def _taken(self, wish: Wish, decided: Decided) -> UUID:
        if not decided.own.events:
            raise AssertionError(f"{self._step} changes nothing")
        request = appending(wish, decided)
        imported = replace(wish.origin, channel="import", method="imported", source_ref=self._step)
        events = tuple(replace(new, meta=replace(new.meta, origin=imported)) for new in request.events)
        stored = replace(
            request,
            events=events,
            request_id=request_id(LOADER, "import", self._step),
            recorded_at=self._now,
        )
        self.memory.keep(stored, self._now)
        self.requests.append(stored)
        return decided.own.stream.stream_id

    def fresh_id(self, shard: int = 0) -> UUID:
        """A uuid7 of this moment of the story, the same whenever it is told on the same day."""
        milliseconds = int(self._now.timestamp() * 1000)
        return uuid7(milliseconds, self._digest()[:NOISE_BYTES], shard)

    def _chance(self, below: int) -> int:
        return int.from_bytes(self._digest()[:4], "big") % below

    def _digest(self) -> bytes:
        self._chances += 1
        return hashlib.sha256(f"{self.name} {self._chances}".encode()).digest()
