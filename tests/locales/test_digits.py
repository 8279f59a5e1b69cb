"""Numbers are written in the reader's digits and read in anybody's."""

import sys
import unicodedata
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locales import LOCALES, format_number, localize_digits, parse_digits
from tests.locales.cldr import cldr


def test_numbers_in_three_languages() -> None:
    assert format_number("fa", 12345.5) == "۱۲٬۳۴۵٫۵"
    assert format_number("ar", 12345.5) == "١٢٬٣٤٥٫٥"
    assert format_number("en", 12345.5) == "12,345.5"
    assert format_number("fa", Decimal("0.05")) == "۰٫۰۵"


@pytest.mark.parametrize(("locale", "system"), [("fa", "arabext"), ("ar", "arab"), ("en", "latn")])
@pytest.mark.third_party
def test_signs_and_digits_agree_with_cldr(locale: str, system: str) -> None:
    digits = cldr("numberingSystems.json")["supplemental"]["numberingSystems"][system]["_digits"]
    signs = cldr(f"{locale}.numbers.json")["main"][locale]["numbers"][f"symbols-numberSystem-{system}"]
    assert localize_digits(locale, "0123456789") == digits
    assert format_number(locale, 1234.5) == (
        f"{digits[1]}{signs['group']}{digits[2:5]}{signs['decimal']}{digits[5]}"
    )


def test_quantities_keep_their_letters() -> None:
    assert localize_digits("fa", "130/85 mmHg") == "۱۳۰/۸۵ mmHg"
    assert localize_digits("ar", "۱۳۰/۸۵ mmHg") == "١٣٠/٨٥ mmHg"


def test_digits_of_every_script_are_read() -> None:
    for letter in map(chr, range(sys.maxunicode + 1)):
        if unicodedata.category(letter) == "Nd":
            assert parse_digits(letter) == str(unicodedata.decimal(letter))


@given(st.text(), st.sampled_from(LOCALES))
def test_reading_undoes_writing(text: str, locale: str) -> None:
    assert parse_digits(localize_digits(locale, text)) == parse_digits(text)
