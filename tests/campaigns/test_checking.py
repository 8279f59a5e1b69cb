"""A campaign's own eyes: each thing that must never be is found where it is, and nothing where it is not."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from tests.campaigns.loss import checking
from tests.campaigns.loss.checking import acknowledged_once, along
from tests.campaigns.loss.faults import EVERYBODY, OF_ANY_LOG, plan
from tests.campaigns.loss.journal import (
    Counter,
    Entry,
    Journal,
    Refused,
    Seen,
    Stored,
    Unsure,
    Wanted,
    Wrong,
    entries,
    last_number,
    unsettled,
)
from tests.campaigns.loss.logs import Row
from tests.campaigns.tampering.columns import COLUMNS, another

ONE, TWO, THREE = "writer1-000001", "writer1-000002", "writer1-000003"


def wanted(key: str, events: int = 1) -> Wanted:
    return Wanted(key, {"events": [["stream", n] for n in range(events)]})


def row(position: int, *keys: str) -> Row:
    return Row(position, f"leaf {position}", frozenset(keys))


STORED = [row(1, ONE), row(2, TWO), row(3, TWO)]
WELL: list[Entry] = [
    wanted(ONE),
    Unsure(ONE, "lost"),
    Stored(ONE, [1]),
    wanted(TWO, 2),
    Stored(TWO, [2, 3]),
    wanted(THREE),
    Refused(THREE, "VersionMoved"),
]


def journal(path: Path, told: Sequence[Entry]) -> Path:
    written = Journal(path)
    for entry in told:
        written.note(entry)
    return path


def found(folder: Path, told: Sequence[Entry], rows: Sequence[Row]) -> list[str]:
    """The laws that are broken."""
    requests = checking.read([journal(folder / "writer1.journal", told)])
    finds = requests.finds + requests.left_open() + acknowledged_once(requests, rows)
    return [find.law for find in finds]


def test_where_all_is_well_nothing_is_found(tmp_path: Path) -> None:
    assert found(tmp_path, WELL, STORED) == []


@pytest.mark.parametrize(
    ("rows", "law"),
    [
        (STORED[1:], "acknowledged"),
        ([*STORED, row(4, ONE)], "acknowledged"),
        (STORED[:2], "acknowledged"),
        ([row(1, ONE), row(3, TWO), row(4, TWO)], "acknowledged"),
        ([*STORED, row(4, THREE)], "refused"),
        ([*STORED, row(4, "writer1-000009")], "acknowledged"),
    ],
    ids=["lost", "doubled", "half", "elsewhere", "refused and stored", "nobody's"],
)
def test_what_is_stored_otherwise_than_it_was_answered(tmp_path: Path, rows: list[Row], law: str) -> None:
    assert set(found(tmp_path, WELL, rows)) == {law}


def test_what_a_writer_saw_itself_and_what_nobody_answered(tmp_path: Path) -> None:
    told = [*WELL, Wrong(ONE, "two answers"), wanted("writer1-000004")]
    assert found(tmp_path, told, STORED) == ["answers", "answers"]


@pytest.mark.parametrize(
    ("seen", "lost"),
    [
        ([1, 2, 3], []),
        ([1, 3], [2]),
        ([1, 2, 2, 3], []),
        ([2, 1, 3], []),
        ([1, 2, 3, 4], []),
    ],
    ids=["all", "skipped", "twice", "out of order", "what is not there"],
)
def test_what_a_reader_saw(tmp_path: Path, seen: list[int], lost: list[int]) -> None:
    rows = [(position, f"leaf {position}") for position in seen]
    told = along(journal(tmp_path / "tail.journal", [Seen(rows[:1]), Seen(rows[1:])]), STORED)
    assert told.lost == lost
    assert bool(told.finds) == (seen != [1, 2, 3])


def test_a_reader_that_saw_something_else(tmp_path: Path) -> None:
    rows = [(1, "leaf 1"), (2, "leaf 3"), (3, "leaf 3")]
    told = along(journal(tmp_path / "tail.journal", [Seen(rows)]), STORED)
    assert [find.what for find in told.finds] == ["position 2 was seen and is not what is stored"]


def test_a_journal_outlives_a_writer_that_was_killed_in_the_middle_of_a_line(tmp_path: Path) -> None:
    path = journal(tmp_path / "writer1.journal", WELL[:1])
    path.write_bytes(path.read_bytes() + b'{"type":"stored","key":"wri')
    journal(path, [wanted(TWO)])
    assert unsettled(path) == [WELL[0], wanted(TWO)]
    assert last_number(path) == 2
    assert len(list(entries(path))) == 2
    counter = Counter(path)
    assert counter.look() == 0
    journal(path, [Stored(ONE, [1])])
    assert counter.look() == counter.look() == 1


def test_a_plan_is_its_seed_and_holds_as_many_kills_as_were_asked_for() -> None:
    faults = plan(5, 200, victims=EVERYBODY)
    assert faults == plan(5, 200, victims=EVERYBODY) != plan(6, 200, victims=EVERYBODY)
    assert sum(fault.how == "kill" for fault in faults) == 200
    assert {fault.victim for fault in faults} == EVERYBODY
    assert {fault.victim for fault in plan(5, 200, victims=OF_ANY_LOG)} == OF_ANY_LOG


@pytest.mark.parametrize("column", COLUMNS)
def test_another_value_is_another_one(column: str) -> None:
    """A mutation that changes nothing would be passed over by right."""
    values: dict[str, list[str | bytes | None]] = {
        "topic": ["n", "یادداشت"],
        "state": [b"x", b"\0" * 9],
        "leaf_hash": [bytes(32)],
        "meta": [None, b""],
    }
    for seed in range(300):
        chance = Random(seed)  # noqa: S311  repeatable is what it must be
        for value in values.get(column, []):
            assert another(column, value, chance) != value
        if column in {"shard", "schema", "originator_version", "notification_id"}:
            assert another(column, 7, chance) != 7
