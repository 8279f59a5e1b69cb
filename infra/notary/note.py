"""Checkpoints as C2SP signed notes: what a tree head looks like outside, and who signed it."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from typing import Self

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from infra.notary.merkle import HASH_BYTES
from infra.secret import Secret

ED25519 = b"\x01"
"""The signature type of the specification."""
KEY_BYTES = 32
MOST_SIGNATURES = 64
_NAME = r"[^\s+]+"
_VERIFIER = re.compile(rf"({_NAME})\+([0-9a-f]{{8}})\+(\S+)")
_SIGNATURE = re.compile(rf"— ({_NAME}) (\S+)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")


class NoteRefused(Exception):
    """A note, a checkpoint or a key cannot be read or trusted; the message says why."""


class Verifier(msgspec.Struct, frozen=True):
    """A public key and the name of the log that it speaks for; as text `<name>+<hash>+<key>`."""

    name: str
    key: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `<name>+<hash>+<key>`; raises NoteRefused."""
        found = _VERIFIER.fullmatch(text.strip())
        key = _decoded(found[3]) if found else b""
        if found is None or key[:1] != ED25519 or len(key) != 1 + KEY_BYTES:
            raise NoteRefused("this is no Ed25519 verifier key (<name>+<hash>+<key>)")
        verifier = cls(found[1], key[1:])
        if verifier.id.hex() != found[2]:
            raise NoteRefused("the hash of this verifier key is not its own")
        return verifier

    @property
    def id(self) -> bytes:
        """Four bytes by which a signature says whose it is."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.key).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.id.hex()}+{_encoded(ED25519 + self.key)}"

    def signed(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


class Signer:
    """The private key of a log."""

    def __init__(self, name: str, seed: Secret) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed.reveal())
        self.verifier = Verifier(name, self._key.public_key().public_bytes_raw())

    def sign(self, text: str) -> str:
        """The note: the text and a signature line."""
        signature = _encoded(self.verifier.id + self._key.sign(text.encode()))
        return f"{text}\n— {self.verifier.name} {signature}\n"


class Head(msgspec.Struct, frozen=True):
    """How many leaves, and their root."""

    size: int
    root: bytes


class Checkpoint(msgspec.Struct, frozen=True):
    """A tree head: which log, how many leaves, which root."""

    origin: str
    size: int
    root: bytes

    @property
    def head(self) -> Head:
        """The tree, whichever log it is of."""
        return Head(self.size, self.root)

    def text(self) -> str:
        """The text that is signed."""
        return f"{self.origin}\n{self.size}\n{_encoded(self.root)}\n"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a text; extension lines of other logs are passed over. Raises NoteRefused."""
        lines = text.removesuffix("\n").split("\n")
        if len(lines) < 3 or not all(lines) or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004  origin, size, root
            raise NoteRefused("this is no checkpoint")
        root = _decoded(lines[2])
        if len(root) != HASH_BYTES:
            raise NoteRefused("the root of this checkpoint is no SHA-256 hash")
        return cls(lines[0], int(lines[1]), root)


def opened(note: str, verifiers: Iterable[Verifier]) -> tuple[Checkpoint, Verifier]:
    """A checkpoint and the known key that signed it; raises NoteRefused.

    Signatures of others are passed over (witnesses may add theirs), a wrong one of a known key is not.
    """
    checkpoint = Checkpoint.parse(_parts(note)[0])
    own = [one for one in verifiers if one.name == checkpoint.origin]
    _, verifier = read(note, own, f"the checkpoint of size {checkpoint.size}")
    return checkpoint, verifier


def read(note: str, verifiers: Iterable[Verifier], what: str) -> tuple[str, Verifier]:
    """The text of any note and the known key that signed it; raises NoteRefused, which says `what` it is."""
    text, signatures = _parts(note)
    known = {(one.name, one.id): one for one in verifiers}
    signers = []
    for name, signature in signatures:
        verifier = known.get((name, signature[:4]))
        if verifier is None:
            continue
        if not verifier.signed(text, signature[4:]):
            raise NoteRefused(f"the signature of {what} is wrong")
        signers.append(verifier)
    if not signers:
        names = ", ".join(f"{name}+{signature[:4].hex()}" for name, signature in signatures)
        raise NoteRefused(f"{what} is signed by no known key but by {names}")
    return text, signers[0]


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """The text of a note and its signatures, which stand behind the last empty line."""
    text, empty, lines = note.rpartition("\n\n")
    if not empty or not lines.endswith("\n") or _CONTROL.search(note):
        raise NoteRefused("this is no signed note")
    found = [_SIGNATURE.fullmatch(line) for line in lines.removesuffix("\n").split("\n")]
    signatures = [(match[1], _decoded(match[2])) for match in found if match]
    if len(signatures) < len(found) or len(found) > MOST_SIGNATURES:
        raise NoteRefused("the signatures of this note cannot be read")
    return text + "\n", signatures


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _decoded(text: str) -> bytes:
    """Strict base64: one text for each value."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise NoteRefused("this is no base64") from error
    if _encoded(value) != text:
        raise NoteRefused("this is no canonical base64")
    return value
