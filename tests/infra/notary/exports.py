"""An export taken apart, so that it can be altered in every way and put together again."""

import struct

import msgspec

from infra.notary.note import Checkpoint, Signer
from tests.infra.notary import reference


class Leaf(msgspec.Struct):
    """A leaf as it stands in an export."""

    hash: bytes
    encoding: bytes


class Export(msgspec.Struct):
    """An export taken apart."""

    key: str
    note: str
    leaves: list[Leaf]

    def whole(self) -> bytes:
        signed = self.note.encode()
        pages = [self.leaves[at : at + 256] for at in range(0, len(self.leaves), 256)]
        return b"".join(
            [f"tarikh export 1\n{self.key}\n{len(signed)}\n".encode(), signed, *map(self.page, pages)]
        )

    def page(self, leaves: list[Leaf]) -> bytes:
        lengths = [len(leaf.encoding) for leaf in leaves]
        hashes, encodings = [leaf.hash for leaf in leaves], [leaf.encoding for leaf in leaves]
        return struct.pack(f">{1 + len(leaves)}I", len(leaves), *lengths) + b"".join(hashes + encodings)

    def signed(self, signer: Signer) -> None:
        """Sign what is in it now."""
        root = reference.root([leaf.hash for leaf in self.leaves])
        self.key = str(signer.verifier)
        self.note = signer.sign(Checkpoint(signer.verifier.name, len(self.leaves), root).text())


def taken_apart(export: bytes) -> Export:
    _, key, length, rest = export.split(b"\n", 3)
    note, pages = rest[: int(length)], rest[int(length) :]
    leaves: list[Leaf] = []
    while pages:
        (count,) = struct.unpack(">I", pages[:4])
        lengths = struct.unpack(f">{count}I", pages[4 : 4 + 4 * count])
        hashes, pages = pages[4 + 4 * count : 4 + 36 * count], pages[4 + 36 * count :]
        for number, bytes_long in enumerate(lengths):
            leaves.append(Leaf(hashes[32 * number : 32 * number + 32], pages[:bytes_long]))
            pages = pages[bytes_long:]
    return Export(key.decode(), note.decode(), leaves)
