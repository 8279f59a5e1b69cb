"""Columns in Postgres' binary format: fields of a COPY and elements of an array are the same bytes."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import chain, repeat
from struct import Struct
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.postgres import types
from psycopg.pq import Format

NULL = b"\xff\xff\xff\xff"
"""The length of what is absent."""

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
TRAILER = b"\xff\xff"

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH_DAY = _EPOCH.toordinal()
_UUID_LENGTH = 16 << 128
_BOOLEANS = (b"\0\0\0\1\0", b"\0\0\0\1\1")
_length = Struct(">i").pack
_eight = Struct(">iq").pack
_float = Struct(">id").pack
_four = Struct(">ii").pack
_tuple_head = Struct(">hii").pack
_array_head = Struct(">iiIii").pack
_json = msgspec.json.Encoder().encode


def _uuid(value: UUID) -> bytes:
    return (value.int | _UUID_LENGTH).to_bytes(20, "big")


def _bigint(value: int) -> bytes:
    return _eight(8, value)


def _double(value: float) -> bytes:
    return _float(8, value)


def _boolean(value: bool) -> bytes:  # noqa: FBT001  it is the value, not a switch
    return _BOOLEANS[value]


def _timestamptz(value: datetime) -> bytes:
    since = value - _EPOCH
    return _eight(8, (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds)


def _date(value: date) -> bytes:
    return _four(4, value.toordinal() - _EPOCH_DAY)


def _text(value: str) -> bytes:
    encoded = value.encode()
    return _length(len(encoded)) + encoded


def _bytea(value: bytes) -> bytes:
    return _length(len(value)) + value


def _jsonb(value: object) -> bytes:
    encoded = _json(value)
    return _length(len(encoded) + 1) + b"\x01" + encoded


FIELD: dict[str, Callable[[Any], bytes]] = {
    "uuid": _uuid,
    "bigint": _bigint,
    "double precision": _double,
    "boolean": _boolean,
    "timestamptz": _timestamptz,
    "date": _date,
    "text": _text,
    "bytea": _bytea,
    "jsonb": _jsonb,
}
"""A value as a field, by the type of its column: its length, and then its bytes."""


def fields(sql_type: str, values: Iterable[Any], *, nullable: bool = False) -> list[bytes]:
    """A column of values, each as a field."""
    field = FIELD[sql_type]
    if nullable:
        return [NULL if value is None else field(value) for value in values]
    return list(map(field, values))


def tuples(shard: int, columns: Sequence[list[bytes]]) -> bytes:
    """Rows as COPY reads them, between HEADER and TRAILER: the shard and these columns."""
    head = _tuple_head(len(columns) + 1, 4, shard)
    return b"".join(chain.from_iterable(zip(repeat(head), *columns)))


class Packed(bytes):
    """An array that is encoded already; what it is of, the statement says: `%b::uuid[]`."""


def array(sql_type: str, elements: Sequence[bytes]) -> Packed:
    """Fields as one array."""
    head = _array_head(1, NULL in elements, types[sql_type].oid, len(elements), 1)
    return Packed(head + b"".join(elements))


class _PackedDumper(Dumper):
    format = Format.BINARY
    oid = 0

    def dump(self, obj: Buffer) -> Buffer:
        return obj


psycopg.adapters.register_dumper(Packed, _PackedDumper)
