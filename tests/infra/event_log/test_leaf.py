"""The leaf is what LEAF.md says, byte by byte, and covers every stored column."""

import hashlib
import json
import re
from datetime import UTC, datetime
from importlib import resources
from uuid import UUID, uuid4

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.infra.event_log.calls import Connection, Event, Request, append, connected, one

Row = dict[str, object]

FIELDS = {
    "shard": 4,
    "position": 8,
    "stream": 16,
    "version": 8,
    "tag": None,
    "schema": 2,
    "recorded_at": 8,
    "subject": 16,
    "actor": 16,
    "key": 16,
    "state": None,
    "meta": None,
    "request": None,
}
"""The order of the fields, and the width of those that have one."""
ABSENT = bytes.fromhex("ffffffff")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HASH = """
    SELECT log.leaf_hash(
        %(shard)s::integer, %(position)s::bigint, %(stream)s::uuid, %(version)s::bigint, %(tag)s::text,
        %(schema)s::smallint, %(recorded_at)s::bigint, %(subject)s::uuid, %(actor)s::uuid, %(key)s::uuid,
        %(state)s::bytea, %(meta)s::bytea, %(request)s::bytea)
"""
STORED = """
    SELECT shard, notification_id AS position, originator_id AS stream, originator_version AS version,
        topic AS tag, schema, recorded_at, subject_id AS subject, actor_id AS actor, key_id AS key,
        state, meta, request_id AS request, leaf_hash
    FROM log.event
    ORDER BY notification_id
"""


def leaf(row: Row) -> bytes:
    """The encoding as the document describes it."""
    return b"\x00\x01" + b"".join(field(row[name], width) for name, width in FIELDS.items())


def field(value: object, width: int | None) -> bytes:
    match value:
        case None:
            return ABSENT
        case int():
            assert width is not None
            content = value.to_bytes(width, "big", signed=True)
        case UUID():
            content = value.bytes
        case str():
            content = value.encode()
        case bytes():
            content = value
        case _:
            raise TypeError(value)
    assert len(content) == width or width is None
    return len(content).to_bytes(4, "big") + content


def vectors() -> list[dict[str, str | int | None]]:
    """The vectors of the document."""
    text = resources.files("infra.event_log").joinpath("LEAF.md").read_text("utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    found: list[dict[str, str | int | None]] = json.loads(block)
    return found


def row_of(vector: dict[str, str | int | None]) -> Row:
    """A vector's values as what they mean."""
    return {name: _meant(name, vector[name]) for name in FIELDS}


def _meant(name: str, value: str | int | None) -> object:
    if not isinstance(value, str) or name == "tag":
        return value
    return UUID(value) if FIELDS[name] == len(UUID(int=0).bytes) else bytes.fromhex(value)


def microseconds(moment: datetime) -> int:
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def test_the_vectors_of_the_document_hold(log_url: str) -> None:
    found = vectors()
    assert len(found) >= 3
    with connected(log_url, "tarikh_app") as connection:
        for vector in found:
            row = row_of(vector)
            assert leaf(row).hex() == vector["leaf"]
            assert hashlib.sha256(leaf(row)).hexdigest() == vector["hash"]
            computed = connection.execute(HASH, row).fetchone()
            assert computed == (bytes.fromhex(str(vector["hash"])),)


def test_what_is_stored_is_what_was_hashed(app: Connection) -> None:
    a, subject, actor, key = (uuid4() for _ in range(4))
    full = Event(a, 1, "note.taken", subject, actor, key, bytes(range(256)), b"", 7)
    bare = Event(a, 2, "یادداشت", state=b"")
    append(app, Request([full, bare], b"id"))
    append(app, Request([Event(uuid4())]))
    rows = rows_of(app)
    assert len(rows) == 3
    for row in rows:
        assert row.pop("leaf_hash") == hashlib.sha256(leaf(row)).digest()


def rows_of(connection: Connection) -> list[Row]:
    cursor = connection.execute(STORED)
    names = [column.name for column in cursor.description or ()]
    rows: list[Row] = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
    for row in rows:
        moment = row["recorded_at"]
        assert isinstance(moment, datetime)
        row["recorded_at"] = microseconds(moment)
    return rows


def test_every_column_is_covered(app: Connection) -> None:
    columns = one(
        app,
        "SELECT count(*) FROM information_schema.columns WHERE (table_schema, table_name) = ('log', 'event')",
    )
    assert columns == len(FIELDS) + 1
    row = row_of(vectors()[0])
    whole = one_hash(app, row)
    for name in FIELDS:
        for other in others(row[name]):
            assert one_hash(app, row | {name: other}) != whole, name


def others(value: object) -> list[object]:
    """What might stand in a value's place."""
    match value:
        case int():
            return [value + 1, -value - 1]
        case UUID():
            return [None, UUID(int=value.int ^ 1), UUID(int=value.int ^ 1 << 127)]
        case str():
            return [f"{value}.", value[1:]]
        case bytes():
            return [None, b"", value + b"\x00", bytes([value[0] ^ 1]) + value[1:]]
        case _:
            raise TypeError(value)


def one_hash(connection: Connection, row: Row) -> object:
    found = connection.execute(HASH, row).fetchone()
    assert found is not None
    return found[0]


TEXT = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=9)
SOME_ROW = st.fixed_dictionaries(
    {
        "shard": st.integers(0, 2**31 - 1),
        "position": st.integers(1, 2**63 - 1),
        "stream": st.uuids(),
        "version": st.integers(1, 2**63 - 1),
        "tag": TEXT,
        "schema": st.integers(1, 2**15 - 1),
        "recorded_at": st.integers(-(2**62), 2**62),
        **{name: st.none() | st.uuids() for name in ("subject", "actor", "key")},
        **{name: st.none() | st.binary(max_size=9) for name in ("state", "meta", "request")},
    }
)


@settings(deadline=None)
@given(row=SOME_ROW, other=SOME_ROW)
def test_two_rows_never_share_an_encoding(row: Row, other: Row) -> None:
    assert (leaf(row) == leaf(other)) == (row == other)
    swapped = row | {"state": row["meta"], "meta": row["state"]}
    assert (leaf(row) == leaf(swapped)) == (row == swapped)


def test_sql_and_document_agree_on_any_row(app: Connection) -> None:
    @settings(deadline=None)
    @given(row=SOME_ROW)
    def law(row: Row) -> None:
        assert one_hash(app, row) == hashlib.sha256(leaf(row)).digest()

    law()
