"""A read model of one patient, folded anew from the log: for auditors, and to compare with what is served."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from domain.errors import FieldError, NotFound, Rejected
from infra.event_log.reader import Reader
from infra.notary.signing import Proof
from infra.past import Moment, Past, end_of_day, start_of_day
from projections import timeline_page
from projections.model import ReadModel
from projections.timeline_words import Words

EVERYTHING = 2**31
TIMELINE = "patient_timeline"
DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Replay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A timeline as its route answers it but on one page; of other models the rows of each table.

    `as_corrected` is what is known today of the same days.
    """

    position: int
    items: tuple[timeline_page.TimelineItem, ...] | None = None
    tables: dict[str, list[dict[str, Any]]] | None = None
    next: str | msgspec.UnsetType | None = msgspec.UNSET
    as_corrected: "Replay | msgspec.UnsetType" = msgspec.UNSET
    checkpoint: str | msgspec.UnsetType | None = msgspec.UNSET
    proofs: tuple[Proof, ...] | msgspec.UnsetType = msgspec.UNSET


async def replay(  # noqa: PLR0913, PLR0917  who asks what of whom, as of when, in which words
    past: Past,
    reader: Reader,
    models: Mapping[str, ReadModel],
    patient_id: UUID,
    moment: Moment,
    words: Words,
    name: str = TIMELINE,
) -> Replay:
    """What the model shows of a patient, and of whoever was merged with them, at that moment.

    Of a time before the patient came it shows nothing. Raises NotFound for nobody.
    """
    if name not in models:
        raise NotFound("not_found")
    group = await past.group(patient_id, moment)
    position = await reader.last_change(group, moment.position)
    if not position and not await reader.last_change([patient_id]):
        raise NotFound("not_found")
    rows = await past.rows(models[name], group, moment)
    if name == TIMELINE:
        asked = timeline_page.Asked(limit=EVERYTHING)
        page = timeline_page.page_of(tuple(zip(group, rows, strict=True)), asked, words, 0, position)
        return Replay(position=position, items=page.items, next=None)
    tables = {
        table.name: [msgspec.to_builtins(row) for one in rows for row in one.all(table) if not row.removed]
        for table in models[name].tables
    }
    return Replay(position=position, tables=tables)


async def moment_of(reader: Reader, zone: ZoneInfo, known_at: str | None, as_of: str | None) -> Moment:
    """Read what a caller says of the time: a position or a time, a date or a time. Raises Rejected."""
    position = until = None
    wrong = []
    try:
        position = await _position(reader, zone, known_at)
    except (ValueError, OverflowError):
        wrong.append(FieldError(path="known_at", code="time.malformed"))
    try:
        until = None if as_of is None else last_instant(zone, as_of)
    except (ValueError, OverflowError):
        wrong.append(FieldError(path="as_of", code="time.malformed"))
    if wrong:
        raise Rejected("request.malformed", errors=tuple(wrong))
    return Moment(position, until)


async def _position(reader: Reader, zone: ZoneInfo, text: str | None) -> int | None:
    if text is None:
        return None
    if text.isascii() and text.isdigit():
        return await _had(reader, int(text))
    return await reader.position_at(last_instant(zone, text))


async def _had(reader: Reader, position: int) -> int:
    """The position, where the log has it: 20250101 was meant as a date, and is not silently "now"."""
    if not await reader.has(position):
        raise ValueError(position)
    return position


def last_instant(zone: ZoneInfo, text: str) -> datetime:
    """A time, or the last instant of a day of the zone. Raises ValueError."""
    return end_of_day(date.fromisoformat(text), zone) if DAY.fullmatch(text) else _instant(zone, text)


def first_instant(zone: ZoneInfo, text: str) -> datetime:
    """A time, or the first instant of a day of the zone. Raises ValueError."""
    return start_of_day(date.fromisoformat(text), zone) if DAY.fullmatch(text) else _instant(zone, text)


def _instant(zone: ZoneInfo, text: str) -> datetime:
    if not DAY.match(text):  # the library also reads weeks and days without hyphens
        raise ValueError(text)
    # a plus sign that was not escaped in a URL arrives as a blank
    when = datetime.fromisoformat(text[:19] + text[19:].replace(" ", "+"))
    return (when if when.tzinfo else when.replace(tzinfo=zone)).astimezone(UTC)
