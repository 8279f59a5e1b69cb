"""What a verification finds, and the walk along the leaves that all verifications share."""

from collections.abc import Iterable, Sequence

import msgspec

from infra.notary.merkle import Frontier
from infra.notary.note import Checkpoint


class Problem(msgspec.Struct, frozen=True):
    """Something that does not match: from which position to which, where it has a place in the log."""

    text: str
    first: int | None = None
    last: int | None = None

    def __str__(self) -> str:
        if self.first is None:
            return self.text
        if self.last in {None, self.first}:
            return f"position {self.first}: {self.text}"
        return f"positions {self.first} to {self.last}: {self.text}"


class Report(msgspec.Struct):
    """How a verification ended: well, where there are no problems."""

    size: int = 0
    root: str = ""
    key: str | None = None
    key_from_file: bool = False
    problems: list[Problem] = []

    @property
    def first_bad_position(self) -> int | None:
        return min((problem.first for problem in self.problems if problem.first is not None), default=None)


class Walk:
    """Rebuilds the tree leaf by leaf and holds every signed head that it passes against it."""

    def __init__(self) -> None:
        self.tree = Frontier()
        self._agreed = 0

    def past(self, hashes: Sequence[bytes], heads: Iterable[Checkpoint]) -> Problem | None:
        """Go past the heads that these further leaves reach, the smallest first; the first that disagrees."""
        for head in heads:
            if self.tree.root(hashes[: head.size - self.tree.size]) != head.root:
                text = f"what stands here is not what the checkpoint of size {head.size} was signed for"
                return Problem(text, self._agreed + 1, max(head.size, 1))
            self._agreed = head.size
        return None
