"""The log's rows as leaves: the encoding of infra/event_log/LEAF.md, made anew from the columns.

The database only concatenates here; what is hashed is hashed by us, so that nothing depends on functions
that the owner of the log could have replaced.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import psycopg

PAGE = 256
"""Leaves are read, exported and verified by as many as a tile holds."""
Connection: TypeAlias = psycopg.Connection[tuple[Any, ...]]

_FINITE = "CASE WHEN isfinite(recorded_at) THEN recorded_at END"


def _field(bytes_: str) -> str:
    return f"coalesce(int4send(length({bytes_})) || {bytes_}, '\\xffffffff'::bytea)"


_LEAF = " || ".join(
    [
        "'\\x0001'::bytea",
        "int4send(4) || int4send(shard)",
        "int4send(8) || int8send(notification_id)",
        "int4send(16) || uuid_send(originator_id)",
        "int4send(8) || int8send(originator_version)",
        _field("convert_to(topic, 'UTF8')"),
        "int4send(2) || int2send(schema)",
        f"int4send(8) || int8send((extract(epoch FROM {_FINITE}) * 1000000)::bigint)",
        *(_field(f"uuid_send({column})") for column in ("subject_id", "actor_id", "key_id")),
        *(_field(column) for column in ("state", "meta", "request_id")),
    ]
)
BETWEEN, AT = (
    f"""
    SELECT notification_id, {_LEAF}, leaf_hash
    FROM log.event
    WHERE shard = %s AND notification_id {which}
    ORDER BY notification_id
    """
    for which in ("BETWEEN %s AND %s", "= ANY(%b::bigint[])")
)
"""Position, leaf (NULL where a column holds what it never may) and the leaf hash that is stored."""


class Leaf(NamedTuple):
    """A row of the log as the tree sees it."""

    position: int
    encoding: bytes | None
    stored_hash: bytes | None


def between(connection: Connection, shard: int, first: int, last: int) -> list[Leaf]:
    """The leaves of these positions, both included, that are there."""
    cursor = connection.execute(BETWEEN.encode(), (shard, first, last), binary=True)
    return [Leaf(*row) for row in cursor.fetchall()]


def gap(leaves: Iterable[Leaf], first: int) -> int | None:
    """The first position that is missing or stands twice; None where they are dense."""
    for expected, leaf in enumerate(leaves, first):
        if leaf.position != expected:
            return min(leaf.position, expected)
    return None
