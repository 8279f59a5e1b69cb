"""One table: what a row holds comes back from it, few or many, new or changed, and is found by its key."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection

from infra.projector import binary
from infra.projector.projector import connect
from infra.projector.store import Difference, Differences, ModelStore
from infra.projector.table import FEWEST_TO_COPY, ROWS_AT_ONCE
from projections.model import ReadModel, Row, Rows, Table
from tests.domain.spec import an_id
from tests.infra.house import House

PATIENT = an_id(1)
TEHRAN = timezone(timedelta(hours=3, minutes=30))


class Everything(Row, frozen=True, kw_only=True):
    """A column of every type, and each of them once more where nothing may stand."""

    source_id: UUID
    slot: int
    text: str
    size: float
    true: bool
    at: datetime
    on: date
    raw: bytes
    structure: dict[str, Any]
    no_id: UUID | None = None
    no_number: int | None = None
    no_text: str | None = None
    no_size: float | None = None
    no_truth: bool | None = None
    no_time: datetime | None = None
    no_day: date | None = None
    no_bytes: bytes | None = None
    no_structure: tuple[str, ...] | None = None


THINGS = Table("thing", Everything, key=("source_id", "slot"), across=("slot",))
MODEL = ReadModel(name="things", tables=(THINGS,), touches=lambda _: (), evolve=lambda *_: ())


def thing(slot: int, text: str = "شربت بابونه", source: int = 7) -> Everything:
    return Everything(
        source_id=an_id(source),
        slot=slot,
        text=text,
        size=-0.5,
        true=slot % 2 == 0,
        at=datetime(1911, 3, 21, 12, 0, 0, 123_456, tzinfo=UTC),
        on=date(1320, 1, 1),
        raw=b"\0\xff",
        structure={"dose": 2, "unit": 'g "ml" \\', "nested": [None, True]},
    )


FULL = Everything(
    source_id=an_id(8),
    slot=-(2**63),
    text="",
    size=1e300,
    true=False,
    at=datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    on=date(9999, 12, 31),
    raw=b"",
    structure={},
    no_id=an_id(9),
    no_number=2**63 - 1,
    no_text="ـ",
    no_size=0.1,
    no_truth=True,
    no_time=datetime(2024, 3, 20, 3, 30, tzinfo=TEHRAN),
    no_day=date(2000, 1, 1),
    no_bytes=b"PGCOPY",
    no_structure=("a", ""),
)


@pytest.fixture
async def connection(house: House) -> AsyncIterator[AsyncConnection]:
    """As the projector's, with empty tables of everything."""
    async with await connect(house.servers.database_url) as opened:
        await ModelStore(MODEL).create(opened)
        yield opened
        await ModelStore(MODEL).drop(opened)


def new(*rows: Row) -> Differences:
    return {THINGS.name: [Difference(THINGS, PATIENT, None, row, 1) for row in rows]}


async def stored(connection: AsyncConnection, patient: UUID = PATIENT) -> list[Everything]:
    found = {patient: Rows()}
    await ModelStore(MODEL).tables[THINGS.name].load_all(connection, 0, found, found)
    return sorted(found[patient].all(THINGS), key=lambda row: (row.source_id, row.slot))


@pytest.mark.parametrize("count", [1, FEWEST_TO_COPY - 1, FEWEST_TO_COPY, ROWS_AT_ONCE + 1])
async def test_what_is_written_is_read_again(connection: AsyncConnection, count: int) -> None:
    rows = [*(thing(slot) for slot in range(1, count)), FULL]
    await ModelStore(MODEL).save(connection, 0, new(*rows))
    assert await stored(connection) == rows
    assert await stored(connection, an_id(2)) == []


async def test_what_changed_is_changed_and_what_is_gone_is_deleted(connection: AsyncConnection) -> None:
    rows = [thing(slot) for slot in range(1, FEWEST_TO_COPY + 4)]
    await ModelStore(MODEL).save(connection, 0, new(*rows))
    changed = thing(2, "دم‌کرده")
    again = thing(3, "again")
    differences = [
        Difference(THINGS, PATIENT, rows[0], None, 2),
        Difference(THINGS, PATIENT, rows[1], changed, 2),
        Difference(THINGS, PATIENT, rows[2], None, 2),
        Difference(THINGS, PATIENT, None, again, 3),
    ]
    await ModelStore(MODEL).save(connection, 0, {THINGS.name: differences})
    assert await stored(connection) == [changed, again, *rows[3:]]


async def test_many_that_are_said_to_be_new_and_are_there_already_are_refused(
    connection: AsyncConnection,
) -> None:
    rows = [thing(slot) for slot in range(FEWEST_TO_COPY)]
    await ModelStore(MODEL).save(connection, 0, new(*rows))
    with pytest.raises(psycopg.errors.UniqueViolation):
        await ModelStore(MODEL).save(connection, 0, new(*rows))


async def test_a_text_that_no_table_takes_is_refused_and_nothing_is_stored(
    connection: AsyncConnection,
) -> None:
    rows = [*(thing(slot) for slot in range(FEWEST_TO_COPY)), thing(99, "\0")]
    with pytest.raises(psycopg.DataError):
        await ModelStore(MODEL).save(connection, 0, new(*rows))
    assert await stored(connection) == []


async def test_each_row_is_looked_up_by_its_key_though_nothing_is_known_of_the_table(
    connection: AsyncConnection,
) -> None:
    """A young table has no statistics: the planner would read all of it, once for each row of a batch."""
    await ModelStore(MODEL).save(connection, 0, new(*(thing(slot) for slot in range(2_000))))
    statement = ModelStore(MODEL).tables[THINGS.name].statements.load
    ids = [an_id(100 + number) for number in range(500)]
    keys = binary.array("uuid", binary.fields("uuid", ids))
    cursor = await connection.execute(b"EXPLAIN (ANALYZE, FORMAT JSON) " + statement, (keys, keys, 0))
    explained = await cursor.fetchone()
    assert explained is not None
    nodes = list(planned(explained[0][0]["Plan"]))
    assert sum(value for node in nodes for name, value in node.items() if "Removed" in name) == 0
    assert max(node["Actual Loops"] for node in nodes) == len(ids)


def planned(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A plan's steps, with all beneath it."""
    yield node
    for beneath in node.get("Plans", []):
        yield from planned(beneath)
