"""The tree in Postgres grows from the log alone, is never wrong, and survives whatever stops its growth."""

import asyncio
import subprocess
import sys
import time

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.errors import InsufficientPrivilege

from infra.services import as_app
from tests.infra.notary import reference
from tests.infra.notary.logs import Connection, Log

SIZE = 700
SECONDS = 60
GROWING = """
import sys, psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    connection.execute("SELECT log.grow(0, %s)", (int(sys.argv[2]),))
"""
STUCK = """
    pg_stat_activity
    WHERE query LIKE 'SELECT log.grow%' AND wait_event_type = 'Lock' AND datname = current_database()
    """


def stored(log: Log) -> list[tuple[object, ...]]:
    with log.owner() as connection:
        return connection.execute("SELECT level, tile, root, hashes FROM log.tree ORDER BY 1, 2").fetchall()


def tiles(leaves: list[bytes]) -> list[tuple[object, ...]]:
    """What must be stored for these leaves."""
    found: list[tuple[object, ...]] = []
    level, hashes = 0, leaves
    while len(hashes) >= 256:
        full = [hashes[at : at + 256] for at in range(0, len(hashes) - 255, 256)]
        roots = [reference.root(tile) for tile in full]
        found += [
            (level, n, root, b"".join(tile)) for n, (tile, root) in enumerate(zip(full, roots, strict=True))
        ]
        level, hashes = level + 1, roots
    return found


async def grow(log: Log) -> None:
    async with log.notary() as notary:
        await notary.grow()


async def test_full_tiles_are_stored_and_are_the_standards(log: Log) -> None:
    for size in (0, 1, 255, 256, 257, SIZE):
        log.fill(size)
        await grow(log)
        assert stored(log) == tiles(log.leaves())


async def test_roots_and_proofs_at_any_size_are_the_standards(log: Log) -> None:
    log.fill(SIZE)
    leaves = log.leaves()
    async with log.notary() as notary:
        await notary.grow()
        loop = asyncio.get_running_loop()

        @settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
        @given(size=st.integers(1, SIZE), data=st.data())
        def law(size: int, data: st.DataObject) -> None:
            index, old = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))

            async def asked() -> tuple[object, ...]:
                tree = notary.tree
                return (
                    await tree.root(size),
                    await tree.inclusion(index, size),
                    await tree.consistency(old, size),
                )

            first = leaves[:size]
            expected = (
                reference.root(first),
                reference.inclusion(index, first),
                reference.consistency(old, first),
            )
            assert asyncio.run_coroutine_threadsafe(asked(), loop).result() == expected

        await asyncio.to_thread(law)


async def test_any_number_may_grow_the_tree_at_once(log: Log) -> None:
    log.fill(30 * 256)
    await asyncio.gather(*(grow(log) for _ in range(4)))
    assert stored(log) == tiles(log.leaves())


@pytest.mark.parametrize("session_too", [False, True])
def test_a_tree_goes_on_growing_where_a_killed_process_left_it(log: Log, *, session_too: bool) -> None:
    """Killed in the middle of growing: the process alone, or with it what it was doing in Postgres."""
    log.fill(60 * 256)
    for most in (1, 9, 25):
        with log.owner() as owner, log.owner() as other:
            with owner.transaction():
                owner.execute("LOCK TABLE log.tree IN SHARE MODE")
                command = [sys.executable, "-c", GROWING, as_app(log.url), str(most)]
                with subprocess.Popen(command) as process:  # noqa: S603  ourselves
                    try:
                        await_growing(other)
                    finally:
                        process.kill()
                if session_too:
                    other.execute(f"SELECT pg_terminate_backend(pid) FROM {STUCK}".encode())
            expected = tiles(log.leaves())
            assert all(tile in expected for tile in stored(log))
    asyncio.run(grow(log))
    assert stored(log) == tiles(log.leaves())


def await_growing(other: Connection) -> None:
    """Until somebody stands at the door of the tree."""
    deadline = time.monotonic() + SECONDS
    while not other.execute(f"SELECT FROM {STUCK}".encode()).fetchall():
        assert time.monotonic() < deadline


@pytest.mark.parametrize("role", ["tarikh_app", "tarikh_projector"])
async def test_nobody_hands_hashes_in_or_takes_them_away(log: Log, role: str) -> None:
    await log.sign(300)
    with psycopg.connect(log.url, autocommit=True, options=f"-c role={role}") as connection:
        for statement in (
            "INSERT INTO log.tree SELECT shard, level, tile + 9, root, hashes FROM log.tree",
            "INSERT INTO log.tree_head SELECT shard, size + 1, root, verifier, note FROM log.tree_head",
            "UPDATE log.tree SET root = root",
            "DELETE FROM log.tree_head",
            "TRUNCATE log.tree",
            "UPDATE log.tree_origin SET origin = 'tarikh/other/shard/0'",
        ):
            with pytest.raises(InsufficientPrivilege):
                connection.execute(statement.encode())
    with log.owner() as owner:
        for table in ("tree", "tree_head", "tree_origin"):
            with pytest.raises(psycopg.Error, match="append-only"):
                owner.execute(f"DELETE FROM log.{table}".encode())
