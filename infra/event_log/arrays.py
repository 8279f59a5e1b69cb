"""Arrays as Postgres reads them, put together from elements that were encoded one by one beforehand."""

import struct
from collections.abc import Sequence
from uuid import UUID

import msgspec
from psycopg.abc import AdaptContext
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format

NULL = struct.pack(">i", -1)

BOOLEAN, BYTEA, BIGINT, SMALLINT, INTEGER, TEXT, UUID_ = 16, 17, 20, 21, 23, 25, 2950
"""Postgres' numbers of the element types."""

_length = struct.Struct(">i").pack
_bigint = struct.Struct(">iq").pack
_integer = struct.Struct(">ii").pack
_smallint = struct.Struct(">ih").pack
_head = struct.Struct(">iiiii").pack
_empty = struct.Struct(">iii").pack
_UUID_LENGTH = struct.pack(">i", 16)


def of_bytes(value: bytes | None) -> bytes:
    """An element of bytea[], or of text[] where the bytes are UTF-8."""
    return NULL if value is None else _length(len(value)) + value


def of_uuid(value: UUID | None) -> bytes:
    return NULL if value is None else _UUID_LENGTH + value.bytes


def of_bigint(value: int) -> bytes:
    """Raises struct.error where it is none."""
    return _bigint(8, value)


def of_integer(value: int) -> bytes:
    return _integer(4, value)


def of_smallint(value: int) -> bytes:
    return _smallint(2, value)


def of_boolean(value: bool) -> bytes:  # noqa: FBT001  it is the value
    return b"\0\0\0\1\1" if value else b"\0\0\0\1\0"


class Packed(msgspec.Struct, frozen=True):
    """A whole array, as it is sent."""

    data: bytes


def packed(oid: int, elements: Sequence[bytes]) -> Packed:
    """The array of these elements, which all are of the type of this number."""
    if not elements:
        return Packed(_empty(0, 0, oid))
    return Packed(_head(1, 1, oid, len(elements), 1) + b"".join(elements))


class _PackedDumper(Dumper):
    """The statement says of which type each array is."""

    format = Format.BINARY
    oid = 0

    def dump(self, obj: Packed) -> Buffer:
        return obj.data


def register(connection: AdaptContext) -> None:
    """Let a connection send packed arrays."""
    connection.adapters.register_dumper(Packed, _PackedDumper)
