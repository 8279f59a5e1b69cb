"""An item with every field said, so that a difference can be applied to exactly what is shown."""

from typing import Any

import msgspec

from domain.event import Change, Coded
from domain.items import Dose, Item, Period


class RemedyView(Coded, frozen=True, kw_only=True, omit_defaults=False):
    pass


class DoseView(Dose, frozen=True, kw_only=True, omit_defaults=False):
    pass


class PeriodView(Period, frozen=True, kw_only=True, omit_defaults=False):
    pass


class ItemView(Item, frozen=True, kw_only=True, omit_defaults=False):
    remedy: RemedyView
    dose: DoseView | None = None
    period: PeriodView | None = None


def whole(item: Item) -> ItemView:
    return msgspec.convert(item, ItemView, from_attributes=True)


def changed_fields(old: Item, new: Item, paths: tuple[str, ...]) -> dict[str, Change]:
    """The fields at these dotted paths as both items show them, and the hashes that follow from them."""
    before, after = msgspec.to_builtins(whole(old)), msgspec.to_builtins(whole(new))
    return {path: Change(before=_at(before, path), after=_at(after, path)) for path in (*paths, "item_hash")}


def _at(item: dict[str, Any], path: str) -> object:
    part, _, name = path.rpartition(".")
    return (item[part] if part else item)[name]
