"""What planning speaks in: what one resource asks of one stream, and the view that the source has of it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

import msgspec

from domain.event import Command, Event, Locale, Precision
from infra.fhir.stated import StatedMedication
from infra.fhir.times import When


@dataclass(frozen=True)
class House:
    """What planning takes from outside: time, fresh ids, its language, medicines read elsewhere."""

    now: datetime
    new_id: Callable[[], UUID]
    locale: Locale
    medications: Callable[[str], StatedMedication | None]


@dataclass(frozen=True)
class Step:
    """Commands of one resource for one stream; `diagnosis_id` is what a recommendation is for."""

    stream_id: UUID
    category: str
    commands: tuple[Command, ...]
    diagnosis_id: UUID | None = None


class Told(TypedDict):
    """The time of a command."""

    occurred_at: datetime
    precision: Precision


def told(when: When | None, now: datetime, not_before: datetime | None = None) -> Told:
    """As the source dates it; what it does not date is true by now, and nothing is told before the last."""
    found = when or When(now, "unknown")
    if not_before is not None and found.at < not_before:
        return Told(occurred_at=not_before, precision="unknown")
    return Told(occurred_at=found.at, precision=found.precision)


def view(said: Iterable[Event], fields: Sequence[str], first: type, corrected: type) -> dict[str, Any]:
    """What the source last said of these fields, as JSON values: the first event, then its corrections."""
    known: dict[str, Any] = {}
    for event in said:
        if isinstance(event, first):
            known |= {name: msgspec.to_builtins(getattr(event, name)) for name in fields}
        elif isinstance(event, corrected):
            changes: dict[str, Any] = getattr(event, "changes", {})
            known |= {name: change.after for name, change in changes.items() if name in fields}
    return known


def changed(wanted: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    """What the source says otherwise than last time."""
    return {name: value for name, value in wanted.items() if msgspec.to_builtins(value) != known.get(name)}
