"""The notary: signs the log's head when it agrees with the last one signed, and proves what is under it."""

import hashlib
from collections.abc import Awaitable, Sequence
from typing import Any, TypeVar

import msgspec
from psycopg_pool import AsyncConnectionPool

from infra.notary import leaves, merkle
from infra.notary.keys import Known
from infra.notary.note import Checkpoint, Head, NoteRefused, Signer, Verifier, opened, read
from infra.notary.tree import Broken, Tree
from infra.secret import Secret

T = TypeVar("T")

MOST_TRIES = 10
LATEST = """
    SELECT origin, size, root, note
    FROM log.tree_origin
    JOIN log.tree_head USING (shard)
    WHERE shard = %s
    ORDER BY size DESC
    LIMIT 1
    """
LOOK = "run `tarikh log verify`"


class Refused(Exception):
    """The notary does not sign or prove; the message says what an operator should look at."""


class NoSuchPosition(Exception):
    """The log has no such position (yet)."""


class Signed(msgspec.Struct, frozen=True):
    """A checkpoint as it was signed, and with which key."""

    checkpoint: Checkpoint
    verifier: Verifier
    note: str


class Proof(msgspec.Struct, frozen=True):
    """That an event stands at its position in the tree of a checkpoint."""

    position: int
    leaf_hash: str
    tree_size: int
    root: str
    path: list[str]
    checkpoint: str


class Consistency(msgspec.Struct, frozen=True, rename={"old": "from", "new": "to"}):
    """That the tree of `from` leaves is the beginning of the tree of `to` leaves."""

    old: int
    new: int
    path: list[str]


class Notary:
    """The signed head of one shard, its checkpoints and proofs."""

    def __init__(self, pool: AsyncConnectionPool, seed: Secret, known: Known, shard: int = 0) -> None:
        self.tree = Tree(pool, shard)
        self._pool = pool
        self._seed = seed
        self._known = known
        self._shard = shard

    async def checkpoint(self, *, new_key: bool = False) -> Signed:
        """The newest head, signed now where it was not yet; `new_key` announces a key that is not known here.

        Raises Refused where the log does not continue what was signed last.
        """
        signer = await self._signer(new_key=new_key)
        for _ in range(MOST_TRIES):
            # in this order: a head that others sign meanwhile is not past the size, a tile not past the tree
            last = await self._last(signer.verifier)
            size = await self.tree.size()
            await self.grow()
            head = Checkpoint(signer.verifier.name, size, await _whole(self.tree.root(size)))
            await self._continues(last, head)
            if last and (last.checkpoint, last.verifier) == (head, signer.verifier):
                return last
            signed = Signed(head, signer.verifier, signer.sign(head.text()))
            if await self._keep(last, signed):
                return signed
        raise Refused("other notaries signed all the time")

    async def prove(self, position: int) -> Proof:
        """The proof that the event of a position is in the log. Raises NoSuchPosition, Refused."""
        if not 1 <= position <= await self.tree.size():
            raise NoSuchPosition
        return (await self.prove_all([position]))[0]

    async def prove_all(self, positions: Sequence[int]) -> list[Proof]:
        """The same for several positions that the log has, in their order. Raises Refused."""
        signed = await self._last((await self._signer()).verifier)
        if signed is None or signed.checkpoint.size < max(positions, default=0):
            signed = await self.checkpoint()
        head = signed.checkpoint
        parts = [merkle.inclusion(position - 1, head.size) for position in positions]
        wanted = sorted({part for path in parts for part in path})
        roots = dict(zip(wanted, await self.subtrees(wanted), strict=True))
        proofs = []
        for position, encoding, part in zip(positions, await self.leaves(positions), parts, strict=True):
            leaf, path = hashlib.sha256(encoding).digest(), [roots[one] for one in part]
            if not merkle.verify_inclusion(leaf, position - 1, head.size, path, head.root):
                raise Refused(f"position {position} is not what was signed; {LOOK}")
            hexed = [hash_.hex() for hash_ in path]
            proofs.append(Proof(position, leaf.hex(), head.size, head.root.hex(), hexed, signed.note))
        return proofs

    async def latest(self) -> str | None:
        """The last checkpoint that was signed, if any, though the log may have grown since.

        What cannot be trusted any more is none.
        """
        try:
            rows = await self._rows(LATEST, (self._shard,))
            if not rows:
                return (await self.checkpoint()).note
            origin, size, root, note = rows[0]
            checkpoint, _ = opened(note, self._known.of(origin))
        except (NoteRefused, Refused):
            return None
        return note if checkpoint.head == Head(size, root) else None

    async def consistency(self, old: int, new: int | None = None) -> Consistency:
        """The proof that the log has only grown; `new` is by default the newest checkpoint's size.

        Raises NoSuchPosition where the log is shorter, Refused.
        """
        size = await self.tree.size()
        end = (await self.checkpoint()).checkpoint.size if new is None else new
        if not 0 <= old <= end <= size:
            raise NoSuchPosition
        await self.grow()
        path = await _whole(self.tree.consistency(old, end))
        return Consistency(old, end, [hash_.hex() for hash_ in path])

    async def grow(self) -> None:
        """Store what the tree has gained. Raises Refused."""
        await _whole(self.tree.grow())

    async def head(self, size: int) -> Head:
        """The tree of the first leaves, signed or not. Raises Refused."""
        await self.grow()
        return Head(size, await _whole(self.tree.root(size)))

    async def name(self) -> str:
        """What the log is called in its notes. Raises Refused."""
        return (await self._signer()).verifier.name

    async def sign(self, text: str) -> str:
        """Any other text as a note of this log, never one that reads as a checkpoint. Raises Refused."""
        signer = await self._signer()
        if text.startswith(f"{signer.verifier.name}\n"):
            raise Refused("this text would pass for a checkpoint")
        return signer.sign(text)

    async def read(self, note: str, what: str) -> str:
        """The text of a note that a known key of this log has signed. Raises Refused."""
        try:
            return read(note, self._known.of(await self.name()), what)[0]
        except NoteRefused as error:
            raise Refused(str(error)) from error

    async def problems(self) -> list[str]:
        """Codes for readiness: whether the log still is what was signed last."""
        try:
            last = await self._last((await self._signer()).verifier)
            if last is not None:
                await self._still_holds(last.checkpoint)
        except Refused:
            return ["notary.refused"]
        return []

    async def _signer(self, *, new_key: bool = False) -> Signer:
        rows = await self._rows("SELECT origin FROM log.tree_origin WHERE shard = %s", (self._shard,))
        if not rows:
            raise Refused("the log has lost its name")
        signer = Signer(rows[0][0], self._seed)
        try:
            known = self._known.of(signer.verifier.name)
            if signer.verifier in known:
                return signer
            if known and not new_key:
                raise Refused(
                    f"the notary's key is not one of {self._known.path}: if it was replaced on purpose, "
                    "run `tarikh log checkpoint --new-key`"
                )
            self._known.accept(signer.verifier)
        except (NoteRefused, OSError) as error:
            raise Refused(str(error)) from error
        return signer

    async def _last(self, preferred: Verifier) -> Signed | None:
        """The last head that was signed, by this key rather than by another one."""
        rows = await self._rows(
            """
            SELECT size, root, note
            FROM log.tree_head
            WHERE shard = %s
            ORDER BY size DESC, (verifier = %s) DESC
            LIMIT 1
            """,
            (self._shard, str(preferred)),
        )
        if not rows:
            return None
        size, root, note = rows[0]
        try:
            checkpoint, verifier = opened(note, self._known.of(preferred.name))
        except NoteRefused as error:
            raise Refused(str(error)) from error
        if (checkpoint.size, checkpoint.root) != (size, root):
            raise Refused(f"the stored head of size {size} is not what its note says")
        return Signed(checkpoint, verifier, note)

    async def _continues(self, last: Signed | None, head: Checkpoint) -> None:
        """A log must never sign two heads that do not agree."""
        if last is None:
            return
        old = last.checkpoint
        _reaches(head.size, old)
        path = await _whole(self.tree.consistency(old.size, head.size))
        if not merkle.verify_consistency(old.size, head.size, old.root, head.root, path):
            raise Refused(f"the log does not continue the checkpoint of size {old.size}; {LOOK}")

    async def _still_holds(self, old: Checkpoint) -> None:
        _reaches(await self.tree.size(), old)
        if await _whole(self.tree.root(old.size)) != old.root:
            raise Refused(f"the log is not what the checkpoint of size {old.size} says; {LOOK}")

    async def _keep(self, last: Signed | None, signed: Signed) -> bool:
        head = signed.checkpoint
        rows = await self._rows(
            "SELECT log.keep_head(%s, %s, %s, %s, %s, %s)",
            (
                self._shard,
                last.checkpoint.size if last else None,
                head.size,
                head.root,
                str(signed.verifier),
                signed.note,
            ),
        )
        return bool(rows[0][0])

    async def subtrees(self, parts: Sequence[merkle.Leaves]) -> list[bytes]:
        """The roots of these subtrees. Raises Refused."""
        return await _whole(self.tree.roots(parts)) if parts else []

    async def leaves(self, positions: Sequence[int]) -> list[bytes]:
        """What is stored at these positions, which match their leaf hashes. Raises Refused."""
        rows = await self._rows(leaves.AT, (self._shard, list(positions)))
        found = {leaf.position: leaf for leaf in map(leaves.Leaf._make, rows)}
        for position in positions:
            if position not in found or len(found) != len(rows):
                raise Refused(f"position {position} is not in the log once; {LOOK}")
            leaf = found[position]
            if hashlib.sha256(leaf.encoding or b"").digest() != leaf.stored_hash:
                raise Refused(f"position {position} was altered; {LOOK}")
        return [found[position].encoding or b"" for position in positions]

    async def _rows(self, query: str, arguments: tuple[object, ...]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query.encode(), arguments, binary=True)
            return await cursor.fetchall()


async def _whole(answer: Awaitable[T]) -> T:
    """What the tree answers, unless it is broken."""
    try:
        return await answer
    except Broken as error:
        raise Refused(f"{error}; {LOOK}") from error


def _reaches(size: int, old: Checkpoint) -> None:
    if size < old.size:
        raise Refused(f"positions {size + 1} to {old.size} were signed and are gone; {LOOK}")
