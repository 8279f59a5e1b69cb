"""What a writer asks of the log, by chance: new streams, hot ones, guards, claims, several at once."""

from collections.abc import Awaitable, Callable
from random import Random
from uuid import UUID

import msgspec

HOT_STREAMS = 4
CONTESTED = 6

Place = tuple[UUID, int]
"""A stream and the version that is to be written, or must be there."""
Version = Callable[[UUID], Awaitable[int]]


class Claiming(msgspec.Struct, frozen=True):
    """A value that only one stream may hold."""

    value: str
    owner: UUID
    take: bool = True


class Wish(msgspec.Struct, frozen=True):
    """One request: events to store whole or not at all."""

    key: str
    events: tuple[Place, ...]
    guards: tuple[Place, ...] = ()
    claims: tuple[Claiming, ...] = ()


def hot_streams(seed: int) -> list[UUID]:
    """The streams that all writers of a campaign write to."""
    chance = Random(f"{seed} hot")  # noqa: S311  repeatable is what it must be
    return [an_id(chance) for _ in range(HOT_STREAMS)]


def an_id(chance: Random) -> UUID:
    """An id of shard 0."""
    return UUID(int=chance.getrandbits(112) << 16)


class Wishing:
    """Makes up the wishes of one writer."""

    def __init__(self, name: str, chance: Random, hot: list[UUID], begun: int, most_events: int = 2) -> None:
        self._name = name
        self._most = most_events
        self._chance = chance
        self._hot = hot
        self._number = begun
        self._held: list[Claiming] = []

    async def next(self, version: Version) -> Wish:
        """One more; `version` says how far a stream is, which may be out of date when it is sent."""
        self._number += 1
        key = f"{self._name}-{self._number:06}"
        kind = self._chance.choices(("new", "hot", "guarded", "claiming", "releasing"), (4, 4, 2, 2, 1))[0]
        match kind:
            case "hot":
                return await self._on_hot(key, version)
            case "guarded":
                guarded = self._chance.choice(self._hot)
                return Wish(key, self._fresh(), guards=((guarded, await version(guarded)),))
            case "claiming":
                events = self._fresh()
                claim = Claiming(f"contested {self._chance.randrange(CONTESTED)}", events[0][0])
                self._held.append(claim)
                return Wish(key, events, claims=(claim,))
            case "releasing" if self._held:
                held = self._held.pop()
                here = (held.owner, await version(held.owner) + 1)
                return Wish(key, (here,), claims=(Claiming(held.value, held.owner, take=False),))
            case _:
                return Wish(key, self._fresh())

    async def _on_hot(self, key: str, version: Version) -> Wish:
        """On one or two hot streams, at what was their end just now."""
        streams = self._chance.sample(self._hot, self._chance.choice((1, 1, 2)))
        return Wish(key, tuple([(stream, await version(stream) + 1) for stream in streams]))

    def _fresh(self) -> tuple[Place, ...]:
        """A few events of one or two new streams."""
        streams = [an_id(self._chance) for _ in range(self._chance.choice((1, 1, 2)))]
        return tuple(
            (stream, n) for stream in streams for n in range(1, self._chance.randint(1, self._most) + 1)
        )
