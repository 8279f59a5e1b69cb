"""Chooses the language of an answer and knows in which direction it is read."""

import re
from functools import cache

from babel import Locale

from locales.catalogs import LOCALES

_RANGE = re.compile(
    r"\s*(?P<tag>\*|[a-zA-Z]{1,8}(?:-[a-zA-Z0-9]{1,8})*)\s*"
    r"(?:;\s*q=(?P<q>0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?",
    re.ASCII,
)


def negotiate(
    accept_language: str | None, preferred: str | None, asked: str | None, default: str = "fa"
) -> str:
    """`?lang=`, else the account's preference, else Accept-Language by its q-values, else `default`."""
    for tag in (asked, preferred):
        if tag is not None and (locale := _supported(tag)) is not None:
            return locale
    return _accepted(accept_language or "", default)


@cache
def direction(locale: str) -> str:
    """`"rtl"` or `"ltr"`."""
    return Locale.parse(locale, sep="-").text_direction


def _supported(tag: str) -> str | None:
    language = re.split("[-_]", tag.strip().lower(), maxsplit=1)[0]
    return language if language in LOCALES else None


def _accepted(header: str, default: str) -> str:
    """The best language of the header; a tie goes to the one named first, `*` to the default."""
    weights: dict[str, float] = {}
    for part in header.split(","):
        found = _RANGE.fullmatch(part)
        if found is None:
            continue
        language = "*" if found["tag"] == "*" else _supported(found["tag"])
        if language is not None:
            weight = 1.0 if found["q"] is None else float(found["q"])
            weights[language] = max(weight, weights.get(language, 0.0))
    return _best(weights, default)


def _best(weights: dict[str, float], default: str) -> str:
    wildcard = weights.pop("*", None)
    if wildcard is not None:
        for locale in (default, *LOCALES):
            weights.setdefault(locale, wildcard)
    accepted = {locale: weight for locale, weight in weights.items() if weight > 0}
    return max(accepted, key=accepted.__getitem__, default=default)
