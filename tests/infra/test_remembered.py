"""Answers are kept until something about their patient is announced, and never longer."""

import asyncio
from collections.abc import Callable

import pytest

from infra.remembered import Answer, Present, Remembered, Remembering
from projections.patient_timeline import MODEL
from tests.domain.spec import an_id

ANNA, BEN = an_id(1), an_id(2)


def stands(*group: int, at: int = 10, held: bool = False) -> Present:
    members = tuple(map(an_id, group or (1,)))
    return Present(checkpoint=at, group=members, position=at, held=held)


@pytest.fixture
def remembered() -> Remembered:
    found = Remembered(most_bytes=10_000)
    found.heard(everything=True)
    return found


def of(remembered: Remembered, patient: int = 1) -> Remembering | None:
    return remembered.of(MODEL, an_id(patient))


async def answered(entry: Remembering, key: str = "page", size: int = 10) -> Callable[[], int]:
    """Ask for an answer; how often it was made is counted."""
    made = 0

    async def make() -> Answer:
        nonlocal made
        made += 1
        await asyncio.sleep(0)
        return Answer("etag", b"x" * size)

    await asyncio.gather(*(entry.answer(key, make) for _ in range(3)))
    return lambda: made


async def test_an_answer_is_made_once_however_many_ask(remembered: Remembered) -> None:
    entry = remembered.keep(MODEL, ANNA, stands(), remembered.era)
    assert (await answered(entry))() == 1
    assert of(remembered) is entry
    assert (await answered(entry))() == 0
    assert (await answered(entry, "another"))() == 1


async def test_an_answer_that_fails_is_made_again(remembered: Remembered) -> None:
    entry = remembered.keep(MODEL, ANNA, stands(), remembered.era)

    async def fails() -> Answer:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await entry.answer("page", fails)
    assert (await answered(entry))() == 1


async def test_who_leaves_does_not_take_the_answer_from_others(remembered: Remembered) -> None:
    entry = remembered.keep(MODEL, ANNA, stands(), remembered.era)
    go = asyncio.Event()

    async def slowly() -> Answer:
        await go.wait()
        return Answer("etag", b"x")

    first, second = (asyncio.create_task(entry.answer("page", slowly)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert (await second).body == b"x"


def test_a_change_of_any_member_ends_what_is_told_of_the_group(remembered: Remembered) -> None:
    remembered.keep(MODEL, ANNA, stands(1, 2), remembered.era)
    remembered.keep(MODEL, an_id(3), stands(3), remembered.era)
    remembered.changed(11, [BEN])
    assert (of(remembered), of(remembered, 3) is not None) == (None, True)


def test_what_was_read_before_a_change_is_not_kept_after_it(remembered: Remembered) -> None:
    remembered.changed(11, [ANNA])
    remembered.keep(MODEL, ANNA, stands(at=10), remembered.era)
    assert of(remembered) is None
    remembered.keep(MODEL, ANNA, stands(at=11), remembered.era)
    assert of(remembered) is not None


def test_what_concerns_everybody_begins_a_new_era(remembered: Remembered) -> None:
    era = remembered.era
    remembered.keep(MODEL, ANNA, stands(), era)
    remembered.changed(11, None)
    assert of(remembered) is None
    remembered.keep(MODEL, ANNA, stands(at=12), era)
    assert of(remembered) is None


def test_nothing_is_kept_while_nobody_listens(remembered: Remembered) -> None:
    remembered.keep(MODEL, ANNA, stands(), remembered.era)
    remembered.heard(everything=False)
    assert of(remembered) is None
    remembered.keep(MODEL, ANNA, stands(), remembered.era)
    assert of(remembered) is None


def test_who_is_held_back_is_not_kept(remembered: Remembered) -> None:
    remembered.keep(MODEL, ANNA, stands(held=True), remembered.era)
    assert of(remembered) is None


async def test_those_asked_about_longest_ago_are_forgotten_first(remembered: Remembered) -> None:
    for patient in (1, 2, 3):
        entry = remembered.keep(MODEL, an_id(patient), stands(patient), remembered.era)
        await answered(entry, size=2_000)
    assert of(remembered, 1) is not None
    await answered(remembered.keep(MODEL, an_id(4), stands(4), remembered.era), size=4_000)
    assert [patient for patient in (1, 2, 3, 4) if of(remembered, patient)] == [1, 3, 4]


async def test_what_is_dropped_while_it_is_made_counts_no_more(remembered: Remembered) -> None:
    for _ in range(20):
        entry = remembered.keep(MODEL, ANNA, stands(at=10), remembered.era)
        remembered.forget(ANNA)
        await answered(entry, size=2_000)
    remembered.keep(MODEL, BEN, stands(2), remembered.era)
    remembered.keep(MODEL, ANNA, stands(1), remembered.era)
    assert of(remembered, 2) is not None
