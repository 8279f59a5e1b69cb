"""The message catalogs: one flat, sorted JSON file of ICU messages per language, compiled when first used."""

import hashlib
from functools import cache
from pathlib import Path

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


class Compiled(msgspec.Struct, frozen=True):
    """A message ready to format; `arguments` says of each name whether ICU needs the number itself."""

    pattern: str
    format: MessageFormat
    arguments: dict[str, bool]


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
    numeric: dict[str, bool] = {}
    for argument in arguments(pattern):
        numeric[argument.name] = numeric.get(argument.name, False) or argument.numeric
    return Compiled(pattern, MessageFormat(pattern, ICU_LOCALES[locale]), numeric)
