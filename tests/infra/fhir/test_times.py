"""Stories of FHIR dates."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from infra.fhir.times import NoDate, When, read, unknown

TEHRAN = ZoneInfo("Asia/Tehran")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2015-02-07T13:28:17-05:00", When(datetime(2015, 2, 7, 18, 28, 17, tzinfo=UTC))),
        ("2015-02-07T13:28:17.239+02:00", When(datetime(2015, 2, 7, 11, 28, 17, 239000, tzinfo=UTC))),
        ("2015-02-07T13:28:17Z", When(datetime(2015, 2, 7, 13, 28, 17, tzinfo=UTC))),
        ("2015-02-07", When(datetime(2015, 2, 6, 20, 30, tzinfo=UTC), "day")),
        ("2015-02", When(datetime(2015, 1, 31, 20, 30, tzinfo=UTC), "unknown")),
        ("2015", When(datetime(2014, 12, 31, 20, 30, tzinfo=UTC), "unknown")),
    ],
)
def test_a_date_is_an_instant_and_how_well_it_is_known(written: str, expected: When) -> None:
    assert read(written, TEHRAN) == expected


def test_what_has_no_zone_is_meant_in_ours() -> None:
    assert read("2015-02-07T13:00:00", TEHRAN).at == datetime(2015, 2, 7, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "written", ["", "soon", "2015-13", "2015-02-30", "0000", "0001-01-01", "around 2015"]
)
def test_what_is_no_date_says_so(written: str) -> None:
    with pytest.raises(NoDate):
        read(written, TEHRAN)


def test_the_last_known_date_is_not_passed_off_as_the_true_one() -> None:
    assert unknown(read("2015-02-07", TEHRAN)).precision == "unknown"
