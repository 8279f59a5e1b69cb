"""`tarikh migrate`, `serve`, `project`: the processes of a running Tarikh."""

import argparse
import asyncio
import importlib
import os
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from infra.cli.command import Subparsers, add, settings
from infra.errors import CommandFailed

if TYPE_CHECKING:
    from infra.embedded import Servers

CHILDREN = ("serve", "project", "work")
SECONDS_BETWEEN_STARTS = 1.0
SECONDS_TO_STOP = 10


def register(subparsers: Subparsers) -> None:
    add(subparsers, "migrate", migrate, "Bring the log, the app's tables and the vault to this release.")
    serving = add(subparsers, "serve", serve, "Serve the API.")
    serving.add_argument("--all", action="store_true", help="also project and work; start again what dies")
    add(subparsers, "project", project, "Feed the read models from the log.")


def migrate(_: argparse.Namespace) -> int:
    from infra import embedded, migrate

    with embedded.servers(settings()) as servers:
        for name in migrate.migrate(servers.database_url, servers.vault_url):
            print(f"applied {name}")
    print("up to date")
    return 0


def serve(arguments: argparse.Namespace) -> int:
    return supervise() if arguments.all else _serve()


def _serve() -> int:
    """Run the API until told to stop. Its workers read from the environment where the servers are."""
    from granian import Granian
    from granian.constants import Interfaces

    from infra.running import ready

    chosen = settings()
    with ready(chosen) as servers:
        os.environ["TARIKH_DATABASE_URL"] = servers.database_url
        os.environ["TARIKH_VAULT_URL"] = servers.vault_url
        os.environ["TARIKH_CACHE_URL"] = servers.cache_url or "none"
        granian = Granian(
            "api.app:create",
            address=chosen.host,
            port=chosen.port,
            workers=chosen.workers,
            interface=Interfaces.ASGI,
            log_access=False,
            log_enabled=False,
            respawn_failed_workers=True,
            workers_kill_timeout=SECONDS_TO_STOP,
        )
        try:
            granian.serve(target_loader=partial(_application, os.getpid()), wrap_loader=False)
        except (OSError, RuntimeError) as error:  # what its sockets raise is a RuntimeError with a long story
            why = str(error).partition("\n")[0]
            raise CommandFailed(f"port {chosen.port} of {chosen.host} cannot be used: {why}") from error
    return 0


def _application(parent: int) -> Callable[..., Any]:
    """Make the application in a worker, which does not outlive the server by a moment.

    It is killed and not told: granian's handler forgets a signal that comes before it serves, and one that
    comes while it begins was once not heard at all. A server that ends in order waits for its workers first.
    """
    from infra.heap import settle
    from infra.parent import end_with

    end_with(parent, signal.SIGKILL)
    create: Callable[[], Callable[..., Any]] = importlib.import_module("api.app").create
    application = create()
    settle()
    return application


def project(_: argparse.Namespace) -> int:
    from infra.heap import settle
    from infra.notary.watching import watching
    from infra.projector.live import follow
    from infra.reactions.feeding import feeding
    from infra.running import projecting, ready, stop_on_signals

    chosen = settings()

    async def run(servers: "Servers") -> None:
        stop = stop_on_signals()
        async with projecting(chosen, servers) as (projector, _), watching(chosen, servers), feeding(servers):
            settle()
            await follow(projector, servers.database_url, stop)

    with ready(chosen) as servers:
        asyncio.run(run(servers))
    return 0


def supervise() -> int:
    """Run every process of a small installation as a child; one that dies is started again."""
    from infra.running import ready

    with ready(settings()):
        asyncio.run(_supervise())
    return 0


async def _supervise() -> None:
    from infra.running import stop_on_signals

    stop = stop_on_signals()
    await asyncio.gather(*(_keep_running(name, stop) for name in CHILDREN))


async def _keep_running(name: str, stop: asyncio.Event) -> None:
    stopping = asyncio.create_task(stop.wait())
    while not stop.is_set():
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "infra.cli.child", str(os.getpid()), name
        )
        ended = asyncio.create_task(child.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            print(f"tarikh: {name} ended ({child.returncode}); starting it again", file=sys.stderr)
            await asyncio.wait({stopping}, timeout=SECONDS_BETWEEN_STARTS)
        elif not ended.done():
            await _stop(child, ended)


async def _stop(child: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
    child.terminate()
    await asyncio.wait({ended}, timeout=SECONDS_TO_STOP + 5)
    if not ended.done():
        child.kill()
        await ended
