"""Verifying the log where it is: every event against its leaf, the tree, and every head ever signed."""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import msgspec

from infra.notary import leaves
from infra.notary.export import Watch
from infra.notary.findings import Problem, Report, Walk
from infra.notary.keys import Known
from infra.notary.leaves import PAGE, Connection, Leaf
from infra.notary.merkle import HASH_BYTES, root_of_pairs
from infra.notary.note import Checkpoint, NoteRefused, Signer, Verifier, opened
from infra.secret import Secret

ENDS = """
    SELECT (SELECT position FROM log.head WHERE shard = %(shard)s),
           (SELECT min(notification_id) FROM log.event WHERE shard = %(shard)s),
           (SELECT max(notification_id) FROM log.event WHERE shard = %(shard)s),
           (SELECT max(tile) + 1 FROM log.tree WHERE shard = %(shard)s AND level = 0),
           (SELECT max(size) FROM log.tree_head WHERE shard = %(shard)s)
    """
HEADS = """
    SELECT size, root, note
    FROM log.tree_head
    WHERE shard = %s AND size BETWEEN %s AND %s
    ORDER BY size, signed_at
    """
TILE = "SELECT hashes, root FROM log.tree WHERE shard = %s AND level = %s AND tile = %s"


def house_keys(
    connection: Connection, seed: Secret, known: Known, shard: int = 0
) -> tuple[list[Verifier], Problem | None]:
    """The keys that this house trusts for its own log, and what is wrong with that. Raises NoteRefused."""
    rows = connection.execute("SELECT origin FROM log.tree_origin WHERE shard = %s", (shard,)).fetchall()
    if not rows:
        return known.verifiers(), Problem("the log has lost its name")
    own = Signer(rows[0][0], seed).verifier
    trusted = known.of(own.name) or [own]
    replaced = None if own in trusted else Problem(f"the notary's key {own} is not one of {known.path}")
    return trusted, replaced


class Ends(msgspec.Struct, frozen=True):
    """How far the parts of the log say that it goes."""

    head: int | None
    first: int | None
    last: int | None
    tiles: int | None
    signed: int | None

    def farthest(self, kept: int) -> int:
        return max(self.head or 0, self.last or 0, (self.tiles or 0) * PAGE, self.signed or 0, kept)


def verify_log(
    connection: Connection,
    trusted: Sequence[Verifier],
    kept: str | None,
    shard: int = 0,
    watch: Watch = lambda _done, _all: None,
) -> Report:
    """Recompute everything that is stored now, in constant memory; stops at the first bad position."""
    verification = _Verification(connection, trusted, shard)
    old = verification.kept(kept) if kept is not None else None
    verification.run(old, watch)
    return verification.report


class _Verification:
    """One walk along the log."""

    def __init__(self, connection: Connection, trusted: Sequence[Verifier], shard: int) -> None:
        self.report = Report(problems=[])
        self._connection = connection
        self._trusted = trusted
        self._shard = shard
        self._walk = Walk()
        self._roots: list[list[bytes]] = [[]]
        self._end = 0

    def kept(self, note: str) -> Checkpoint | None:
        """A checkpoint that somebody kept outside of the log."""
        try:
            return opened(note, self._trusted)[0]
        except NoteRefused as error:
            self._note(Problem(str(error)))
            return None

    def run(self, old: Checkpoint | None, watch: Watch) -> None:
        ends = Ends(*self._rows(ENDS, {"shard": self._shard})[0])
        self._end = end = ends.farthest(old.size if old else 0)
        self._note(*_at_the_ends(ends))
        self._note(self._walk.past((), self._heads(0, 0, old)))
        for first in range(1, end + 1, PAGE):
            last = min(first + PAGE - 1, end)
            if problem := self._page(first, last, old, expected=first // PAGE < (ends.tiles or 0)):
                self._note(problem)
                return
            watch(last, end)
        self.report.size = self._walk.tree.size
        self.report.root = self._walk.tree.root().hex()

    def _page(self, first: int, last: int, old: Checkpoint | None, *, expected: bool) -> Problem | None:
        """Hold a page against itself, its tile, and the heads that were signed within it."""
        found = leaves.between(self._connection, self._shard, first, last)
        tile = self._tile(0, first // PAGE)
        hashes, problem = self._sound(found, first, last, tile[0] if tile else None)
        heads = [head for head in self._heads(first, last, old) if head.size < first + len(hashes)]
        if problem := self._walk.past(hashes, heads) or problem:
            return problem
        if len(hashes) < PAGE:
            for hash_ in hashes:
                self._walk.tree.push(hash_)
            return None
        root = root_of_pairs(hashes)
        self._walk.tree.push(root, PAGE.bit_length() - 1)
        if expected and tile is None:
            return Problem("their tile is missing from the tree", first, last)
        if tile and tile[1] != root:
            return Problem("the root of their tile is not that of its hashes", first, last)
        return self._above(1, first // PAGE, root)

    def _sound(
        self, found: list[Leaf], first: int, last: int, tile: bytes | None
    ) -> tuple[list[bytes], Problem | None]:
        """The hashes of a page as far as they are right, and what is wrong behind them."""
        hashes: list[bytes] = []
        for position, leaf in zip(range(first, last + 1), found, strict=False):
            if leaf.position != position:
                return hashes, self._out_of_row(position, leaf.position)
            computed = sha256(leaf.encoding or b"").digest()
            if computed != leaf.stored_hash:
                return hashes, Problem("the event does not match its leaf hash", position)
            at = (position - first) * HASH_BYTES
            if tile is not None and tile[at : at + HASH_BYTES] != computed:
                return hashes, Problem("the event is not the one that the tree holds", position)
            hashes.append(computed)
        missing = first + len(found)
        if missing > last:
            return hashes, None if len(found) == len(hashes) else self._out_of_row(last + 1, last)
        return hashes, self._out_of_row(missing, None)

    def _out_of_row(self, expected: int, found: int | None) -> Problem:
        if found is not None and found < expected:
            return Problem("two events stand here", found)
        query = "SELECT min(notification_id) FROM log.event WHERE shard = %s AND notification_id > %s"
        following = self._rows(query, (self._shard, expected))[0][0]
        if following is None:
            return Problem("the end of the log is missing", expected, self._end)
        return Problem("missing from the log", expected, following - 1)

    def _above(self, level: int, below: int, root: bytes) -> Problem | None:
        """Add the root of a tile to the level above it, and look at that tile when it is full."""
        if len(self._roots) <= level:
            self._roots.append([])
        self._roots[level].append(root)
        if len(self._roots[level]) < PAGE:
            return None
        hashes, self._roots[level] = self._roots[level], []
        tile, full = self._tile(level, below // PAGE), root_of_pairs(hashes)
        if tile and tile != (b"".join(hashes), full):
            width = PAGE ** (level + 1)
            first = below // PAGE * width + 1
            return Problem("a tile of the tree does not match those below it", first, first + width - 1)
        return self._above(level + 1, below // PAGE, full)

    def _heads(self, first: int, last: int, old: Checkpoint | None) -> list[Checkpoint]:
        """The heads of these sizes whose signature holds."""
        heads = [old] if old and first <= old.size <= last else []
        for size, root, note in self._rows(HEADS, (self._shard, first, last)):
            try:
                checkpoint, _ = opened(note, self._trusted)
            except NoteRefused as error:
                self._note(Problem(str(error)))
                continue
            if (checkpoint.size, checkpoint.root) != (size, root):
                self._note(Problem(f"the stored head of size {size} is not what its note says"))
            heads.append(checkpoint)
        return sorted(heads, key=lambda head: head.size)

    def _tile(self, level: int, tile: int) -> tuple[bytes, bytes] | None:
        rows = self._rows(TILE, (self._shard, level, tile))
        return (rows[0][0], rows[0][1]) if rows else None

    def _rows(self, query: str, arguments: Any) -> list[tuple[Any, ...]]:  # noqa: ANN401  as psycopg takes them
        return self._connection.execute(query.encode(), arguments, binary=True).fetchall()

    def _note(self, *problems: Problem | None) -> None:
        self.report.problems += filter(None, problems)


def _at_the_ends(ends: Ends) -> list[Problem]:
    found = []
    if ends.head is None:
        found.append(Problem("the log has no head"))
    if ends.first is not None and ends.first < 1:
        found.append(Problem("no event can stand here", ends.first))
    if ends.head is not None and (ends.last or 0) > ends.head:
        found.append(
            Problem(f"the log goes on behind its head, which is at {ends.head}", ends.head + 1, ends.last)
        )
    return found
