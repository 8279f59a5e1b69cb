"""`tarikh work`: the worker."""

import argparse
import asyncio

from infra.cli.command import Subparsers, add, settings


def register(subparsers: Subparsers) -> None:
    parser = add(
        subparsers,
        "work",
        run,
        "Finish what was begun: erasures are carried to their certificates, jobs are run.",
    )
    parser.add_argument("--again", action="store_true", help="first try again the jobs that failed")


def run(arguments: argparse.Namespace) -> int:
    from infra.embedded import Servers
    from infra.heap import settle
    from infra.reactions import working as reactions
    from infra.running import ready, stop_on_signals
    from infra.services import as_app, opened
    from infra.working import work

    chosen = settings()

    async def until_stopped(servers: Servers) -> None:
        stop = stop_on_signals()
        if arguments.again:
            print(f"{await reactions.try_again(servers.database_url)} jobs are tried again", flush=True)
        async with opened(chosen, servers) as services:
            settle()
            await asyncio.gather(
                work(services, as_app(servers.database_url), stop),
                reactions.work(services, servers.database_url, stop),
            )

    with ready(chosen) as servers:
        asyncio.run(until_stopped(servers))
    return 0
