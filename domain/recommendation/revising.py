"""What the entries of a revision must be like, and how they are recorded."""

from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

from domain.errors import FieldError
from domain.event import Facts, Narrative
from domain.items import (
    Item,
    ItemBody,
    ItemChange,
    Items,
    NewItem,
    NewItemChange,
    Phase,
    apply_change,
    recorded_item,
)
from domain.provenance import source_is_own
from domain.reasons import Op, violations
from domain.recommendation.state import Line
from domain.rules import evidence_resolves, has_words, is_import, possible, refuse

NEEDED: dict[Op, tuple[str, ...]] = {
    "add": ("after",),
    "replace": ("item_id", "after"),
    "remove": ("item_id",),
    "reorder": ("item_id", "index"),
}
MEANINGLESS: dict[Op, tuple[str, ...]] = {
    "add": ("before_hash",),
    "replace": ("index",),
    "remove": ("after", "index"),
    "reorder": ("after",),
}


def recorded_changes(
    changes: tuple[NewItemChange, ...],
    line: Line,
    narrative: Narrative | None,
    facts: Facts,
    ids: Iterator[UUID],
    *others: Iterable[FieldError],
) -> tuple[ItemChange, ...]:
    """The entries as they are recorded, each applied after the one before.

    Raises Rejected for all wrong ones at once, `others` among them.
    """
    refuse(*others, reasons_hold(changes, narrative, facts), _wrong_shapes(changes))
    now, recorded, wrong = line.items, [], list[FieldError]()
    named: set[tuple[UUID, bool]] = set()
    for index, change in enumerate(changes):
        entry = _recorded(change, line.items, ids)
        errors = [
            *_misfits(change, entry, now, line, f"changes.{index}"),
            *_source_is_own(change, _item(line.items, entry.item_id), f"changes.{index}", facts),
        ]
        key = (entry.item_id, change.op == "reorder")
        if key in named:
            errors = [FieldError(path=f"changes.{index}.item_id", code="recommendation.item_twice")]
        named.add(key)
        wrong += errors
        recorded.append(entry)
        now = now if errors else apply_change(now, entry)
    refuse(wrong)
    refuse(_left_over(now, line.items))
    return tuple(recorded)


def reasons_hold(
    changes: Sequence[NewItemChange | ItemChange], narrative: Narrative | None, facts: Facts
) -> tuple[FieldError, ...]:
    """Every entry has a code that is legal for it, and rests on what the code asks."""
    found: list[FieldError] = []
    for index, change in enumerate(changes):
        path = f"changes.{index}"
        code, evidence = change.reason_code, change.evidence
        wrong = violations(change.op, code, evidence, narrative, path, imported=is_import(facts))
        found += [error for error in wrong if error not in found]
        found += evidence_resolves(evidence, facts, f"{path}.evidence")
    return tuple(found)


def item_sound(item: ItemBody, path: str, phases: tuple[Phase, ...]) -> Iterator[FieldError]:
    """An item says what it is about, belongs to a phase there is, and ends after it begins."""
    yield from has_words(f"{path}.remedy.text", item.remedy.text)
    if item.phase and phases and item.phase not in phases:
        yield FieldError(path=f"{path}.phase", code="recommendation.phase_unknown")
    if item.period is None:
        return
    times = {"start": item.period.start, "end": item.period.end}
    impossible = [error for name, at in times.items() for error in possible(f"{path}.period.{name}", at)]
    yield from impossible
    start, end = item.period.start, item.period.end
    if not impossible and start and end and end < start:
        yield FieldError(path=f"{path}.period.end", code="time.ends_before_start")


def _wrong_shapes(changes: tuple[NewItemChange, ...]) -> Iterator[FieldError]:
    for index, change in enumerate(changes):
        given: dict[str, object] = {
            "item_id": _named(change),
            "after": change.after,
            "index": change.index,
            "before_hash": change.before_hash,
        }
        for name in NEEDED[change.op]:
            if given[name] is None:
                yield FieldError(path=f"changes.{index}.{name}", code="recommendation.field_required")
        for name in MEANINGLESS[change.op]:
            if given[name] is not None:
                yield FieldError(path=f"changes.{index}.{name}", code="recommendation.field_meaningless")
        if change.item_id and change.after and change.after.item_id not in {None, change.item_id}:
            yield FieldError(path=f"changes.{index}.after.item_id", code="recommendation.item_id_mismatch")


def _named(change: NewItemChange) -> UUID | None:
    return change.item_id or (change.after.item_id if change.after else None)


def _recorded(change: NewItemChange, items: Items, ids: Iterator[UUID]) -> ItemChange:
    item_id = _named(change) or next(ids)
    before = _item(items, item_id) if change.op != "add" else None
    return ItemChange(
        op=change.op,
        item_id=item_id,
        before_hash=before.item_hash if before else None,
        after=recorded_item(change.after, item_id) if change.after else None,
        index=change.index,
        reason_code=change.reason_code,
        evidence=change.evidence,
    )


def _misfits(
    change: NewItemChange, entry: ItemChange, now: Items, line: Line, path: str
) -> Iterator[FieldError]:
    """Why an entry cannot be applied to the items as the entries before it leave them."""
    if change.after is not None:
        yield from item_sound(change.after, f"{path}.after", line.phases)
    there = _item(now, entry.item_id)
    if change.op == "add":
        yield from _cannot_add(there, entry, now, path)
    elif there is None or entry.before_hash is None:
        yield FieldError(path=f"{path}.item_id", code="recommendation.item_unknown")
    elif change.before_hash not in {None, entry.before_hash}:
        yield FieldError(path=f"{path}.before_hash", code="recommendation.before_hash_mismatch")
    elif change.op == "reorder" and entry.index is not None and entry.index >= len(now):
        yield FieldError(path=f"{path}.index", code="recommendation.index_out_of_range")
    elif apply_change(now, entry) == now:
        yield FieldError(path=path, code="recommendation.change_empty")


def _source_is_own(
    change: NewItemChange, before: Item | None, path: str, facts: Facts
) -> Iterator[FieldError]:
    if change.after is not None:
        said = before.source if before else None
        yield from source_is_own(f"{path}.after.source", change.after.source, said, facts)


def _cannot_add(there: Item | None, entry: ItemChange, now: Items, path: str) -> Iterator[FieldError]:
    if there is not None:
        yield FieldError(path=f"{path}.item_id", code="recommendation.item_exists")
    if entry.index is not None and entry.index > len(now):
        yield FieldError(path=f"{path}.index", code="recommendation.index_out_of_range")


def _left_over(after: Items, before: Items) -> Iterator[FieldError]:
    """A revision leaves something to do, and something that was not so before."""
    if not after:
        yield FieldError(path="changes", code="recommendation.items_required")
    if after == before:
        yield FieldError(path="changes", code="recommendation.change_empty")


def _item(items: Items, item_id: UUID) -> Item | None:
    return next((item for item in items if item.item_id == item_id), None)


def first_items(items: tuple[NewItem, ...], ids: Iterator[UUID]) -> Items:
    """The items of version 1 as they are recorded."""
    return tuple(recorded_item(item, item.item_id or next(ids)) for item in items)


def first_items_sound(
    items: tuple[NewItem, ...], phases: tuple[Phase, ...], facts: Facts
) -> Iterator[FieldError]:
    """There is at least one item, each is sound, and none has the id of another."""
    if not items:
        yield FieldError(path="items", code="recommendation.items_required")
    seen: set[UUID] = set()
    for index, item in enumerate(items):
        yield from item_sound(item, f"items.{index}", phases)
        yield from source_is_own(f"items.{index}.source", item.source, None, facts)
        if item.item_id in seen:
            yield FieldError(path=f"items.{index}.item_id", code="recommendation.item_twice")
        if item.item_id:
            seen.add(item.item_id)
