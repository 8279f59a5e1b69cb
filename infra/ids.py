"""Ids: uuid7 whose last 16 bits carry the shard, so that a stream can be found by its id."""

import os
import time
from uuid import UUID

SHARD_BITS = 16
NOISE_BYTES = 10


def new_id(shard: int = 0) -> UUID:
    """A fresh uuid7 (RFC 9562) of this shard. Neighbours in random space stay free for `Facts.minted`."""
    return uuid7(time.time_ns() // 1_000_000, os.urandom(NOISE_BYTES), shard)


def uuid7(milliseconds: int, noise: bytes, shard: int = 0) -> UUID:
    """The uuid7 of this time and these ten bytes of chance, of which it keeps sixty bits."""
    head, tail = int.from_bytes(noise[:8], "big"), int.from_bytes(noise[8:], "big")
    high = milliseconds << 16 | 0x7000 | head >> 52
    low = 1 << 63 | (head & 0x0000_3FFF_FFFF_0000) << 14 & 0x3FFF_FFFF_0000_0000
    low |= tail << 30 & 0x0000_3FFF_C000_0000
    return UUID(int=high << 64 | low | shard)


def shard_of(stream_id: UUID) -> int:
    """The shard that a stream was born into."""
    return stream_id.int & (1 << SHARD_BITS) - 1
