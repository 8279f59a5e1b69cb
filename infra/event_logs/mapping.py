"""The map of an event log: which columns say what, and which event of ours each activity is."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import msgspec

from domain.diagnosis import RecordDiagnosis
from domain.event import Code, Command
from domain.patient import RegisterPatient
from infra.errors import CommandMisused
from infra.event_logs.commands import COMMANDS

ColumnType = Literal["text", "integer", "number", "boolean"]
Fields = dict[str, Any]
GIVEN_BY_THE_ROW = frozenset({"occurred_at", "precision", "origin"})
MISSING = msgspec.UNSET
_COLUMN = re.compile(r"\{([^{}]+)\}")


class Shape(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the map; what it does not know is a mistake."""


class Activity(Shape, frozen=True, kw_only=True):
    """The event that an activity is, by its stored tag, and its fields: constants and `{column}`s."""

    event: str
    fields: Fields = {}


class EventMap(Shape, frozen=True, kw_only=True):
    """`source` names the log in every reference; `id` is a column that tells the rows of a case apart.

    `patient` and `diagnosis` are what is recorded at the first row of a case.
    """

    source: Code
    case: str
    activity: str
    time: str
    id: str | None = None
    time_zone: str | None = None
    time_format: str | None = None
    delimiter: str = ","
    missing: tuple[str, ...] = ()
    columns: dict[str, ColumnType] = {}
    patient: Fields = {}
    diagnosis: Fields | None = None
    activities: dict[str, Activity]
    ignored: tuple[str, ...] = ()

    @property
    def used(self) -> set[str]:
        """Every column that the map speaks of."""
        named = {self.case, self.activity, self.time, *self.columns, *([self.id] if self.id else [])}
        templates = [self.patient, self.diagnosis, *(one.fields for one in self.activities.values())]
        return named | {name for template in templates for name in _named(template)}

    def zone(self, otherwise: ZoneInfo) -> ZoneInfo:
        """Where the clock hung that wrote the times."""
        return ZoneInfo(self.time_zone) if self.time_zone else otherwise


def read_map(path: Path) -> EventMap:
    """A map in TOML or JSON. Raises CommandMisused with everything that is wrong in it."""
    decode = msgspec.json.decode if path.suffix == ".json" else msgspec.toml.decode
    try:
        found = decode(path.read_bytes(), type=EventMap)
    except (msgspec.MsgspecError, ValueError, OSError) as error:
        raise CommandMisused(f"{path}: {error}") from error
    if wrong := list(_wrong(found)):
        raise CommandMisused(f"{path}: {'; '.join(wrong)}")
    return found


def filled(template: Any, values: Mapping[str, Any]) -> Any:  # noqa: ANN401  JSON
    """The template with the row's values in it; MISSING where it is one column that says nothing."""
    match template:
        case str() if alone := _COLUMN.fullmatch(template):
            return values.get(alone[1], MISSING)
        case str():
            return _COLUMN.sub(lambda found: str(values.get(found[1], "")), template)
        case dict():
            inside = {name: filled(one, values) for name, one in template.items()}
            return {name: one for name, one in inside.items() if one is not MISSING}
        case list():
            return [one for part in template if (one := filled(part, values)) is not MISSING]
        case _:
            return template


def _wrong(found: EventMap) -> Iterator[str]:
    yield from _unknown_fields("patient", RegisterPatient, found.patient)
    yield from _unknown_fields("diagnosis", RecordDiagnosis, found.diagnosis or {})
    for name, activity in found.activities.items():
        if activity.event not in COMMANDS:
            yield f"activities.{name}: no event {activity.event}; there are {', '.join(COMMANDS)}"
        else:
            yield from _unknown_fields(f"activities.{name}", COMMANDS[activity.event].kind, activity.fields)
    if len(found.delimiter) != 1:
        yield "delimiter: one character"
    try:
        found.zone(ZoneInfo("UTC"))
    except (KeyError, ValueError, OSError):
        yield f"time_zone: there is no {found.time_zone}"


def _unknown_fields(where: str, kind: type[Command], given: Fields) -> Iterator[str]:
    known = {field.encode_name for field in msgspec.structs.fields(kind)} - GIVEN_BY_THE_ROW
    for name in given:
        if name not in known:
            yield f"{where}: no field {name}"


def _named(template: object) -> Iterator[str]:
    match template:
        case str():
            yield from _COLUMN.findall(template)
        case dict():
            for one in template.values():
                yield from _named(one)
        case Sequence():
            for one in template:
                yield from _named(one)
