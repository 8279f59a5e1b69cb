"""Ids: uuid7 whose last 16 bits carry the shard, so that a stream can be found by its id."""

import os
import time
from uuid import UUID

SHARD_BITS = 16
MINTED_BITS = 14
"""Left at zero by chance: `Facts.minted` counts in them."""
CHANCE_BITS = 32
NOISE_BYTES = 6


def new_id(shard: int = 0) -> UUID:
    """A fresh uuid7 (RFC 9562) of this shard."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(NOISE_BYTES), shard)


def uuid7(milliseconds: int, noise: bytes, shard: int = 0) -> UUID:
    """The uuid7 of this time and these bytes of chance, of which it keeps the last 44 bits."""
    chance = int.from_bytes(noise, "big")
    high = milliseconds << 16 | 0x7000 | chance >> CHANCE_BITS & 0xFFF
    low = 1 << 63 | (chance & 0xFFFF_FFFF) << SHARD_BITS + MINTED_BITS | shard
    return UUID(int=high << 64 | low)


def shard_of(stream_id: UUID) -> int:
    """The shard that a stream was born into."""
    return stream_id.int & (1 << SHARD_BITS) - 1
