"""`tarikh migrate`, `serve`, `project`: the processes of a running Tarikh."""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping

from infra.cli.command import Subparsers, add, settings

CHILDREN = ("serve", "project")
SECONDS_BETWEEN_STARTS = 1.0
SECONDS_TO_STOP = 10.0


def register(subparsers: Subparsers) -> None:
    add(subparsers, "migrate", migrate, "Bring the log, the app's tables and the vault to this release.")
    serving = add(subparsers, "serve", serve, "Serve the API.")
    serving.add_argument("--all", action="store_true", help="also project, and start again what dies")
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
    """Run the API until told to stop. Its workers read the same environment, and the URLs of embedded servers."""
    from granian import Granian
    from granian.constants import Interfaces

    from infra.running import ready

    chosen = settings()
    with ready(chosen) as servers:
        os.environ["TARIKH_DATABASE_URL"] = servers.database_url
        os.environ["TARIKH_VAULT_URL"] = servers.vault_url
        os.environ["TARIKH_CACHE_URL"] = servers.cache_url or "none"
        Granian(
            "api.app:create",
            factory=True,
            address=chosen.host,
            port=chosen.port,
            workers=chosen.workers,
            interface=Interfaces.ASGI,
            log_access=False,
            log_enabled=False,
            respawn_failed_workers=True,
        ).serve()
    return 0


def project(_: argparse.Namespace) -> int:
    from infra import logging
    from infra.projector.live import follow
    from infra.running import projecting, ready, stop_on_signals

    chosen = settings()
    logging.configure(chosen)

    async def run(servers: "ready.Servers") -> None:  # type: ignore[name-defined]  # see below
        async with projecting(chosen, servers) as (projector, _):
            await follow(projector, servers.database_url, stop_on_signals())

    with ready(chosen) as servers:
        asyncio.run(run(servers))
    return 0


def supervise(environ: Mapping[str, str] | None = None) -> int:
    """Run every process of a small installation as a child; one that dies is started again."""
    from infra.running import ready

    stopping = False

    def stop(_number: int, _frame: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    with ready(settings()):
        children = {name: _start(name, environ) for name in CHILDREN}
        while not stopping:
            for name, child in children.items():
                if child.poll() is not None:
                    print(f"tarikh: {name} ended ({child.returncode}); starting it again", file=sys.stderr)
                    children[name] = _start(name, environ)
            time.sleep(SECONDS_BETWEEN_STARTS)
        for child in children.values():
            child.terminate()
        for child in children.values():
            child.wait(SECONDS_TO_STOP)
    return 0


def _start(name: str, environ: Mapping[str, str] | None) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "infra.cli", name], env=environ)
