"""Verifying a patient's record: with the file and a key, without any database."""

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import BinaryIO, TypeVar
from uuid import UUID

import msgspec

from infra.notary import merkle
from infra.notary.export import ExportMalformed, Watch
from infra.notary.findings import Problem, Report
from infra.notary.merkle import HASH_BYTES, Frontier, Leaves
from infra.notary.note import Checkpoint, NoteRefused, Verifier, opened, read
from infra.notary.record import Closing, Line, Opening, Statement, Stored, needed, said, stored
from projections.audit_trail import AuditEvent

S = TypeVar("S", bound=msgspec.Struct)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHARD = re.compile(r".*/shard/(\d{1,9})")


class Wrong(Exception):
    """What is wrong with the line of a position."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position


def verify_record(
    file: BinaryIO, trusted: Sequence[Verifier], watch: Watch = lambda _done, _all: None
) -> Report:
    """Recompute everything in a record, and compare what is shown with what was stored and what was stated.

    Where nobody is trusted the key is taken from the file, and the report says so.
    """
    report = Report(key_from_file=not trusted, problems=[])
    try:
        _verify(file, trusted, report, watch)
    except ExportMalformed as error:
        report.problems.append(Problem(str(error), error.first))
    except NoteRefused as error:
        report.problems.append(Problem(str(error)))
    return report


def _verify(file: BinaryIO, trusted: Sequence[Verifier], report: Report, watch: Watch) -> None:
    opening = _canonical(file.readline(), Opening, "the first line", 1)
    head, signer = _head(opening, trusted)
    report.key = str(signer)
    try:
        tree, subjects = _walk(file, opening, head, watch)
    except Wrong as wrong:
        report.problems.append(Problem(str(wrong), wrong.position))
        return
    statement = _statement(file, opening.positions[-1], signer)
    if (statement.log, statement.tree) != (head.origin, head.head):
        raise NoteRefused("the statement is about another tree")
    if not subjects <= set(statement.patients):
        raise NoteRefused("the statement is about other patients")
    if (statement.events, statement.root) != (tree.size, tree.root()):
        text = "what is shown is not what the statement was signed for"
        report.problems.append(Problem(text, opening.positions[0], opening.positions[-1]))
        return
    report.size, report.root = tree.size, head.root.hex()


def _head(opening: Opening, trusted: Sequence[Verifier]) -> tuple[Checkpoint, Verifier]:
    """The checkpoint, and the key that the file names and that signed it."""
    named = Verifier.parse(opening.verifier)
    head, signer = opened(opening.checkpoint, trusted or [named])
    if str(signer) != opening.verifier:
        raise NoteRefused(f"the file names the key {named}, but it was signed with {signer}")
    return head, signer


def _walk(
    file: BinaryIO, opening: Opening, head: Checkpoint, watch: Watch
) -> tuple[Frontier, set[UUID | None]]:
    """Whose events the lines are, and the tree that the statement must be about. Raises Wrong."""
    found = _SHARD.fullmatch(head.origin)
    if found is None:
        raise NoteRefused(f"{head.origin} does not say which shard it is of")
    shard, nodes = int(found[1]), _nodes(opening, head)
    tree, subjects = Frontier(), set()
    for position in opening.positions:
        line = _canonical(file.readline(), Line, "the event", position)
        event, leaf_hash = _event(line, shard, position)
        path = [nodes[part] for part in merkle.inclusion(position - 1, head.size)]
        if not merkle.verify_inclusion(leaf_hash, position - 1, head.size, path, head.root):
            raise Wrong("the event is not in the tree of the checkpoint", position)
        tree.push(said(leaf_hash, bytes.fromhex(line.digest)))
        subjects.add(event.patient_id)
        watch(tree.size, len(opening.positions))
    return tree, subjects


def _statement(file: BinaryIO, last: int, signer: Verifier) -> Statement:
    closing = _canonical(file.readline(), Closing, "the statement", last)
    text, _ = read(closing.statement, [signer], "the statement")
    if file.read(1):
        raise ExportMalformed("the file goes on behind its statement", last)
    return Statement.parse(text)


def _nodes(opening: Opening, head: Checkpoint) -> dict[Leaves, bytes]:
    """The hashes by the subtrees that they are the roots of: exactly those that the paths need."""
    positions = opening.positions
    if not positions or list(positions) != sorted(set(positions)):
        raise ExportMalformed("the positions do not rise")
    if positions[0] < 1 or positions[-1] > head.size:
        raise ExportMalformed("the checkpoint does not reach so far", positions[-1])
    wanted = needed(positions, head.size)
    if len(wanted) != len(opening.nodes):
        raise ExportMalformed(f"{len(wanted)} hashes lead to the root, and {len(opening.nodes)} are there")
    return {part: _hash(text) for part, text in zip(wanted, opening.nodes, strict=True)}


def _hash(text: str) -> bytes:
    try:
        found = bytes.fromhex(text)
    except ValueError as error:
        raise ExportMalformed("a hash cannot be read") from error
    if len(found) != HASH_BYTES or found.hex() != text:
        raise ExportMalformed("a hash cannot be read")
    return found


def _canonical(text: bytes, of: type[S], what: str, position: int) -> S:
    """A line in the one way in which it is written."""
    try:
        found = msgspec.json.decode(text, type=of)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ExportMalformed(f"{what} cannot be read", position) from error
    if msgspec.json.encode(found) + b"\n" != text:
        raise ExportMalformed(f"{what} is not written as it was", position)
    return found


def _event(line: Line, shard: int, position: int) -> tuple[AuditEvent, bytes]:
    """What is shown, which says what was stored, and the hash of its leaf. Raises Wrong."""
    shown = bytes(line.shown)
    if sha256(shown).hexdigest() != line.digest:
        raise Wrong("what is shown of the event was altered", position)
    try:
        event = msgspec.json.decode(shown, type=AuditEvent)
        leaf = base64.b64decode(line.leaf, validate=True)
        fields = stored(leaf)
    except (msgspec.MsgspecError, ValueError) as error:
        raise Wrong("the event cannot be read", position) from error
    leaf_hash = sha256(leaf).digest()
    if base64.b64encode(leaf).decode() != line.leaf or leaf_hash.hex() != event.leaf_hash:
        raise Wrong("the event does not match its leaf hash", position)
    if event.position != position or fields != _clear(event, shard):
        raise Wrong("what is shown is not what was stored", position)
    return event, leaf_hash


def _clear(event: AuditEvent, shard: int) -> Stored:
    """What must stand in the clear fields of the leaf of this event."""
    return Stored(
        shard=shard,
        position=event.position,
        stream_id=event.stream_id,
        version=event.version,
        tag=event.tag,
        schema=event.schema,
        recorded_at=(event.recorded_at - EPOCH) // timedelta(microseconds=1),
        subject_id=event.patient_id,
        actor_id=event.actor_id,
    )
