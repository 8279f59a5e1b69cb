"""The rows of a table, one in memory at a time: read by the map, or what is wrong with them."""

import csv
import gzip
import hashlib
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, Protocol, cast
from zoneinfo import ZoneInfo

import msgspec

from infra.errors import CommandMisused
from infra.event_logs.mapping import EventMap
from infra.fhir.times import NoDate, When, read

IDENTITY_DIGITS = 16
LONGEST_CELL = 1_000_000
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False, "yes": True, "no": False}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An event of the log: `identity` is what its map's id column says, else made of all its cells."""

    line: int
    case: str
    activity: str
    at: When
    identity: str
    values: dict[str, Any]


class Wrong(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A row that was not brought in, and why."""

    line: int
    code: str
    detail: str = ""
    case: str = ""
    activity: str = ""


class _Lines(Protocol):
    """A reader of lines that knows how many it has read."""

    @property
    def line_num(self) -> int: ...

    def __next__(self) -> list[str]: ...


class _Unfit(Exception):
    """What is wrong with one row."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


def rows(path: Path, found: EventMap, otherwise: ZoneInfo) -> Iterator[Row | Wrong]:
    """Every row after the head. Raises CommandMisused where the table has not the columns of the map."""
    zone = found.zone(otherwise)
    csv.field_size_limit(LONGEST_CELL)
    try:
        with _opened(path) as stream:
            reader = csv.reader(stream, delimiter=found.delimiter)
            head = _head(next(reader, []), found, path)
            yield from _rows(reader, head, lambda line, cells: _row(line, cells, found, zone))
    except (OSError, EOFError) as error:
        raise CommandMisused(f"{path}: {error}") from error


def _opened(path: Path) -> IO[str]:
    """Bytes that are no UTF-8 are kept as surrogates, so that the row can be named."""
    opening = cast("Callable[..., IO[str]]", gzip.open if path.suffix == ".gz" else open)
    return opening(path, "rt", encoding="utf-8-sig", errors="surrogateescape", newline="")


def _head(head: list[str], found: EventMap, path: Path) -> list[str]:
    if absent := sorted(found.used - set(head)):
        raise CommandMisused(f"{path}: no column {', '.join(absent)}")
    if twice := sorted({name for name in found.used if head.count(name) > 1}):
        raise CommandMisused(f"{path}: more than one column {', '.join(twice)}")
    return head


def _rows(
    reader: _Lines, head: list[str], read_row: Callable[[int, Mapping[str, str]], Row | Wrong]
) -> Iterator[Row | Wrong]:
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Wrong(line=line, code="import.row_unreadable", detail=str(error))
            continue
        if not cells:
            continue
        if len(cells) != len(head):
            yield Wrong(line=line, code="import.columns_wrong", detail=f"{len(cells)} of {len(head)}")
        elif any(not cell.isascii() and _escaped(cell) for cell in cells):
            yield Wrong(line=line, code="import.not_utf8")
        else:
            yield read_row(line, dict(zip(head, cells, strict=True)))


def _escaped(cell: str) -> bool:
    return any("\udc80" <= letter <= "\udcff" for letter in cell)


def _row(line: int, cells: Mapping[str, str], found: EventMap, zone: ZoneInfo) -> Row | Wrong:
    case, activity = cells[found.case], cells[found.activity].strip()
    try:
        _known(case, activity, found)
        return Row(
            line=line,
            case=case,
            activity=activity,
            at=_time(cells[found.time], found, zone),
            identity=_identity(cells, found),
            values=dict(_values(cells, found)),
        )
    except _Unfit as why:
        return Wrong(line=line, code=why.code, detail=why.detail, case=case, activity=activity)


def _known(case: str, activity: str, found: EventMap) -> None:
    if not case.strip():
        raise _Unfit("import.case_missing")
    if activity not in found.activities and activity not in found.ignored:
        raise _Unfit("import.activity_unknown" if activity else "import.activity_missing")


def _time(text: str, found: EventMap, zone: ZoneInfo) -> When:
    try:
        if found.time_format is None:
            return read(text.strip(), zone)
        moment = datetime.strptime(text.strip(), found.time_format)  # noqa: DTZ007  the next line gives it one
        return When((moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC))
    except (NoDate, ValueError, OverflowError) as error:
        raise _Unfit("import.date_malformed", f"{found.time}: {text}") from error


def _identity(cells: Mapping[str, str], found: EventMap) -> str:
    if found.id is not None:
        if not cells[found.id].strip():
            raise _Unfit("import.identity_missing", found.id)
        return cells[found.id]
    said = msgspec.json.encode(sorted(cells.items()))
    return hashlib.sha256(said).hexdigest()[:IDENTITY_DIGITS]


def _values(cells: Mapping[str, str], found: EventMap) -> Iterator[tuple[str, Any]]:
    """What the row says; a cell that is empty, or as the map says is missing, says nothing.

    The case is named by what stands there, whatever that is.
    """
    for name, text in cells.items():
        if name == found.case:
            yield name, text
        elif text and text not in found.missing:
            yield name, _typed(name, text, found.columns.get(name, "text"))


def _typed(name: str, text: str, kind: str) -> str | int | float | bool:
    try:
        match kind:
            case "integer":
                return msgspec.convert(text.strip(), int, strict=False)
            case "number":
                return msgspec.convert(text.strip(), float, strict=False)
            case "boolean":
                return _BOOLEANS[text.strip().lower()]
            case _:
                return text
    except (KeyError, msgspec.ValidationError) as error:
        raise _Unfit("import.value_malformed", f"{name}: {text}") from error
