"""A day is a day of the zone given, in the calendar and the digits of the reader."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from locales import format_date, format_datetime, localize_digits, parse_digits
from tests.locales.cldr import cldr, days

NOWRUZ = date(2024, 3, 20)
BEFORE_MIDNIGHT_IN_UTC = datetime(2024, 3, 19, 22, 0, tzinfo=UTC)


def test_nowruz_in_three_languages() -> None:
    assert format_date("fa", NOWRUZ) == "۱ فروردین ۱۴۰۳"
    assert format_date("ar", NOWRUZ) == "٢٠ مارس ٢٠٢٤"
    assert format_date("en", NOWRUZ) == "March 20, 2024"


def test_the_day_is_that_of_the_zone() -> None:
    assert format_date("fa", BEFORE_MIDNIGHT_IN_UTC) == "۱ فروردین ۱۴۰۳"
    assert format_date("fa", BEFORE_MIDNIGHT_IN_UTC, time_zone="UTC") == "۲۹ اسفند ۱۴۰۲"
    assert format_date("en", BEFORE_MIDNIGHT_IN_UTC, time_zone="America/New_York") == "March 19, 2024"


def test_the_zone_of_the_process_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    assert format_datetime("en", BEFORE_MIDNIGHT_IN_UTC) == "March 20, 2024, 01:30"


def test_a_moment_shows_its_time() -> None:
    assert format_datetime("fa", BEFORE_MIDNIGHT_IN_UTC) == "۱ فروردین ۱۴۰۳، ساعت ۰۱:۳۰"
    assert format_datetime("ar", BEFORE_MIDNIGHT_IN_UTC) == "٢٠ مارس ٢٠٢٤، الساعة ٠١:٣٠"
    assert format_datetime("fa", BEFORE_MIDNIGHT_IN_UTC, precision="day") == "۱ فروردین ۱۴۰۳"
    assert format_datetime("fa", NOWRUZ) == "۱ فروردین ۱۴۰۳"


@pytest.mark.parametrize("told", [format_date, format_datetime])
def test_an_unknown_date_says_so(told: Callable[..., str]) -> None:
    assert told("fa", NOWRUZ, precision="unknown") == "۱ فروردین ۱۴۰۳ (تاریخ دقیق نامعلوم)"
    assert told("en", BEFORE_MIDNIGHT_IN_UTC, precision="unknown") == "March 20, 2024 (exact date unknown)"


def test_a_moment_without_a_zone_is_a_bug() -> None:
    with pytest.raises(ValueError, match="2024"):
        format_date("fa", BEFORE_MIDNIGHT_IN_UTC.replace(tzinfo=None))


@pytest.mark.third_party
def test_every_day_of_two_centuries_agrees_with_the_oracle() -> None:
    names = cldr("fa.ca-persian.json")["main"]["fa"]["dates"]["calendars"]["persian"]["months"]
    months = names["format"]["wide"]
    told = 0
    for gregorian, (year, month, day) in days():
        expected = (
            f"{localize_digits('fa', str(day))} {months[str(month)]} {localize_digits('fa', str(year))}"
        )
        assert format_date("fa", gregorian) == expected
        told += 1
    assert told == 73_414


@pytest.mark.parametrize("locale", ["ar", "en"])
@pytest.mark.third_party
def test_every_day_of_a_leap_year_agrees_with_cldr(locale: str) -> None:
    calendar = cldr(f"{locale}.ca-gregorian.json")["main"][locale]["dates"]["calendars"]["gregorian"]
    months = calendar["months"]["format"]["wide"]
    pattern = {"d MMMM y": "{d} {m} {y}", "MMMM d, y": "{m} {d}, {y}"}[calendar["dateFormats"]["long"]]
    for gregorian, _ in days():
        if gregorian.year == 2024:
            told = pattern.format(d=gregorian.day, m=months[str(gregorian.month)], y=2024)
            assert parse_digits(format_date(locale, gregorian)) == told
