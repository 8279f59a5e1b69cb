"""What a verifier must say of a mutation, and whether it did."""

import re
from collections.abc import Sequence

import msgspec

from infra.notary.findings import Problem

_POSITION = re.compile(r"position (-?\d+) ")


class Expected(msgspec.Struct, frozen=True):
    """Where it must be named: at a position, in a range around it, or (None) in words alone.

    `page`: the file is broken somewhere in the page of so many events that begins there.
    """

    position: int | None
    exactly: bool = True
    words: str = ""
    page: int = 1
    exporting: int | None = None
    """Where an export of it gives up, when that is elsewhere."""

    def told(self, problems: Sequence[Problem]) -> bool:
        """Whether these problems name it."""
        if not any(self.words in problem.text for problem in problems):
            return False
        if self.position is None:
            return True
        firsts = [problem.first for problem in problems if problem.first is not None]
        if self.exactly:
            named = min(firsts, default=None)
            return named is not None and self.position <= named < self.position + self.page
        return any(
            problem.first is not None and problem.first <= self.position <= (problem.last or problem.first)
            for problem in problems
        )

    def told_by_exporting(self, message: str) -> bool:
        """Whether a refusal to export names it."""
        found = _POSITION.search(message)
        return found is not None and int(found[1]) in {self.position, self.exporting}


def at(position: int) -> Expected:
    return Expected(position)


def around(position: int) -> Expected:
    """A range that holds it: only a tree head disagrees."""
    return Expected(position, exactly=False)


def in_words(words: str) -> Expected:
    return Expected(None, words=words)
