"""Items: one hash for one meaning, and what a revision and a comparison make of them."""

from datetime import datetime, timedelta, timezone

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.comparison import apply_comparison, compare
from domain.event import Change, Coded
from domain.items import (
    Dose,
    Item,
    ItemBody,
    ItemChange,
    Items,
    Period,
    apply_changes,
    item_hash,
    recorded_item,
)
from tests.domain.spec import NOW, an_id
from tests.domain.strategies import anything

THYME_TEA = ItemBody(kind="herbal", remedy=Coded(text="دمنوش آویشن"), dose=Dose(amount=2, unit="g"))
MINT_TEA = ItemBody(kind="herbal", remedy=Coded(text="نعناع"))
thyme, mint, walk = (
    recorded_item(THYME_TEA, an_id(1)),
    recorded_item(MINT_TEA, an_id(2)),
    recorded_item(ItemBody(kind="lifestyle", remedy=Coded(text="پیاده‌روی")), an_id(3)),
)


def snapshots() -> st.SearchStrategy[Items]:
    """Versions of a line: items with ids of their own, as they are recorded."""
    bodies = st.dictionaries(st.integers(1, 5).map(an_id), anything(ItemBody), max_size=5)
    recorded = bodies.map(lambda by_id: [recorded_item(body, item_id) for item_id, body in by_id.items()])
    return recorded.flatmap(st.permutations).map(tuple)


def test_a_hash_is_32_hex_digits_and_never_changes() -> None:
    assert item_hash(THYME_TEA) == thyme.item_hash == "f62c63f0350bbe5a668df4af859f9ece"


def test_the_hash_is_of_what_an_item_says() -> None:
    assert item_hash(thyme) == item_hash(THYME_TEA)
    assert recorded_item(THYME_TEA, an_id(9)).item_hash == thyme.item_hash
    assert item_hash(msgspec.structs.replace(THYME_TEA, priority=3)) == item_hash(THYME_TEA)
    assert item_hash(msgspec.structs.replace(THYME_TEA, priority=4)) != item_hash(THYME_TEA)


def test_one_letter_in_two_encodings_is_one_letter() -> None:
    composed, apart = (
        msgspec.structs.replace(MINT_TEA, rationale=text) for text in ("\u0622ب", "\u0627\u0653ب")
    )
    assert item_hash(composed) == item_hash(apart)
    assert recorded_item(apart, an_id(2)) == recorded_item(composed, an_id(2))


def test_one_moment_in_two_zones_is_one_moment() -> None:
    tehran = timezone(timedelta(hours=3, minutes=30))

    def since(start: datetime) -> str:
        return item_hash(msgspec.structs.replace(MINT_TEA, period=Period(start=start)))

    assert since(NOW) == since(NOW.astimezone(tehran))
    assert since(NOW) != since(NOW + timedelta(hours=1))


def test_a_whole_number_is_one_number() -> None:
    whole = msgspec.structs.replace(THYME_TEA, dose=Dose(amount=2.0, unit="g"))
    assert item_hash(whole) == item_hash(THYME_TEA)


def change(item: Item, **more: object) -> ItemChange:
    told = {"op": "add", "item_id": item.item_id, "reason_code": "PATIENT.REQUEST", **more}
    return msgspec.convert(told, ItemChange)


def test_what_a_revision_makes_of_items() -> None:
    stronger = recorded_item(msgspec.structs.replace(THYME_TEA, dose=Dose(amount=4, unit="g")), thyme.item_id)
    items = (thyme, mint)
    assert apply_changes(items, [change(walk, after=walk)]) == (thyme, mint, walk)
    assert apply_changes(items, [change(walk, after=walk, index=0)]) == (walk, thyme, mint)
    assert apply_changes(items, [change(thyme, op="replace", after=stronger)]) == (stronger, mint)
    assert apply_changes(items, [change(thyme, op="remove")]) == (mint,)
    assert apply_changes(items, [change(mint, op="reorder", index=0)]) == (mint, thyme)
    assert apply_changes((), []) == ()


def test_an_entry_that_cannot_be_applied_changes_nothing() -> None:
    items = (thyme, mint)
    for op in ("add", "replace", "remove", "reorder"):
        assert apply_changes(items, [change(walk, op=op, index=0)]) == items


def test_a_comparison_tells_what_came_went_changed_and_stayed() -> None:
    stronger = recorded_item(
        msgspec.structs.replace(
            THYME_TEA, dose=Dose(amount=4, unit="g"), cautions=("Not on an empty stomach",)
        ),
        thyme.item_id,
    )
    comparison = compare((thyme, mint), (stronger, walk))
    assert (comparison.added, comparison.removed, comparison.unchanged) == ((walk,), (mint,), ())
    (difference,) = comparison.changed
    assert difference.item_id == thyme.item_id
    assert difference.fields == {
        "dose.amount": Change(before=2, after=4),
        "cautions": Change(before=[], after=["Not on an empty stomach"]),
    }
    assert comparison.order is None


def test_a_part_that_came_or_went_is_one_field() -> None:
    without = recorded_item(msgspec.structs.replace(THYME_TEA, dose=None), thyme.item_id)
    (came,) = compare((without,), (thyme,)).changed
    assert came.fields == {"dose": Change(before=None, after={"amount": 2, "unit": "g"})}
    (went,) = compare((thyme,), (without,)).changed
    assert went.fields == {"dose": Change(before={"amount": 2, "unit": "g"}, after=None)}


def test_a_new_order_is_told_where_it_is_new() -> None:
    assert compare((thyme, mint), (thyme, mint, walk)).order is None
    swapped = compare((thyme, mint), (mint, thyme))
    assert (swapped.order, swapped.unchanged) == (
        (mint.item_id, thyme.item_id),
        (thyme.item_id, mint.item_id),
    )


@given(snapshots(), snapshots())
def test_law_a_comparison_applied_to_the_one_gives_the_other(before: Items, after: Items) -> None:
    comparison = compare(before, after)
    assert apply_comparison(before, comparison) == after
    stored = msgspec.json.decode(msgspec.json.encode(comparison), type=type(comparison))
    assert apply_comparison(before, stored) == after


@given(snapshots())
def test_law_nothing_differs_from_itself(items: Items) -> None:
    comparison = compare(items, items)
    assert (comparison.added, comparison.removed, comparison.changed, comparison.order) == ((), (), (), None)
    assert len(comparison.unchanged) == len(items)


@given(anything(ItemBody), anything(ItemBody))
def test_law_equal_hashes_are_equal_items(one: ItemBody, other: ItemBody) -> None:
    same = recorded_item(one, an_id(1)) == recorded_item(other, an_id(1))
    assert (item_hash(one) == item_hash(other)) == same


@given(anything(ItemBody))
def test_law_recording_twice_changes_nothing(body: ItemBody) -> None:
    once = recorded_item(body, an_id(1))
    assert recorded_item(once, an_id(1)) == once
    assert msgspec.json.decode(msgspec.json.encode(once), type=Item) == once


@pytest.mark.parametrize("kind", ["herbal", "cupping"])
def test_other_kinds_are_other_items(kind: str) -> None:
    body = msgspec.structs.replace(MINT_TEA, kind=kind)
    assert (item_hash(body) == item_hash(MINT_TEA)) == (kind == "herbal")
