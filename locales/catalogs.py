"""The message catalogs: one flat, sorted JSON file of ICU messages per language, compiled when first used."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from icu4py.messageformat import MessageFormat

from locales.patterns import arguments

LOCALES = ("fa", "en", "ar")

# Numbering system and calendar are pinned: ICU's default for plain "ar" is Latin digits.
ICU_LOCALES = {
    "fa": "fa@calendar=persian;numbers=arabext",
    "en": "en@calendar=gregorian;numbers=latn",
    "ar": "ar@calendar=gregorian;numbers=arab",
}


class MissingMessage(KeyError):
    """No such key, or no such language: a bug, caught by `python -m locales.check`."""


Use = Literal["number", "selector", "text"]
"""ICU needs the number itself; the value only chooses between cases; its rendered text is shown."""


class Compiled(msgspec.Struct, frozen=True):
    """A message ready to format, and what it does with each argument."""

    pattern: str
    format: MessageFormat
    arguments: dict[str, Use]


def path(locale: str) -> Path:
    return Path(__file__).parent / f"{locale}.json"


@cache
def messages(locale: str) -> dict[str, str]:
    """Raises MissingMessage for a language that has no catalog."""
    if locale not in LOCALES:
        raise MissingMessage(locale)
    return msgspec.json.decode(path(locale).read_bytes(), type=dict[str, str])


@cache
def catalog_hash(locale: str) -> str:
    """SHA-256 of the catalog's bytes, for cache keys: another wording is another answer."""
    return hashlib.sha256(path(locale).read_bytes()).hexdigest()


def has(locale: str, key: str) -> bool:
    return key in messages(locale)


@cache
def compiled(locale: str, key: str) -> Compiled:
    """Raises MissingMessage."""
    pattern = messages(locale).get(key)
    if pattern is None:
        raise MissingMessage(f"{key} in {locale}")
    return Compiled(pattern, MessageFormat(pattern, ICU_LOCALES[locale]), _uses(pattern))


def _uses(pattern: str) -> dict[str, Use]:
    kinds: dict[str, set[str]] = {}
    for argument in arguments(pattern):
        kinds.setdefault(argument.name, set()).add(argument.kind)
    return {name: _use(of) for name, of in kinds.items()}


def _use(kinds: set[str]) -> Use:
    if kinds & {"plural", "selectordinal", "number"}:
        return "number"
    return "selector" if kinds == {"select"} else "text"
