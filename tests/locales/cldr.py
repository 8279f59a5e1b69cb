"""Reads the Unicode data that the language tests compare with; it is not part of the repository."""

import csv
import gzip
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

ROOT = Path(__file__).parent.parent.parent


def test_data(*parts: str) -> Path:
    """A file of the test data; a test that needs it fails with a clear word when it is not there."""
    path = Path(os.environ.get("TARIKH_TEST_DATA") or ROOT.parent / "shared" / "data").joinpath(*parts)
    if not path.exists():
        pytest.fail(f"{path} is missing: set TARIKH_TEST_DATA to the folder that holds {parts[0]}/")
    return path


test_data.__test__ = False  # type: ignore[attr-defined]  # the name begins like a test's


def cldr(name: str) -> Any:  # noqa: ANN401 (a JSON document of somebody else)
    return msgspec.json.decode(test_data("cldr", name).read_bytes())


def days() -> Iterator[tuple[date, tuple[int, int, int]]]:
    """Every day of 1900–2100 with its Solar Hijri year, month and day."""
    with gzip.open(test_data("calendar", "gregorian_jalali_hijri_icu_1900-2100.csv.gz"), "rt") as rows:
        for row in csv.DictReader(rows):
            year, month, day = row["jalali_icu"].split("-")
            yield date.fromisoformat(row["gregorian"]), (int(year), int(month), int(day))
