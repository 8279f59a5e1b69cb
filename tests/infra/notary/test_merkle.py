"""Roots and proofs are those of RFC 6962, at every size, and nothing else passes for them."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.notary import merkle
from infra.notary.merkle import Frontier, Leaves, Node
from tests.infra.notary import reference

MOST = 300
LEAVES = [reference.leaf_hash(str(number).encode()) for number in range(MOST)]
ROOTS = [reference.root(LEAVES[:size]) for size in range(MOST + 1)]
KNOWN_INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
KNOWN_ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
"""Roots over the first so many inputs, with which logs everywhere are tried."""

Size = st.integers(1, MOST)


def subtree(node: Node) -> bytes:
    return reference.root(LEAVES[node.number << node.level : (node.number + 1) << node.level])


def roots(subtrees: list[Leaves]) -> list[bytes]:
    """Made only of hashes of complete subtrees, as a tree that stores them would."""
    return [merkle.joined([subtree(node) for node in merkle.complete(leaves)]) for leaves in subtrees]


def flips(path: list[bytes]) -> list[list[bytes]]:
    """The path with one bit changed in each of its hashes, one hash left out, and one too many."""
    changed = [[*path[:at], flip(path[at], at), *path[at + 1 :]] for at in range(len(path))]
    return [*changed, path[1:], path[:-1], [*path, ROOTS[1]], path[::-1]]


def flip(hash_: bytes, bit: int) -> bytes:
    return (int.from_bytes(hash_) ^ 1 << bit * 7 % 256).to_bytes(32)


@pytest.mark.parametrize("size", range(9))
def test_the_known_roots_hold(size: int) -> None:
    leaves = [reference.leaf_hash(bytes.fromhex(text)) for text in KNOWN_INPUTS[:size]]
    assert reference.root(leaves).hex() == KNOWN_ROOTS[size]
    tree = Frontier()
    for leaf in leaves:
        tree.push(leaf)
    assert tree.root().hex() == KNOWN_ROOTS[size]


def test_a_tree_that_grows_has_the_right_root_at_every_size() -> None:
    tree = Frontier()
    for size in range(MOST):
        assert (tree.size, tree.root()) == (size, ROOTS[size])
        assert tree.root(LEAVES[size : size + 5]) == ROOTS[min(size + 5, MOST)]
        tree.push(LEAVES[size])
    by_tiles = Frontier()
    by_tiles.push(merkle.root_of_pairs(LEAVES[:256]), 8)
    assert by_tiles.root(LEAVES[256:]) == ROOTS[MOST]


@given(first=st.integers(0, MOST), count=Size)
def test_leaves_fall_into_complete_subtrees(first: int, count: int) -> None:
    nodes = merkle.complete(Leaves(first, first + count))
    covered = [(node.number << node.level, (node.number + 1) << node.level) for node in nodes]
    assert [start for start, _ in covered] == [first, *(end for _, end in covered[:-1])]
    assert covered[-1][1] == first + count


@settings(deadline=None)
@given(size=Size, data=st.data())
def test_an_inclusion_proof_is_the_standards_and_verifies(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = roots(merkle.inclusion(index, size))
    assert path == reference.inclusion(index, LEAVES[:size])
    leaf, root = LEAVES[index], ROOTS[size]
    assert merkle.verify_inclusion(leaf, index, size, path, root)
    for wrong in flips(path):
        assert wrong == path or not merkle.verify_inclusion(leaf, index, size, wrong, root)
    assert not merkle.verify_inclusion(flip(leaf, index), index, size, path, root)
    assert not merkle.verify_inclusion(leaf, index, size, path, flip(root, index))
    assert not merkle.verify_inclusion(leaf, size, size, path, root)
    assert not merkle.verify_inclusion(leaf, -1, size, path, root)
    for other in {data.draw(st.integers(0, size - 1)), index ^ 1} - {index}:
        assert not merkle.verify_inclusion(leaf, other, size, path, root)


@settings(deadline=None)
@given(new=Size, data=st.data())
def test_a_consistency_proof_is_the_standards_and_verifies(new: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, new))
    path = roots(merkle.consistency(old, new))
    assert path == reference.consistency(old, LEAVES[:new])
    before, after = ROOTS[old], ROOTS[new]
    assert merkle.verify_consistency(old, new, before, after, path)
    for wrong in flips(path):
        assert wrong == path or not merkle.verify_consistency(old, new, before, after, wrong)
    assert not merkle.verify_consistency(old, new, flip(before, old), after, path)
    assert not merkle.verify_consistency(old, new, before, flip(after, new), path)
    assert not merkle.verify_consistency(new + 1, new, before, after, path)


def test_every_tree_continues_the_empty_one_and_itself() -> None:
    empty = hashlib.sha256().digest()
    assert merkle.consistency(0, 7) == merkle.consistency(7, 7) == []
    assert merkle.verify_consistency(0, 7, empty, ROOTS[7], [])
    assert merkle.verify_consistency(7, 7, ROOTS[7], ROOTS[7], [])
    assert not merkle.verify_consistency(0, 7, ROOTS[1], ROOTS[7], [])
    assert not merkle.verify_consistency(7, 7, ROOTS[7], ROOTS[6], [])
    assert not merkle.verify_consistency(3, 7, ROOTS[3], ROOTS[7], [])
    assert not merkle.verify_consistency(4, 7, ROOTS[4], ROOTS[7], [])
