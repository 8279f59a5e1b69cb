"""`tarikh projections`: how far the read models are; build them anew; compare them with the log."""

import argparse
import asyncio
from typing import TYPE_CHECKING

import msgspec

from infra.cli.command import Subparsers, add, add_group, print_json
from infra.cli.models import caught_up, chosen, opened
from infra.cli.retrying import retry
from infra.cli.standing import drop, status
from infra.cli.telling import telling
from infra.errors import CommandMisused

if TYPE_CHECKING:
    from infra.projector.verify import Verified


class Rebuilt(msgspec.Struct, frozen=True):
    model: str
    position: int


def register(subparsers: Subparsers) -> None:
    group = add_group(subparsers, "projections", "See, rebuild, verify and repair the read models.")
    seen = add(
        group, "status", status, "Say how far each version of each read model is, and who is held back."
    )
    rebuilt = add(group, "rebuild", rebuild, "Build read models anew from the log, while the old ones serve.")
    rebuilt.add_argument("name", nargs="?", metavar="NAME", help="the read model")
    rebuilt.add_argument("--all", action="store_true", help="every read model")
    verified = add(
        group, "verify", verify, "Compare read models with the log, row by row; exit 1 on a difference."
    )
    verified.add_argument("name", nargs="?", metavar="NAME", help="the read model; by default all")
    retried = add(
        group, "retry", retry, "Fold patients anew who are held back; exit 1 where anybody is held on."
    )
    retried.add_argument("name", nargs="?", metavar="NAME", help="the read model; by default all")
    retried.add_argument("--patient", metavar="ID", help="one patient; by default all")
    dropped = add(group, "drop", drop, "Drop versions of other releases, and what rebuilds have left.")
    dropped.add_argument("name", nargs="?", metavar="NAME", help="the read model")
    dropped.add_argument("--version", metavar="FINGERPRINT", help="one version; by default all old ones")
    dropped.add_argument("--outdated", action="store_true", help="of every read model")
    for parser in (seen, rebuilt, verified, retried, dropped):
        parser.add_argument("--json", action="store_true", help="answer for programs")


def rebuild(arguments: argparse.Namespace) -> int:
    if (arguments.name is None) != arguments.all:
        raise CommandMisused("name one read model, or say --all")
    rebuilt = asyncio.run(_rebuild(arguments.name, bar=not arguments.json))
    if arguments.json:
        print_json(rebuilt)
    else:
        for one in rebuilt:
            print(f"rebuilt {one.model} up to position {one.position}")
    return 0


async def _rebuild(name: str | None, *, bar: bool) -> list[Rebuilt]:
    from infra.projector.rebuild import rebuild

    done = []
    async with opened() as (projector, connection):
        models = chosen(projector, name)
        await caught_up(projector)
        with telling("rebuilding", bar=bar) as begin:
            for model in models:
                told = begin(model.name)
                done.append(
                    Rebuilt(model.name, await rebuild(connection, projector.reader, model, told=told))
                )
    return done


def verify(arguments: argparse.Namespace) -> int:
    """Exit 1 where anything differs."""
    found = asyncio.run(_verify(arguments.name, bar=not arguments.json))
    if arguments.json:
        print_json(found)
    else:
        _print(found)
    return 1 if any(one.wrong for one in found) else 0


async def _verify(name: str | None, *, bar: bool) -> "list[Verified]":
    from infra.projector.verify import verify

    found = []
    async with opened() as (projector, connection):
        models = chosen(projector, name)
        await caught_up(projector)
        with telling("verifying", bar=bar) as begin:
            for model in models:
                told = begin(model.name)
                found.append(await verify(connection, projector.reader, model, told=told))
    return found


def _print(found: "list[Verified]") -> None:
    for one in found:
        verdict = f"{len(one.wrong)} differences" if one.wrong else "as the log says"
        held = f", but for {len(one.held)} who are held back" if one.held else ""
        print(f"{one.model:<26}{one.rows:>8} rows at position {one.position}: {verdict}{held}")
        for wrong in one.wrong:
            print(f"  {wrong}")
