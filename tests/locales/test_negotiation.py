"""The language of an answer: asked for, else preferred, else accepted by weight, else Persian."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from locales import LOCALES, direction, negotiate


def test_what_is_asked_goes_before_what_is_preferred_and_accepted() -> None:
    assert negotiate("en", "ar", "fa") == "fa"
    assert negotiate("en", "ar", None) == "ar"
    assert negotiate("en", None, None) == "en"
    assert negotiate(None, None, None) == "fa"
    assert negotiate(None, None, None, default="en") == "en"


def test_an_unknown_language_is_passed_over() -> None:
    assert negotiate("en", None, "de") == "en"
    assert negotiate("de, fr;q=0.5", "tr", "de") == "fa"


@pytest.mark.parametrize(
    ("header", "chosen"),
    [
        ("en;q=0.5, ar;q=0.9", "ar"),
        ("de, ar;q=0.3, en;q=0.4", "en"),
        ("en-GB,en;q=0.9,fa;q=0.8", "en"),
        ("fa-IR;q=0.7, AR-eg;q=0.8", "ar"),
        ("en;q=0.5, ar;q=0.5", "en"),
        ("en;q=0, *", "fa"),
        ("fa;q=0, *;q=0.5", "en"),
        ("*;q=0.1, en;q=0.05", "fa"),
        ("en;q=0", "fa"),
        ("en;q=2, ar;q=0.1", "ar"),
        ("en ; q=0.2 , ar ; q=0.3", "ar"),
        ("", "fa"),
        (";;,=,q=1", "fa"),
    ],
)
def test_accepted_by_weight(header: str, chosen: str) -> None:
    assert negotiate(header, None, None) == chosen


@given(st.text() | st.none(), st.text() | st.none(), st.text() | st.none())
def test_whatever_comes_in_a_language_comes_out(header: str | None, preferred: str, asked: str) -> None:
    assert negotiate(header, preferred, asked) in LOCALES


def test_direction() -> None:
    assert [direction(locale) for locale in LOCALES] == ["rtl", "ltr", "rtl"]
    assert direction("fa-IR") == "rtl"
