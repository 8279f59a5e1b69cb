"""What can be done to an export on its way to an auditor, and where it must be found."""

import struct
from bisect import bisect_right
from collections.abc import Callable
from hashlib import sha256
from itertools import accumulate
from random import Random

from infra.notary.note import Signer
from infra.secret import Secret
from tests.campaigns.tampering.expecting import Expected, around, at, in_words
from tests.campaigns.tampering.of_database import FORGER
from tests.campaigns.tampering.signed import KEPT, SIZE
from tests.infra.notary.exports import Leaf, taken_apart
from tests.infra.notary.logs import SEED

PAGE = 256
PREFIX = 2
FIELDS = (
    "shard",
    "position",
    "stream",
    "version",
    "tag",
    "schema",
    "recorded at",
    "subject",
    "actor",
    "key",
    "state",
    "meta",
    "request",
)
"""Of a leaf, in the order of infra/event_log/LEAF.md."""
ABSENT = -1

Tampering = Callable[[bytes, Random], tuple[bytes, str, Expected]]
"""The altered file, what was done, and where it must be found."""


def any_bit(export: bytes, chance: Random) -> tuple[bytes, str, Expected]:
    """One bit of the file, wherever it is."""
    place, bit = chance.randrange(len(export)), chance.randrange(8)
    altered = bytearray(export)
    altered[place] ^= 1 << bit
    return bytes(altered), f"bit {bit} of byte {place}", _of_byte(export, place)


def field(name: str) -> Tampering:
    """Any byte of this field of an event, with a leaf hash that fits or with the old one."""
    number = FIELDS.index(name)

    def alter(export: bytes, chance: Random) -> tuple[bytes, str, Expected]:
        parts, position = taken_apart(export), chance.randint(1, SIZE)
        leaf = parts.leaves[position - 1]
        fields = _fields(leaf.encoding)
        fields[number] = _other(fields[number], chance)
        leaf.encoding = _encoded(leaf.encoding[:PREFIX], fields)
        # who stands in another's place, or of another's shard, is seen without any tree
        if chance.random() < 0.5 or name in {"shard", "position"}:
            fits = name in {"shard", "position"} and chance.random() < 0.5
            leaf.hash = sha256(leaf.encoding).digest() if fits else leaf.hash
            return parts.whole(), f"{name} of {position}", at(position)
        leaf.hash = sha256(leaf.encoding).digest()
        return parts.whole(), f"{name} of {position} with its leaf hash", around(position)

    return alter


def leaf_hash(export: bytes, chance: Random) -> tuple[bytes, str, Expected]:
    parts, position, byte = taken_apart(export), chance.randint(1, SIZE), chance.randrange(32)
    leaf = parts.leaves[position - 1]
    leaf.hash = leaf.hash[:byte] + bytes([leaf.hash[byte] ^ 1]) + leaf.hash[byte + 1 :]
    return parts.whole(), f"byte {byte} of {position}", at(position)


def swapped(export: bytes, chance: Random) -> tuple[bytes, str, Expected]:
    parts = taken_apart(export)
    one, other = sorted(chance.sample(range(1, SIZE + 1), 2))
    leaves = parts.leaves
    leaves[one - 1], leaves[other - 1] = leaves[other - 1], leaves[one - 1]
    return parts.whole(), f"{one} and {other}", at(one)


def dropped(export: bytes, chance: Random) -> tuple[bytes, str, Expected]:
    parts, position = taken_apart(export), chance.randint(1, SIZE)
    del parts.leaves[position - 1]
    return parts.whole(), f"{position}", at(position)


def duplicated(export: bytes, chance: Random) -> tuple[bytes, str, Expected]:
    """An event stands a second time, and those behind it move on."""
    parts, position, place = taken_apart(export), chance.randint(1, SIZE), chance.randint(1, SIZE)
    parts.leaves.insert(place, parts.leaves[position - 1])
    return parts.whole(), f"{position} behind {place}", at(place + 1)


def reordered(export: bytes, chance: Random) -> tuple[bytes, str, Expected]:
    parts = taken_apart(export)
    first = chance.randint(1, SIZE - 1)
    last = chance.randint(first + 1, SIZE)
    run = parts.leaves[first - 1 : last]
    parts.leaves[first - 1 : last] = [*run[1:], run[0]]
    return parts.whole(), f"{first} to {last} turned", at(first)


def truncated(export: bytes, chance: Random) -> tuple[bytes, str, Expected]:
    """Whole events are missing at the end, or the file ends somewhere."""
    if chance.random() < 0.5:
        parts, last = taken_apart(export), chance.randint(0, SIZE - 1)
        del parts.leaves[last:]
        return parts.whole(), f"behind {last}", at(last + 1)
    length = chance.randrange(len(export))
    return export[:length], f"behind byte {length}", _of_page(export, length)


def forked(export: bytes, chance: Random) -> tuple[bytes, str, Expected]:
    """History rewritten throughout and signed with the log's own key; a kept checkpoint tells."""
    whole, position = _forked(export, chance, SEED)
    return whole, f"from {position}", around(position)


def replaced_key(export: bytes, chance: Random) -> tuple[bytes, str, Expected]:
    whole, position = _forked(export, chance, FORGER)
    return whole, f"and history from {position}", in_words("no known key")


TAMPERINGS: dict[str, Tampering] = {
    "any bit": any_bit,
    **{f"field {name}": field(name) for name in FIELDS},
    "leaf hash": leaf_hash,
    "swapped": swapped,
    "dropped": dropped,
    "duplicated": duplicated,
    "reordered": reordered,
    "truncated": truncated,
    "forked after a checkpoint": forked,
    "replaced key": replaced_key,
}


def _forked(export: bytes, chance: Random, key: Secret) -> tuple[bytes, int]:
    parts, position = taken_apart(export), chance.randint(1, KEPT)
    _rewrite(parts.leaves[position - 1], chance)
    if chance.random() < 0.5:
        for leaf in parts.leaves[position:]:
            _rewrite(leaf, chance)
    name = parts.key.partition("+")[0]
    parts.signed(Signer(name, key))
    return parts.whole(), position


def _rewrite(leaf: Leaf, chance: Random) -> None:
    fields = _fields(leaf.encoding)
    fields[FIELDS.index("state")] = chance.randbytes(20)
    leaf.encoding = _encoded(leaf.encoding[:PREFIX], fields)
    leaf.hash = sha256(leaf.encoding).digest()


def _fields(encoding: bytes) -> list[bytes | None]:
    """The fields of a leaf, absent ones as None."""
    found: list[bytes | None] = []
    place = PREFIX
    while place < len(encoding):
        (length,) = struct.unpack_from(">i", encoding, place)
        place += 4
        found.append(None if length == ABSENT else encoding[place : place + length])
        place += max(length, 0)
    return found


def _encoded(prefix: bytes, fields: list[bytes | None]) -> bytes:
    parts = (struct.pack(">i", ABSENT if one is None else len(one)) + (one or b"") for one in fields)
    return prefix + b"".join(parts)


def _other(value: bytes | None, chance: Random) -> bytes | None:
    """One bit of it, or a byte where there was nothing."""
    if not value:
        return chance.randbytes(1)
    at_ = chance.randrange(len(value))
    return value[:at_] + bytes([value[at_] ^ (1 << chance.randrange(8))]) + value[at_ + 1 :]


def _of_byte(export: bytes, place: int) -> Expected:
    """Where a byte of the file belongs: to an event, to the lengths of a page, or to the beginning."""
    for first, lengths, start in _pages(export):
        if place < start:
            break
        table = start + 4 + 4 * len(lengths)
        hashes, end = table + 32 * len(lengths), table + 32 * len(lengths) + sum(lengths)
        if place < table:
            return Expected(first, page=len(lengths))
        if place < hashes:
            return at(first + (place - table) // 32)
        if place < end:
            return at(first + bisect_right(list(accumulate(lengths)), place - hashes))
    return in_words("")


def _of_page(export: bytes, length: int) -> Expected:
    """In which page a file of this length ends."""
    for first, lengths, start in _pages(export):
        end = start + 4 + 36 * len(lengths) + sum(lengths)
        if start <= length < end:
            return Expected(first, page=len(lengths))
    return in_words("")


def _pages(export: bytes) -> list[tuple[int, tuple[int, ...], int]]:
    """First position, lengths and place of every page."""
    _, _, length, rest = export.split(b"\n", 3)
    place = len(export) - len(rest) + int(length)
    found: list[tuple[int, tuple[int, ...], int]] = []
    while place < len(export):
        (count,) = struct.unpack_from(">I", export, place)
        lengths = struct.unpack_from(f">{count}I", export, place + 4)
        found.append((1 + PAGE * len(found), lengths, place))
        place += 4 + 36 * count + sum(lengths)
    return found
