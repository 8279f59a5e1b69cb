"""The Merkle tree of RFC 6962 and RFC 9162: how roots and proofs are made of hashes, how they are checked.

Whoever holds the hashes of complete subtrees can have any root and any proof made of them.
"""

import hashlib
from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

HASH_BYTES = 32
EMPTY = hashlib.sha256().digest()
"""The root of a tree without leaves."""


class Node(NamedTuple):
    """A complete subtree: `level` 0 is a leaf, and `number` counts the nodes of a level from the left."""

    level: int
    number: int


class Leaves(NamedTuple):
    """The leaves from `first` to before `end`, as a subtree."""

    first: int
    end: int


def parent(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of_pairs(hashes: Sequence[bytes]) -> bytes:
    """The root over as many hashes as are a power of two."""
    level = hashes
    while len(level) > 1:
        pairs = iter(level)
        level = [
            hashlib.sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)
        ]
    return level[0]


def joined(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees that follow one another, each smaller than the one before."""
    if not hashes:
        return EMPTY
    return reduce(lambda right, left: parent(left, right), reversed(hashes))


def complete(leaves: Leaves) -> list[Node]:
    """The largest complete subtrees that these leaves consist of, from the left."""
    first, found = leaves.first, []
    while first < leaves.end:
        level = (leaves.end - first).bit_length() - 1
        if first:
            level = min(level, (first & -first).bit_length() - 1)
        found.append(Node(level, first >> level))
        first += 1 << level
    return found


def inclusion(index: int, size: int) -> list[Leaves]:
    """The subtrees whose roots prove that a leaf is in a tree, from the leaf upwards."""
    path: list[Leaves] = []
    first, end = 0, size
    while end - first > 1:
        middle = _middle(first, end)
        if index < middle:
            path.append(Leaves(middle, end))
            end = middle
        else:
            path.append(Leaves(first, middle))
            first = middle
    return path[::-1]


def consistency(old: int, new: int) -> list[Leaves]:
    """The subtrees whose roots prove that the first `old` leaves are the beginning of `new` ones."""
    path: list[Leaves] = []
    first, end = 0, new
    while old not in {0, end}:
        middle = _middle(first, end)
        if old <= middle:
            path.append(Leaves(middle, end))
            end = middle
        else:
            path.append(Leaves(first, middle))
            first = middle
    if first and old:
        path.append(Leaves(first, end))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Whether `leaf` stands at `index` in the tree of `size` leaves with this root (RFC 9162, 2.1.3.2)."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            found = parent(sibling, found)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            found = parent(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def verify_consistency(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether the tree of `old` leaves is the beginning of the tree of `new` ones (RFC 9162, 2.1.4.2)."""
    if not 0 <= old <= new:
        return False
    if old in {0, new}:
        return not path and old_root == (new_root if old else EMPTY)
    proof = list(path) if old & (old - 1) else [old_root, *path]
    if not proof:
        return False
    return _replayed(old - 1, new - 1, proof) == (old_root, new_root)


def _replayed(place: int, last: int, proof: list[bytes]) -> tuple[bytes, bytes] | None:
    """The roots of the old and the new tree that the proof leads to."""
    while place & 1:
        place, last = place >> 1, last >> 1
    before = after = proof[0]
    for sibling in proof[1:]:
        if last == 0:
            return None
        if place & 1 or place == last:
            before, after = parent(sibling, before), parent(sibling, after)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            after = parent(after, sibling)
        place, last = place >> 1, last >> 1
    return (before, after) if last == 0 else None


def _middle(first: int, end: int) -> int:
    """Where a tree is parted: to the left is the largest power of two that leaves something to the right."""
    return first + (1 << (end - first - 1).bit_length() - 1)


class Frontier:
    """A tree that grows at its right edge: the roots of the complete subtrees that it consists of so far."""

    def __init__(self) -> None:
        self.size = 0
        self._subtrees: list[tuple[int, bytes]] = []

    def push(self, root: bytes, level: int = 0) -> None:
        """Add a leaf, or a complete subtree of a level that divides the size."""
        self.size += 1 << level
        while self._subtrees and self._subtrees[-1][0] == level:
            root = parent(self._subtrees.pop()[1], root)
            level += 1
        self._subtrees.append((level, root))

    def root(self, further: Sequence[bytes] = ()) -> bytes:
        """The root, or that which the tree would have with these leaves behind it."""
        if not further:
            return joined([root for _, root in self._subtrees])
        grown = Frontier()
        grown._subtrees = list(self._subtrees)
        for leaf in further:
            grown.push(leaf)
        return grown.root()
