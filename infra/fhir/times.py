"""FHIR dates: a moment, a day, a month or a year become an instant and how well it is known."""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from domain.event import Precision

_PARTIAL = re.compile(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?")


class When(msgspec.Struct, frozen=True, order=True, omit_defaults=True):
    """An instant in UTC; where only a month or a year is known it is the first one of it."""

    at: datetime
    precision: Precision = "exact"


class NoDate(ValueError):
    """What was written is no FHIR date."""


def read(text: str, zone: ZoneInfo) -> When:
    """A FHIR date, dateTime or instant; what has no zone of its own is meant in `zone`.

    Raises NoDate where it is none.
    """
    partial = _PARTIAL.fullmatch(text)
    try:
        if partial is None:
            moment = datetime.fromisoformat(text)
            return When((moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC))
        year, month, day = (int(part) if part else None for part in partial.groups())
        first = datetime(year or 0, month or 1, day or 1, tzinfo=zone)
        return When(first.astimezone(UTC), "day" if day else "unknown")
    except (ValueError, OverflowError) as error:  # overflow: the edges of the calendar
        raise NoDate(text) from error


def unknown(when: When) -> When:
    """The same instant, as no more than the last date that is known."""
    return When(when.at, "unknown")
