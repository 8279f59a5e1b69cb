"""Days and times as each language writes them: ۱ فروردین ۱۴۰۳, ٢٠ مارس ٢٠٢٤, March 20, 2024.

ICU is not asked for dates: icu4py formats them in the zone of the process; a day is a day of the zone given.
"""

from datetime import date, datetime
from functools import cache, lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel.dates import format_date as format_gregorian
from persiantools.jdatetime import JalaliDate

from locales.catalogs import compiled
from locales.digits import localize_digits

Precision = Literal["exact", "day", "unknown"]


def format_date(
    locale: str, when: date | datetime, time_zone: str = "Asia/Tehran", precision: Precision = "exact"
) -> str:
    """The day; with `precision="unknown"` it says that this is only the last date known.

    A datetime must be aware (ValueError); a plain date is already a day and has no zone.
    """
    return _hedged(locale, _day(locale, _local(when, time_zone)), precision)


def format_datetime(
    locale: str, when: date | datetime, time_zone: str = "Asia/Tehran", precision: Precision = "exact"
) -> str:
    """The day and, if `when` is exact, the time of day by the 24-hour clock. Raises as `format_date`."""
    local = _local(when, time_zone)
    day = _day(locale, local)
    if precision != "exact" or not isinstance(local, datetime):
        return _hedged(locale, day, precision)
    time = localize_digits(locale, f"{local:%H:%M}")
    return compiled(locale, "format.datetime").format.format({"date": day, "time": time})


def _hedged(locale: str, day: str, precision: Precision) -> str:
    if precision == "unknown":
        return compiled(locale, "precision.unknown").format.format({"date": day})
    return day


def _local(when: date | datetime, time_zone: str) -> date | datetime:
    if not isinstance(when, datetime):
        return when
    if when.tzinfo is None:
        raise ValueError(when)
    return when.astimezone(_zone(time_zone))


def _day(locale: str, when: date | datetime) -> str:
    return _day_text(locale, when.year, when.month, when.day)


@lru_cache(maxsize=10_000)
def _day_text(locale: str, year: int, month: int, day: int) -> str:
    gregorian = date(year, month, day)
    if locale != "fa":
        return localize_digits(locale, format_gregorian(gregorian, "long", locale=locale))
    jalali = JalaliDate(gregorian)  # type: ignore[no-untyped-call]  # its constructor is not annotated
    return localize_digits(locale, f"{jalali.day} {jalali.strftime('%B', locale='fa')} {jalali.year}")


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
