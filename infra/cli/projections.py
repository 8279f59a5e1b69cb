"""`tarikh projections`: how far the read models are; build them anew; compare them with the log."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import msgspec

from infra.cli.command import Subparsers, add, add_group, print_json, settings
from infra.errors import CommandMisused

if TYPE_CHECKING:
    from psycopg import AsyncConnection

    from infra.projector.projector import Projector
    from infra.projector.rebuild import Told
    from infra.projector.verify import Verified
    from projections.model import ReadModel


class Place(msgspec.Struct, frozen=True):
    """How far a version of a read model is; `current` where it is this release's."""

    model: str
    fingerprint: str
    position: int
    lag: int
    current: bool


class Status(msgspec.Struct, frozen=True):
    head: int
    models: list[Place]


class Rebuilt(msgspec.Struct, frozen=True):
    model: str
    position: int


def register(subparsers: Subparsers) -> None:
    group = add_group(subparsers, "projections", "See, rebuild and verify the read models.")
    parsers = [
        add(group, "status", status, "Say how far each version of each read model is."),
        add(group, "rebuild", rebuild, "Build read models anew from the log, while the old ones serve."),
        add(group, "verify", verify, "Compare read models with the log, row by row; exit 1 on a difference."),
    ]
    parsers[1].add_argument("name", nargs="?", metavar="NAME", help="the read model")
    parsers[1].add_argument("--all", action="store_true", help="every read model")
    parsers[2].add_argument("name", nargs="?", metavar="NAME", help="the read model; by default all")
    for parser in parsers:
        parser.add_argument("--json", action="store_true", help="answer for programs")


def status(arguments: argparse.Namespace) -> int:
    found = asyncio.run(_status())
    if arguments.json:
        print_json(found)
        return 0
    print(f"{'read model':<26}{'version':<14}{'position':>10}{'lag':>8}   (head {found.head})")
    for place in found.models:
        note = "" if place.current else "   of another release"
        print(f"{place.model:<26}{place.fingerprint:<14}{place.position:>10}{place.lag:>8}{note}")
    return 0


async def _status() -> Status:
    from infra.projector import checkpoints

    async with _opened() as (projector, connection):
        head = (await projector.reader.head()).position
        current = {(model.name, model.fingerprint) for model in projector.models}
        places = await checkpoints.all_of(connection, 0)
    return Status(
        head,
        [
            Place(c.model, c.fingerprint, c.position, head - c.position, (c.model, c.fingerprint) in current)
            for c in places
        ],
    )


def rebuild(arguments: argparse.Namespace) -> int:
    if (arguments.name is None) != arguments.all:
        raise CommandMisused("name one read model, or say --all")
    rebuilt = asyncio.run(_rebuild(arguments.name, shown=not arguments.json))
    if arguments.json:
        print_json(rebuilt)
    else:
        for one in rebuilt:
            print(f"rebuilt {one.model} up to position {one.position}")
    return 0


async def _rebuild(name: str | None, *, shown: bool) -> list[Rebuilt]:
    from infra.projector.rebuild import rebuild

    done = []
    async with _opened() as (projector, connection):
        chosen = _chosen(projector, name)
        await _caught_up(projector)
        with _bar(shown=shown) as bar:
            for model in chosen:
                told = bar(model.name)
                done.append(
                    Rebuilt(model.name, await rebuild(connection, projector.reader, model, told=told))
                )
    return done


def verify(arguments: argparse.Namespace) -> int:
    """Exit 1 where anything differs."""
    found = asyncio.run(_verify(arguments.name, shown=not arguments.json))
    if arguments.json:
        print_json(found)
    else:
        _print(found)
    return 1 if any(one.wrong for one in found) else 0


async def _verify(name: str | None, *, shown: bool) -> "list[Verified]":
    from infra.projector.verify import verify

    found = []
    async with _opened() as (projector, connection):
        chosen = _chosen(projector, name)
        await _caught_up(projector)
        with _bar(shown=shown) as bar:
            for model in chosen:
                told = bar(model.name)
                found.append(await verify(connection, projector.reader, model, told=told))
    return found


def _print(found: "list[Verified]") -> None:
    for one in found:
        verdict = f"{len(one.wrong)} differences" if one.wrong else "as the log says"
        print(f"{one.model:<26}{one.rows:>8} rows at position {one.position}: {verdict}")
        for wrong in one.wrong:
            parts = (wrong.table, wrong.key, wrong.subject_id and f"of {wrong.subject_id}", wrong.what)
            print("  " + "  ".join(str(part) for part in parts if part))


@asynccontextmanager
async def _opened() -> "AsyncIterator[tuple[Projector, AsyncConnection]]":
    from infra.running import projecting, ready

    chosen = settings()
    with ready(chosen) as servers:
        async with projecting(chosen, servers) as opened:
            yield opened


def _chosen(projector: "Projector", name: str | None) -> "list[ReadModel]":
    chosen = [model for model in projector.models if name in {None, model.name}]
    if not chosen:
        names = ", ".join(model.name for model in projector.models)
        raise CommandMisused(f"there is no read model {name}; there are {names}")
    return chosen


async def _caught_up(projector: "Projector") -> None:
    """Where no projector runs, do its work first, so that there is something to look at."""
    from infra.projector.lease import LeaseLost

    try:
        if await projector.take_over():
            await projector.catch_up()
            await projector.give_back()
    except LeaseLost:
        return


@contextmanager
def _bar(*, shown: bool) -> "Iterator[Callable[[str], Told]]":
    """A progress bar on stderr for each model, where somebody sees it."""
    from rich.console import Console
    from rich.progress import Progress

    hidden = not (shown and sys.stderr.isatty())
    with Progress(console=Console(stderr=True), disable=hidden, transient=True) as progress:

        def begin(name: str) -> "Told":
            task = progress.add_task(name, total=None)
            return lambda done, total: progress.update(task, completed=done, total=total)

        yield begin
