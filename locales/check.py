"""Finds what is wrong with the catalogs: `python -m locales.check` prints a line for each and exits 1."""

import re
import sys
from collections.abc import Iterable, Iterator

import msgspec
from babel import Locale
from icu4py.messageformat import MessageFormat

from locales.catalogs import ICU_LOCALES, LOCALES, path
from locales.codes import Need, needs
from locales.patterns import Argument, MalformedPattern, Text, arguments, parse

Catalogs = dict[str, dict[str, str]]

# What must not stand in a language's plain words, and how we call it.
_FOREIGN = {
    "fa": {
        "an Arabic letter": "[يكىةۀ]",
        "a digit that is not Persian": "[0-9٠-٩]",
        "a Latin letter or sign": '[A-Za-z,;?"“”%]',
    },
    "ar": {
        "a Persian letter": "[یکپچژگ]",
        "a digit that is not Arabic-Indic": "[0-9۰-۹]",
        "a Latin letter or sign": '[A-Za-z,;?"“”%]',
    },
    "en": {"a letter or digit that is not Latin": "[\u0600-\u06ff«»]"},
}
_STRAY = {
    "two spaces in a row": "  ",
    "a tab or line break": r"[\t\r\n\u2028\u2029\u0085]",
    "a space before a stop": r" [.,;:،؛؟!]",
    "a joiner at the edge of a word": "\u200c[\\s\u200c]|[\\s]\u200c|^\u200c|\u200c$",
    "a direction control (isolates are added at render)": "[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]",
    "a tatweel": "\u0640",
}


def problems() -> list[str]:
    """One line for each thing wrong in the catalogs that are shipped."""
    files = {locale: path(locale).read_bytes() for locale in LOCALES}
    catalogs = {locale: msgspec.json.decode(file, type=dict[str, str]) for locale, file in files.items()}
    return [
        *(line for locale, file in files.items() for line in unsorted(locale, file)),
        *faults(catalogs),
        *unworded(catalogs, needs()),
    ]


def unsorted(locale: str, file: bytes) -> Iterator[str]:
    """A catalog has one form: sorted keys, two spaces, a key once (so that two branches merge well)."""
    catalog = msgspec.json.decode(file, type=dict[str, str])
    canonical = msgspec.json.format(msgspec.json.encode(dict(sorted(catalog.items()))), indent=2) + b"\n"
    if file != canonical:
        yield f"{locale}.json: not in canonical form (sorted, each key once, indented by two)"


def faults(catalogs: Catalogs) -> Iterator[str]:
    """What is wrong with the messages themselves, and between the languages."""
    for key in sorted(set().union(*catalogs.values())):
        sound: dict[str, frozenset[Argument]] = {}
        for locale in catalogs:
            if key not in catalogs[locale]:
                yield f"{locale}: {key}: missing"
                continue
            found = list(_message(locale, catalogs[locale][key]))
            yield from (f"{locale}: {key}: {fault}" for fault in found)
            if not found:
                sound[locale] = arguments(catalogs[locale][key])
        yield from _disagreement(key, sound)


def unworded(catalogs: Catalogs, needed: Iterable[Need]) -> Iterator[str]:
    """Codes and event tags of the source that a language has no words for, or words that ask for more."""
    for need in needed:
        for locale, catalog in catalogs.items():
            if need.key not in catalog:
                yield f"{locale}: {need.key}: missing, needed in {need.place}"
            elif need.supplied is not None:
                asked = {argument.name for argument in arguments(catalog[need.key])}
                for name in sorted(asked - need.supplied):
                    yield f"{locale}: {need.key}: asks for {{{name}}}, not supplied in {need.place}"


def _message(locale: str, pattern: str) -> Iterator[str]:
    try:
        pieces = list(parse(pattern))
        MessageFormat(pattern, ICU_LOCALES[locale])
    except (MalformedPattern, ValueError) as error:
        yield str(error)
        return
    if not pattern or pattern != pattern.strip():
        yield "empty, or space at an end"
    for piece in pieces:
        yield from _words(locale, piece.text) if isinstance(piece, Text) else _branches(locale, piece)


def _words(locale: str, words: str) -> Iterator[str]:
    for name, regex in (_STRAY | _FOREIGN[locale]).items():
        if re.search(regex, words):
            yield f"{name} in {words!r}"


def _branches(locale: str, argument: Argument) -> Iterator[str]:
    branches = {branch for branch in argument.branches if not branch.startswith("=")}
    if argument.kind == "plural":
        categories = plural_categories(locale)
        if branches != categories:
            yield f"{{{argument.name}}} has the cases {sorted(branches)}, the language {sorted(categories)}"
    elif argument.kind not in {"", "number", "select"}:
        yield f"{{{argument.name}}} is a {argument.kind}; dates and lists come rendered"


def plural_categories(locale: str) -> set[str]:
    return {*Locale.parse(locale).plural_form.tags, "other"}


def _disagreement(key: str, sound: dict[str, frozenset[Argument]]) -> Iterator[str]:
    """Languages differ in plural cases; in names, kinds and select cases they do not."""
    shapes = {locale: {_shape(argument) for argument in found} for locale, found in sound.items()}
    everything = set().union(*shapes.values())
    for locale, shape in shapes.items():
        for name, kind, cases in sorted(everything - shape):
            yield f"{locale}: {key}: lacks {{{name}{', ' if kind else ''}{kind}}} {' '.join(cases)}".rstrip()


def _shape(argument: Argument) -> tuple[str, str, tuple[str, ...]]:
    return argument.name, argument.kind, argument.branches if argument.kind == "select" else ()


def main() -> int:
    found = problems()
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
