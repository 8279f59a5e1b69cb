"""What differs between the items of any two versions; applied to the one, it gives the other."""

from collections.abc import Iterator
from uuid import UUID

import msgspec

from domain.changes import change
from domain.event import Change, Value
from domain.items import Item, ItemBody, Items, recorded_item


class ItemDifference(Value, frozen=True, kw_only=True, omit_defaults=False):
    """The fields that differ, nested ones dotted (`dose.amount`); a part that came or went is one field."""

    item_id: UUID
    fields: dict[str, Change]


class Comparison(Value, frozen=True, kw_only=True, omit_defaults=False):
    """`order` is given only where it is not the old order with what was added at the end."""

    added: Items
    removed: Items
    changed: tuple[ItemDifference, ...]
    unchanged: tuple[UUID, ...]
    order: tuple[UUID, ...] | None = None


def compare(items_from: Items, items_to: Items) -> Comparison:
    """What it takes to come from the one to the other."""
    before = {item.item_id: item for item in items_from}
    after = {item.item_id: item for item in items_to}
    both = [(item, after[item.item_id]) for item in items_from if item.item_id in after]
    added = tuple(item for item in items_to if item.item_id not in before)
    usual = (*(old.item_id for old, _ in both), *(item.item_id for item in added))
    order = tuple(after)
    return Comparison(
        added=added,
        removed=tuple(item for item in items_from if item.item_id not in after),
        changed=tuple(
            ItemDifference(item_id=new.item_id, fields=dict(_differences(old, new)))
            for old, new in both
            if old != new
        ),
        unchanged=tuple(new.item_id for old, new in both if old == new),
        order=None if order == usual else order,
    )


def apply_comparison(items_from: Items, comparison: Comparison) -> Items:
    """The items of the version compared to."""
    gone = {item.item_id for item in comparison.removed}
    changed = {difference.item_id: difference.fields for difference in comparison.changed}
    kept = [
        _changed(item, changed[item.item_id]) if item.item_id in changed else item
        for item in items_from
        if item.item_id not in gone
    ]
    items = (*kept, *comparison.added)
    if comparison.order is None:
        return items
    by_id = {item.item_id: item for item in items}
    return tuple(by_id[item_id] for item_id in comparison.order)


def _differences(old: Value, new: Value, path: str = "") -> Iterator[tuple[str, Change]]:
    names = ItemBody.__struct_fields__ if isinstance(old, Item) else old.__struct_fields__
    for name in names:
        before, after = getattr(old, name), getattr(new, name)
        if isinstance(before, Value) and isinstance(after, Value):
            yield from _differences(before, after, f"{path}{name}.")
        elif before != after:
            yield f"{path}{name}", change(before, after)


def _changed(item: Item, fields: dict[str, Change]) -> Item:
    tree = msgspec.to_builtins(item)
    for path, each in fields.items():
        part, _, name = path.rpartition(".")
        (tree[part] if part else tree)[name] = each.after
    body = {name: value for name, value in tree.items() if name in ItemBody.__struct_fields__}
    return recorded_item(msgspec.convert(body, ItemBody), item.item_id)
