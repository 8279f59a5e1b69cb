"""`tarikh work`: the worker."""

import argparse
import asyncio

from infra.cli.command import Subparsers, add, settings


def register(subparsers: Subparsers) -> None:
    add(subparsers, "work", run, "Finish what was begun: erasures are carried to their certificates.")


def run(_: argparse.Namespace) -> int:
    from infra.embedded import Servers
    from infra.running import ready, stop_on_signals
    from infra.services import as_app, opened
    from infra.working import work

    chosen = settings()

    async def until_stopped(servers: Servers) -> None:
        async with opened(chosen, servers) as services:
            await work(services, as_app(servers.database_url), stop_on_signals())

    with ready(chosen) as servers:
        asyncio.run(until_stopped(servers))
    return 0
