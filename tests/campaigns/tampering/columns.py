"""Another value for any column of an event: any byte of it, longer, shorter, absent, or no longer absent."""

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

BITS = {"shard": 32, "schema": 16, "originator_version": 64, "notification_id": 64}
MICROSECOND_BITS = 48
"""Nine years: what is further away is no time that Postgres could hold for every event."""
COLUMNS = (
    "shard",
    "schema",
    "originator_id",
    "originator_version",
    "notification_id",
    "recorded_at",
    "subject_id",
    "actor_id",
    "key_id",
    "topic",
    "state",
    "meta",
    "request_id",
    "leaf_hash",
)
ABSENT = 0.1
OPTIONAL = {"subject_id", "actor_id", "key_id", "meta", "request_id"}


def another(column: str, value: Any, chance: Random) -> Any:  # noqa: ANN401  as columns hold it
    """Something else that the column can hold."""
    if column in BITS:
        return _signed(value ^ (1 << chance.randrange(BITS[column])), BITS[column])
    if column in OPTIONAL and (value is None or chance.random() < ABSENT):
        return _filled(column, chance) if value is None else None
    match value:
        case datetime():
            moved = timedelta(microseconds=1 << chance.randrange(MICROSECOND_BITS))
            return chance.choice((value + moved, value - moved, "infinity"))
        case UUID():
            return UUID(int=value.int ^ (1 << chance.randrange(128)))
        case str():
            return _another_text(value, chance)
        case _:
            return _other_bytes(bytes(value), chance)


def _filled(column: str, chance: Random) -> UUID | bytes:
    if column in {"meta", "request_id"}:
        return chance.randbytes(chance.randint(0, 8))
    return UUID(int=chance.getrandbits(128))


def _signed(value: int, bits: int) -> int:
    """The same bits, read as Postgres does."""
    unsigned = value & ((1 << bits) - 1)
    return unsigned - (1 << bits) if unsigned >> (bits - 1) else unsigned


def _another_text(text: str, chance: Random) -> str:
    at = chance.randrange(len(text))
    other = chr(ord(text[at]) ^ (1 << chance.randrange(5)))
    return chance.choice((f"{text[:at]}{other}{text[at + 1 :]}", f"{text} ", text[:at] + text[at + 1 :]))


def _other_bytes(value: bytes, chance: Random) -> bytes:
    """One bit of any byte; now and then a byte more or less."""
    how = chance.random()
    at = chance.randrange(len(value)) if value else 0
    if how < 0.1 or not value:
        return value[:at] + chance.randbytes(1) + value[at:]
    if how < 0.2:
        return value[:at] + value[at + 1 :]
    return value[:at] + bytes([value[at] ^ (1 << chance.randrange(8))]) + value[at + 1 :]
