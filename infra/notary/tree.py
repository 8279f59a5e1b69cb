"""The tree of one shard as Postgres holds it: roots and proofs at any size, from a few tiles each."""

from collections.abc import Iterable, Sequence
from typing import Any

from psycopg.errors import CheckViolation
from psycopg_pool import AsyncConnectionPool

from infra.notary import merkle
from infra.notary.merkle import HASH_BYTES, Leaves, Node

TILE_LEVELS = 8
"""A tile holds 256 hashes and stands for so many levels of the tree."""
TILES_AT_ONCE = 64


class Broken(Exception):
    """The log or its tree does not hold what it must; the message names the positions."""


class Tree:
    """Hashes of complete subtrees; what the log has not stored as a full tile yet is read from the log."""

    def __init__(self, pool: AsyncConnectionPool, shard: int) -> None:
        self._pool = pool
        self._shard = shard

    async def size(self) -> int:
        """How many leaves there are: the position of the log's head."""
        rows = await self._rows("SELECT position FROM log.head WHERE shard = %s", (self._shard,))
        return int(rows[0][0])

    async def grow(self) -> None:
        """Store every tile that has become full. Raises Broken."""
        try:
            while (await self._rows("SELECT log.grow(%s, %s)", (self._shard, TILES_AT_ONCE)))[0][0]:
                pass
        except CheckViolation as error:
            raise Broken("positions are missing from the log") from error

    async def root(self, size: int) -> bytes:
        """The root over the first leaves. Raises Broken."""
        return (await self.roots([Leaves(0, size)]))[0]

    async def inclusion(self, index: int, size: int) -> list[bytes]:
        """The proof that a leaf stands at `index` among the first `size`. Raises Broken."""
        return await self.roots(merkle.inclusion(index, size))

    async def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the first `old` leaves are the beginning of the first `new`. Raises Broken."""
        return await self.roots(merkle.consistency(old, new))

    async def roots(self, subtrees: Sequence[Leaves]) -> list[bytes]:
        """The roots of subtrees, read together."""
        wanted = [merkle.complete(leaves) for leaves in subtrees]
        tiles = await self._tiles({_tile(node) for nodes in wanted for node in nodes})
        return [merkle.joined([_root(node, tiles[_tile(node)]) for node in nodes]) for nodes in wanted]

    async def _tiles(self, tiles: Iterable[Node]) -> dict[Node, bytes]:
        chosen = sorted(tiles)
        rows = await self._rows(
            """
            SELECT level, tile, log.tile(%s, level, tile)
            FROM unnest(%b::integer[], %b::bigint[]) AS t(level, tile)
            """,
            (self._shard, [tile.level for tile in chosen], [tile.number for tile in chosen]),
        )
        return {Node(level, number): hashes for level, number, hashes in rows}

    async def _rows(self, query: str, arguments: tuple[object, ...]) -> list[tuple[Any, ...]]:
        async with self._pool.connection() as connection:
            cursor = await connection.execute(query.encode(), arguments, binary=True)
            return await cursor.fetchall()


def _tile(node: Node) -> Node:
    """The tile that the hashes under a node stand in; its level counts tiles, not hashes."""
    level, height = divmod(node.level, TILE_LEVELS)
    return Node(level, node.number >> (TILE_LEVELS - height))


def _root(node: Node, tile: bytes) -> bytes:
    height = node.level % TILE_LEVELS
    width = HASH_BYTES << height
    start = (node.number % (1 << (TILE_LEVELS - height))) * width
    hashes = tile[start : start + width]
    if len(hashes) < width:
        first = node.number << node.level
        raise Broken(
            f"the tree does not hold all of the positions {first + 1} to {first + (1 << node.level)}"
        )
    return merkle.root_of_pairs([hashes[at : at + HASH_BYTES] for at in range(0, width, HASH_BYTES)])
