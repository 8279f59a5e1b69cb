"""A patient's record with its proofs: what each line of the file says, and what its statement is about.

The format is documented in infra/event_log/LEAF.md.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from struct import Struct
from struct import error as TooShort  # noqa: N812  it has no better name of its own
from typing import Literal, Self
from uuid import UUID

import msgspec

from infra.notary import merkle
from infra.notary.merkle import Leaves
from infra.notary.note import Head, NoteRefused

BEGINNING = b'{"record":1,'
"""By which the file is told from other exports."""
FIRST_LINE = "tarikh record 1"
FIELDS = 13
LEAF_BEGINS = b"\x00\x01"
_length = Struct(">i").unpack_from


class Opening(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line: the tree, where the events stand in it, and the hashes that lead to its root."""

    record: Literal[1] = 1
    verifier: str
    checkpoint: str
    positions: tuple[int, ...]
    nodes: tuple[str, ...]


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An event: its leaf as stored, what is shown of it, and the digest of what is shown."""

    leaf: str
    digest: str
    shown: msgspec.Raw


class Closing(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The last line: what the house says of the lines before."""

    statement: str


class Statement(msgspec.Struct, frozen=True, kw_only=True):
    """That these are all events of a person in this tree, and that what is shown is what was sealed."""

    log: str
    patients: tuple[UUID, ...]
    tree: Head
    events: int
    root: bytes
    at: datetime

    def text(self) -> str:
        """What is signed."""
        lines = [
            FIRST_LINE,
            f"log {self.log}",
            *(f"patient {patient}" for patient in self.patients),
            f"tree {self.tree.size} {_text(self.tree.root)}",
            f"events {self.events}",
            f"root {_text(self.root)}",
            f"at {self.at.astimezone(UTC).isoformat()}",
        ]
        return "\n".join(lines) + "\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read what was signed; raises NoteRefused."""
        first, *lines = text.removesuffix("\n").split("\n")
        try:
            said = [line.split(" ") for line in lines]
            log, *patients, tree, events, root, at = said
            found = cls(
                log=log[1],
                patients=tuple(UUID(patient[1]) for patient in patients),
                tree=Head(int(tree[1]), base64.b64decode(tree[2], validate=True)),
                events=int(events[1]),
                root=base64.b64decode(root[1], validate=True),
                at=datetime.fromisoformat(at[1]),
            )
        except (ValueError, IndexError, binascii.Error) as error:
            raise NoteRefused("this is no statement about a record") from error
        if first != FIRST_LINE or found.text() != text:
            raise NoteRefused("this is no statement about a record")
        return found


def needed(positions: Sequence[int], size: int) -> list[Leaves]:
    """The subtrees on the paths of all these leaves, each once, from the left."""
    return sorted({part for position in positions for part in merkle.inclusion(position - 1, size)})


def said(leaf_hash: bytes, digest: bytes) -> bytes:
    """What the statement's tree holds of one line."""
    return hashlib.sha256(b"\x00" + leaf_hash + digest).digest()


def line(leaf: bytes, shown: bytes) -> Line:
    digest = hashlib.sha256(shown).hexdigest()
    return Line(leaf=_text(leaf), digest=digest, shown=msgspec.Raw(shown))


class Stored(msgspec.Struct, frozen=True):
    """The fields of a leaf that are in the clear."""

    shard: int
    position: int
    stream_id: UUID
    version: int
    tag: str
    schema: int
    recorded_at: int
    subject_id: UUID | None
    actor_id: UUID | None


def stored(leaf: bytes) -> Stored:
    """Read a leaf, as LEAF.md says. Raises ValueError."""
    if not leaf.startswith(LEAF_BEGINS):
        raise ValueError("no leaf of this version")
    fields, at = [], len(LEAF_BEGINS)
    try:
        for _ in range(FIELDS):
            (length,) = _length(leaf, at)
            at += 4
            fields.append(None if length < 0 else leaf[at : at + length])
            at += max(length, 0)
    except TooShort as error:
        raise ValueError("a leaf that ends too early") from error
    if at != len(leaf) or any(field is None for field in fields[:7]):
        raise ValueError("a leaf that goes on, or lacks what it must have")
    shard, position, stream, version, tag, schema, recorded_at = (field or b"" for field in fields[:7])
    return Stored(
        shard=_number(shard),
        position=_number(position),
        stream_id=UUID(bytes=stream),
        version=_number(version),
        tag=tag.decode(),
        schema=_number(schema),
        recorded_at=_number(recorded_at),
        subject_id=None if fields[7] is None else UUID(bytes=fields[7]),
        actor_id=None if fields[8] is None else UUID(bytes=fields[8]),
    )


def _number(field: bytes) -> int:
    return int.from_bytes(field, "big", signed=True)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
