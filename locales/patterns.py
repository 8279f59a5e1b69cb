"""Reads the structure of an ICU message: which arguments it takes, as what, and which words are plain text.

ICU itself complains neither about a missing argument nor about a bogus plural category, so we look ourselves.
Catalogs hold no ASCII apostrophe (ICU's quoting sign); what is left of the grammar is braces and commas.
"""

import re
from collections.abc import Iterator

from msgspec import Struct


class Text(Struct, frozen=True):
    """Words that reach the reader as they stand."""

    text: str


class Argument(Struct, frozen=True):
    """A place for a value; `branches` names the cases of a plural or select."""

    name: str
    kind: str = ""
    branches: tuple[str, ...] = ()


class MalformedPattern(ValueError):
    """The message is not in the grammar of our catalogs."""


_BRANCHING = {"plural", "select", "selectordinal"}
_BRANCH = re.compile(r"\s*(=?\w+)\s*(?=\{)")


def parse(pattern: str) -> Iterator[Text | Argument]:
    """Every piece in reading order, those inside branches included. Raises MalformedPattern."""
    if "'" in pattern:
        raise MalformedPattern("an ASCII apostrophe")
    at = 0
    while (start := pattern.find("{", at)) >= 0:
        yield from _text(pattern[at:start])
        at = _closing(pattern, start) + 1
        yield from _argument(pattern[start + 1 : at - 1])
    yield from _text(pattern[at:])


def arguments(pattern: str) -> frozenset[Argument]:
    """Raises MalformedPattern."""
    return frozenset(piece for piece in parse(pattern) if isinstance(piece, Argument))


def _text(words: str) -> Iterator[Text]:
    if "}" in words:
        raise MalformedPattern("a brace without its partner")
    if words:
        yield Text(words)


def _closing(pattern: str, start: int) -> int:
    depth = 0
    for at in range(start, len(pattern)):
        depth += {"{": 1, "}": -1}.get(pattern[at], 0)
        if depth == 0:
            return at
    raise MalformedPattern("a brace without its partner")


def _argument(body: str) -> Iterator[Text | Argument]:
    name, _, rest = body.partition(",")
    kind, _, style = (part.strip() for part in rest.partition(","))
    if not re.fullmatch(r"[a-z_]+", name.strip()):
        raise MalformedPattern(f"the argument name {name!r}")
    if kind not in _BRANCHING:
        yield Argument(name.strip(), kind)
        return
    branches = dict(_branches(style))
    yield Argument(name.strip(), kind, tuple(sorted(branches)))
    for branch in branches.values():
        yield from parse(branch)


def _branches(style: str) -> Iterator[tuple[str, str]]:
    at = 0
    while style[at:].strip():
        found = _BRANCH.match(style, at)
        if found is None:
            raise MalformedPattern(f"a branch at {style[at:]!r}")
        end = _closing(style, found.end())
        yield found[1], style[found.end() + 1 : end]
        at = end + 1
