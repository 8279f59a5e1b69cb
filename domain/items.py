"""The items of a recommendation: what they say, the hash of it, and what a revision makes of them."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import reduce
from typing import Annotated, Literal, assert_never
from unicodedata import normalize
from uuid import UUID

import msgspec

from domain.event import Code, Coded, EvidenceLink, Instant, ShortText, Text, Value
from domain.reasons import Op

Kind = Literal[
    "herbal",
    "mineral",
    "dietary",
    "avoidance",
    "lifestyle",
    "behavioral",
    "physical_therapy",
    "massage",
    "cupping",
    "spiritual",
    "natural",
    "medication",
    "monitoring",
    "referral",
]
Phase = Literal["cleansing", "balancing", "maintenance"]
Source = Literal["practitioner", "engine", "model", "knowledge_base", "import"]
ItemStatus = Literal["active", "on_hold", "stopped", "completed", "cancelled", "not_started"]


class Dose(Value, frozen=True, kw_only=True, omit_defaults=True):
    amount: Annotated[float, msgspec.Meta(gt=0)] | None = None
    unit: Code | None = None
    times_per_day: Annotated[float, msgspec.Meta(gt=0, le=96)] | None = None
    timing: ShortText | None = None
    text: Text | None = None


class Period(Value, frozen=True, kw_only=True, omit_defaults=True):
    """When a single item was in force, where its source says more than the version does."""

    start: Instant | None = None
    end: Instant | None = None
    end_precision: Literal["exact", "day", "unknown"] = "exact"


class ItemBody(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What an item says, and so what its hash covers."""

    kind: Kind
    remedy: Coded
    preparation: Text | None = None
    dose: Dose | None = None
    duration_days: Annotated[int, msgspec.Meta(ge=1, le=3650)] | None = None
    phase: Phase | None = None
    priority: Annotated[int, msgspec.Meta(ge=1, le=5)] = 3
    cautions: tuple[Text, ...] = ()
    rationale: Text | None = None
    source: Source = "practitioner"
    status: ItemStatus = "active"
    period: Period | None = None
    source_ref: Code | None = None


class NewItem(ItemBody, frozen=True, kw_only=True, omit_defaults=True):
    """An item as a caller writes it: its id may be left to the house."""

    item_id: UUID | None = None


class Item(ItemBody, frozen=True, kw_only=True, omit_defaults=True):
    """An item as it is recorded: `item_id` is stable over versions, `item_hash` is of the canonical body."""

    item_id: UUID
    item_hash: Code


class ItemChange(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One recorded entry of a revision; `index` is the place after a reorder or an add (default: the end)."""

    op: Op
    item_id: UUID
    before_hash: Code | None = None
    after: Item | None = None
    index: Annotated[int, msgspec.Meta(ge=0)] | None = None
    reason_code: Code
    evidence: tuple[EvidenceLink, ...] = ()


class NewItemChange(Value, frozen=True, kw_only=True, omit_defaults=True):
    """One entry as a caller writes it: ids of added items may be left to the house."""

    op: Op
    item_id: UUID | None = None
    before_hash: Code | None = None
    after: NewItem | None = None
    index: Annotated[int, msgspec.Meta(ge=0)] | None = None
    reason_code: Code
    evidence: tuple[EvidenceLink, ...] = ()


Items = tuple[Item, ...]
BODY = frozenset(ItemBody.__struct_fields__)
HEX_DIGITS = 32
"""Half a SHA-256: 128 bits name a body beyond doubt, and stay readable."""


def item_hash(body: ItemBody) -> str:
    """The first 32 hex digits of the SHA-256 of the canonical body."""
    return _digest(_canonical_body(body))


def recorded_item(body: ItemBody, item_id: UUID) -> Item:
    """The item as it is recorded: canonical, so that equal hashes are equal items."""
    canonical = _canonical_body(body)
    return msgspec.convert({**canonical, "item_id": item_id, "item_hash": _digest(canonical)}, Item)


def apply_changes(items: Items, changes: Iterable[ItemChange]) -> Items:
    """The items of the next version. An entry that names what is not there changes nothing."""
    return reduce(apply_change, changes, items)


def apply_change(items: Items, change: ItemChange) -> Items:
    """The items after one entry."""
    match change.op:
        case "add":
            return _placed(items, (change.after,) if change.after else (), change.index)
        case "replace":
            return tuple(change.after or item if item.item_id == change.item_id else item for item in items)
        case "remove":
            return tuple(item for item in items if item.item_id != change.item_id)
        case "reorder":
            moved = tuple(item for item in items if item.item_id == change.item_id)
            others = tuple(item for item in items if item.item_id != change.item_id)
            return _placed(others, moved, change.index)
        case _:
            assert_never(change.op)


def _placed(items: Items, moved: Items, index: int | None) -> Items:
    at = len(items) if index is None else index
    return (*items[:at], *moved, *items[at:])


def _canonical_body(body: ItemBody) -> dict[str, object]:
    """Defaults omitted, text in NFC, times in UTC: one form for all ways to say the same."""
    tree = msgspec.to_builtins(body, builtin_types=(datetime,))
    return {name: _canonical(value) for name, value in tree.items() if name in BODY}


def _canonical(value: object) -> object:
    match value:
        case str():
            return normalize("NFC", value)
        case datetime():
            return value.astimezone(UTC).isoformat()
        case float() if value.is_integer():
            return int(value)
        case dict():
            return {name: _canonical(inner) for name, inner in value.items()}
        case list() | tuple():
            return [_canonical(inner) for inner in value]
        case _:
            return value


def _digest(canonical: dict[str, object]) -> str:
    text = json.dumps(canonical, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:HEX_DIGITS]
