"""Verifying an export: with the file, perhaps a checkpoint that was kept, and a key; without any database."""

import re
from collections.abc import Sequence
from hashlib import sha256
from itertools import pairwise
from struct import Struct, unpack
from typing import BinaryIO

from infra.notary.export import Export, ExportMalformed, Page, Watch
from infra.notary.findings import Problem, Report, Walk
from infra.notary.leaves import PAGE
from infra.notary.merkle import HASH_BYTES, root_of_pairs
from infra.notary.note import Checkpoint, NoteRefused, Verifier, opened

TILE_LEVEL = PAGE.bit_length() - 1
HEAD = Struct(">2sIiIq")
"""What every leaf begins with: leaf and version, shard, position, each with its length."""
_SHARD = re.compile(r".*/shard/(\d{1,9})")


def verify_export(
    file: BinaryIO, trusted: Sequence[Verifier], kept: str | None, watch: Watch = lambda _done, _all: None
) -> Report:
    """Recompute everything in an export; `kept` is a checkpoint to hold it against.

    Where nobody is trusted the key is taken from the file, and the report says so.
    """
    report = Report(key_from_file=not trusted, problems=[])
    try:
        export = Export.of(file)
        heads = _heads(export, trusted, kept, report)
        if heads:
            _walk(export, heads, report, watch)
    except ExportMalformed as error:
        report.problems.append(Problem(str(error), error.first))
    except NoteRefused as error:
        report.problems.append(Problem(str(error)))
    return report


def _heads(export: Export, trusted: Sequence[Verifier], kept: str | None, report: Report) -> list[Checkpoint]:
    """The export's own checkpoint and the one that was kept, the smaller first. Raises NoteRefused."""
    named = Verifier.parse(export.verifier)
    report.key = str(named)
    known = trusted or [named]
    head, signer = opened(export.note, known)
    if signer != named:
        raise NoteRefused(f"the file names the key {named}, but it was signed with {signer}")
    report.size = head.size
    if kept is None:
        return [head]
    old, _ = opened(kept, known)
    if old.origin != head.origin:
        raise NoteRefused(f"the checkpoint is of {old.origin}, the export of {head.origin}")
    if old.size > head.size:
        text = f"the checkpoint of size {old.size} covers them, the export ends before"
        report.problems.append(Problem(text, head.size + 1, old.size))
        return [head]
    return [old, head]


def _walk(export: Export, heads: list[Checkpoint], report: Report, watch: Watch) -> None:
    walk, size = Walk(), heads[-1].size
    shard = _SHARD.fullmatch(heads[-1].origin)
    if shard is None:
        raise NoteRefused(f"{heads[-1].origin} does not say which shard it is of")
    if not size:
        report.problems += filter(None, [walk.past((), heads)])
    for page in export.pages(size):
        done = walk.tree.size
        hashes, problem = _hashes(page, int(shard[1]), done)
        reached = [head for head in heads if done < head.size <= done + len(hashes)]
        if found := walk.past(hashes, reached) or problem:
            report.problems.append(found)
            return
        if len(hashes) == PAGE:
            walk.tree.push(root_of_pairs(hashes), TILE_LEVEL)
        else:
            for hash_ in hashes:
                walk.tree.push(hash_)
        watch(walk.tree.size, size)
    report.root = walk.tree.root().hex()


def _hashes(page: Page, shard: int, done: int) -> tuple[list[bytes], Problem | None]:
    """The leaf hashes of a page as far as they are right, and what is wrong with the next one."""
    encodings, bounds = page.encodings, page.bounds()
    hashes = [sha256(encodings[start:end]).digest() for start, end in pairwise(bounds)]
    heads = [encodings[start : start + HEAD.size] for start in bounds[:-1]]
    if b"".join(hashes) == page.hashes and _in_place(b"".join(heads), len(heads), shard, done + 1):
        return hashes, None
    for number, hash_ in enumerate(hashes):
        position = done + number + 1
        if hash_ != page.hashes[number * HASH_BYTES : (number + 1) * HASH_BYTES]:
            return hashes[:number], Problem("the event does not match its leaf hash", position)
        if heads[number] != _head(shard, position):
            return hashes[:number], Problem("another event stands in this place", position)
    raise AssertionError(page)


def _in_place(heads: bytes, count: int, shard: int, first: int) -> bool:
    """Whether leaves begin with the positions that they stand at; all are looked at in one go."""
    if len(heads) != count * HEAD.size:
        return False
    prefix = _head(shard, first)[:-8]
    positions = unpack(f">{f'{len(prefix)}xq' * count}", heads)
    return positions == tuple(range(first, first + count)) and all(
        heads[at :: HEAD.size] == prefix[at : at + 1] * count for at in range(len(prefix))
    )


def _head(shard: int, position: int) -> bytes:
    return HEAD.pack(b"\x00\x01", 4, shard, 8, position)
