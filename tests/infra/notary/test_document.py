"""LEAF.md alone is enough: a verifier written from its words verifies what the notary makes."""

import base64
import hashlib
import io
import json
import re
from importlib import resources
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from infra.notary.export import Page, write
from infra.notary.note import Checkpoint, Signer, Verifier
from infra.secret import Secret
from tests.infra.notary import reference
from tests.infra.notary.logs import Log

DOCUMENT = resources.files("infra.event_log").joinpath("LEAF.md").read_text("utf-8")
SIGNER = Signer("tarikh/example/shard/0", Secret(bytes(range(32))))


def block(name: str) -> str:
    (found,) = re.findall(rf"```{name}\n(.*?)```", DOCUMENT, re.DOTALL)
    return str(found)


VECTORS: dict[str, Any] = json.loads(block("json tree"))
LEAF_VECTORS: list[dict[str, Any]] = json.loads(block("json"))[:2]
LEAVES = [reference.leaf_hash(bytes([index % 256])) for index in range(600)]
EXPORT = bytes.fromhex(block("text export"))


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def includes(proof: dict[str, Any], leaf: bytes, root: bytes) -> bool:
    """Written from the document."""
    fn, sn, r = proof["index"], proof["size"] - 1, leaf
    for p in map(bytes.fromhex, proof["path"]):
        if sn == 0:
            return False
        if fn % 2 or fn == sn:
            r = sha256(b"\1" + p + r)
            while fn % 2 == 0 and fn:
                fn, sn = fn // 2, sn // 2
        else:
            r = sha256(b"\1" + r + p)
        fn, sn = fn // 2, sn // 2
    return sn == 0 and r == root


def continues(proof: dict[str, Any], old: bytes, new: bytes) -> bool:
    """Written from the document; for 0 < from < to."""
    path = list(map(bytes.fromhex, proof["path"]))
    if proof["from"].bit_count() == 1:
        path = [old, *path]
    fn, sn = proof["from"] - 1, proof["to"] - 1
    while fn % 2:
        fn, sn = fn // 2, sn // 2
    a = b = path[0]
    for p in path[1:]:
        if sn == 0:
            return False
        if fn % 2 or fn == sn:
            a, b = sha256(b"\1" + p + a), sha256(b"\1" + p + b)
            while fn % 2 == 0 and fn:
                fn, sn = fn // 2, sn // 2
        else:
            b = sha256(b"\1" + b + p)
        fn, sn = fn // 2, sn // 2
    return sn == 0 and (a, b) == (old, new)


def checked(note: str, key: str) -> tuple[str, int, bytes]:
    """Origin, size and root of a checkpoint that this verifier key signed; written from the document."""
    name, id_, public = key.split("+", 2)
    assert sha256(name.encode() + b"\n" + base64.b64decode(public))[:4].hex() == id_
    text, _, signatures = note.rpartition("\n\n")
    dash, signer, signature = signatures.removesuffix("\n").split(" ")
    assert (dash, signer) == ("\u2014", name)
    raw = base64.b64decode(signature)
    assert raw[:4].hex() == id_
    Ed25519PublicKey.from_public_bytes(base64.b64decode(public)[1:]).verify(raw[4:], f"{text}\n".encode())
    origin, size, root = text.split("\n")
    assert origin == name
    return origin, int(size), base64.b64decode(root)


def leaves_of(export: bytes) -> list[bytes]:
    """The leaf hashes of an export whose every part is right; written from the document."""
    file = io.BytesIO(export)
    assert file.readline() == b"tarikh export 1\n"
    key = file.readline().decode().removesuffix("\n")
    origin, size, root = checked(file.read(int(file.readline())).decode(), key)
    shard = int(origin.rpartition("/")[2])
    hashes: list[bytes] = []
    while len(hashes) < size:
        count = int.from_bytes(file.read(4))
        assert count == min(256, size - len(hashes))
        lengths = [int.from_bytes(file.read(4)) for _ in range(count)]
        stored = [file.read(32) for _ in range(count)]
        for length, hash_ in zip(lengths, stored, strict=True):
            leaf = file.read(length)
            hashes.append(sha256(leaf))
            place = b"\0\1" + b"\0\0\0\4" + shard.to_bytes(4) + b"\0\0\0\x08" + len(hashes).to_bytes(8)
            assert leaf.startswith(place)
            assert hash_ == hashes[-1]
    assert file.read() == b""
    assert reference.root(hashes) == root
    return hashes


def test_the_vectors_of_the_tree_hold() -> None:
    for size, root in VECTORS["roots"].items():
        assert reference.root(LEAVES[: int(size)]).hex() == root
    for proof in VECTORS["inclusion"]:
        first = LEAVES[: proof["size"]]
        assert reference.inclusion(proof["index"], first) == list(map(bytes.fromhex, proof["path"]))
        assert includes(proof, LEAVES[proof["index"]], reference.root(first))
    for proof in VECTORS["consistency"]:
        old, new = LEAVES[: proof["from"]], LEAVES[: proof["to"]]
        assert reference.consistency(proof["from"], new) == list(map(bytes.fromhex, proof["path"]))
        assert continues(proof, reference.root(old), reference.root(new))


def test_the_vector_of_the_checkpoint_holds() -> None:
    hashes = [bytes.fromhex(vector["hash"]) for vector in LEAF_VECTORS]
    note, key = block("text checkpoint"), block("text key").strip()
    assert checked(note, key) == (SIGNER.verifier.name, 2, reference.root(hashes))
    assert SIGNER.sign(Checkpoint(SIGNER.verifier.name, 2, reference.root(hashes)).text()) == note
    assert Verifier.parse(key) == SIGNER.verifier
    with pytest.raises(InvalidSignature):
        checked(note.replace("\n2\n", "\n3\n"), key)


def test_the_vector_of_the_export_holds() -> None:
    hashes = [bytes.fromhex(vector["hash"]) for vector in LEAF_VECTORS]
    encodings = [bytes.fromhex(vector["leaf"]) for vector in LEAF_VECTORS]
    assert leaves_of(EXPORT) == hashes
    file = io.BytesIO()
    page = Page(b"".join(hashes), tuple(map(len, encodings)), b"".join(encodings))
    write(file, str(SIGNER.verifier), block("text checkpoint"), [page])
    assert file.getvalue() == EXPORT


async def test_a_stranger_verifies_what_the_notary_makes(log: Log) -> None:
    await log.sign(600)
    export = await log.export()
    assert leaves_of(export) == log.leaves()
    async with log.notary() as notary:
        proof = await notary.prove(300)
        grown = await notary.consistency(300, 600)
    old, new = reference.root(log.leaves()[:300]), reference.root(log.leaves())
    assert includes({"index": 299, "size": 600, "path": proof.path}, log.leaves()[299], new)
    assert continues({"from": 300, "to": 600, "path": grown.path}, old, new)
