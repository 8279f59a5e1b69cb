"""The notary: how fast it folds, proves and verifies, what it costs those who append, how that grows."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from pathlib import Path

import psycopg
from psycopg_pool import AsyncConnectionPool

from infra.ids import new_id
from infra.notary.export import of_log, write
from infra.notary.keys import Known
from infra.notary.offline import verify_export
from infra.notary.signing import Notary
from infra.notary.watching import watching
from infra.services import as_app, opened
from infra.settings import Settings
from tests.bench import append, samples
from tests.bench.harness import Figure, another, house, plain, ratio
from tests.infra.notary.logs import TRIGGERS_OFF, TRIGGERS_ON, fill

LEAVES = 512 * 256
SMALL, MILLION, LARGE = 50_000, 1_000_000, 5_000_000
PROOFS = 100
APPENDS = 8
PATIENTS, SYMPTOMS = 2_000, 40
AT_ONCE = 250_000


async def folding() -> AsyncIterator[Figure]:
    """Tiles of a tree from nothing."""
    with house() as (settings, servers), psycopg.connect(servers.database_url, autocommit=True) as owner:
        fill(owner, LEAVES)
        async with _notary(settings, servers.database_url) as notary:

            async def fold() -> float:
                for statement in (TRIGGERS_OFF, "TRUNCATE log.tree", TRIGGERS_ON):
                    owner.execute(statement.encode())
                started = time.perf_counter()
                await notary.grow()
                return LEAVES / (time.perf_counter() - started)

            yield await plain("notary_leaves_per_s", fold, "leaves/s", ">= 100000", leaves=LEAVES)


async def proving() -> AsyncIterator[Figure]:
    """Whole proofs at random positions, from the row to the signed head."""
    with house() as (settings, servers):
        small, large = servers.database_url, another(servers, "large")
        async with _notary(settings, small) as little, _notary(settings, large) as big:
            await _grown(little, small, SMALL)
            await _grown(big, large, MILLION)
            a_proof = partial(_per_proof, big, MILLION)
            yield await plain("proof_ms_1m", a_proof, "ms", "<= 5", leaves=MILLION, proofs=PROOFS)
            await _grown(big, large, LARGE)
            cost, least = partial(_per_proof, big, LARGE), partial(_per_proof, little, SMALL)
            yield await ratio("growth_proof", cost, least, "<= 1.7", leaves=[LARGE, SMALL], proofs=PROOFS)


async def beside() -> AsyncIterator[Figure]:
    """What those who append feel of a notary at work."""
    with house() as (settings, servers):
        async with opened(settings, servers) as services:
            patients = [new_id() for _ in range(append.REQUESTERS)]
            await append.appended(services.writer, patients)

            async def alone() -> float:
                started = time.perf_counter()
                for _ in range(APPENDS):
                    await append.appended(services.writer, patients)
                return time.perf_counter() - started

            async def watched() -> float:
                async with watching(settings, servers):
                    return await alone()

            events = APPENDS * append.EVENTS
            yield await ratio("append_slowdown_by_notary", watched, alone, "<= 1.10", events=events)


async def verifying() -> AsyncIterator[Figure]:
    """An export of real events, over hashing its leaves and nodes and nothing else."""
    with house() as (settings, servers):
        async with opened(settings, servers) as services:
            await asyncio.gather(*map(services.writer.append, samples.requests(PATIENTS, SYMPTOMS)))
            signed = await services.notary.checkpoint()
        file, size = settings.data_dir / "export", signed.checkpoint.size
        with psycopg.connect(servers.database_url, autocommit=True) as owner, file.open("wb") as out:
            write(out, str(signed.verifier), signed.note, of_log(owner, 0, size, _nobody_watches))
            leaves = [
                page.encodings[start:end]
                for page in of_log(owner, 0, size, _nobody_watches)
                for start, end in zip(page.bounds(), page.bounds()[1:], strict=False)
            ]

        async def verify() -> float:
            return size / _seconds_to_verify(file, Known(settings.data_dir))

        async def hash_only() -> float:
            started = time.perf_counter()
            assert _root(leaves) == signed.checkpoint.root
            return size / (time.perf_counter() - started)

        average = sum(map(len, leaves)) // size
        yield await ratio("verify_vs_hashing", verify, hash_only, ">= 0.7", events=size, leaf_bytes=average)


def _nobody_watches(_done: int, _all: int) -> None:
    return


def _seconds_to_verify(path: Path, known: Known) -> float:
    started = time.perf_counter()
    with path.open("rb") as file:
        report = verify_export(file, known.verifiers(), None)
    assert not report.problems
    return time.perf_counter() - started


def _root(leaves: list[bytes]) -> bytes:
    """A plain loop over a tree of any size: a node without a sibling goes up as it is."""
    level = [sha256(leaf).digest() for leaf in leaves]
    while len(level) > 1:
        above = [
            sha256(b"\x01" + left + right).digest()
            for left, right in zip(level[::2], level[1::2], strict=False)
        ]
        level = above + level[len(above) * 2 :]
    return level[0]


@asynccontextmanager
async def _notary(settings: Settings, url: str) -> AsyncIterator[Notary]:
    kwargs = {"autocommit": True}
    async with AsyncConnectionPool(as_app(url), min_size=1, max_size=2, kwargs=kwargs, open=False) as pool:
        yield Notary(pool, settings.notary_key, Known(settings.data_dir))


async def _grown(notary: Notary, url: str, size: int) -> None:
    with psycopg.connect(url, autocommit=True) as owner:
        for reached in _steps(await notary.tree.size(), size):
            fill(owner, reached, repeats=1)
        owner.execute("VACUUM ANALYZE log.event")
    await notary.checkpoint()


def _steps(first: int, size: int) -> Iterator[int]:
    yield from range(first + AT_ONCE, size, AT_ONCE)
    yield size


async def _per_proof(notary: Notary, size: int) -> float:
    """Milliseconds for a proof."""
    positions = [random.randint(1, size) for _ in range(PROOFS)]  # noqa: S311  no secret
    started = time.perf_counter()
    for position in positions:
        await notary.prove(position)
    return (time.perf_counter() - started) / PROOFS * 1_000
