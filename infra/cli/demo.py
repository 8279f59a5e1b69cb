"""`tarikh demo`: everything at once, with invented patients, for whoever wants to look around."""

import argparse
import asyncio
import http.client
import socket
import threading
from typing import TYPE_CHECKING

import msgspec

from infra.cli.command import Subparsers, add, settings
from infra.errors import CommandFailed, CommandMisused

if TYPE_CHECKING:
    from infra.demo.loading import Loaded
    from infra.embedded import Servers
    from infra.settings import Settings

SECONDS_BETWEEN_LOOKS = 0.1
SECONDS_TO_ANSWER = 5


def register(subparsers: Subparsers) -> None:
    add(subparsers, "demo", run, "Start everything with invented patients, and say what to try.")


def run(_: argparse.Namespace) -> int:
    from infra.cli.serving import supervise
    from infra.running import ready

    chosen = settings()
    if chosen.env == "prod":
        raise CommandMisused("invented patients have no place in production (TARIKH_ENV)")
    _port_is_free(chosen)
    with ready(chosen) as servers:
        loaded = _load(chosen, servers)
        stopped = threading.Event()
        announcing = threading.Thread(target=_announce, args=(chosen, loaded, stopped))
        announcing.start()
        try:
            return supervise()
        finally:
            stopped.set()
            announcing.join()


def _port_is_free(chosen: "Settings") -> None:
    """Raise CommandFailed where something listens already: better now than from a child that dies of it."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        chosen.host or None, chosen.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise CommandFailed(
                f"port {chosen.port} of {chosen.host} cannot be used ({error.strerror}): "
                "choose another with TARIKH_PORT"
            ) from error


def _load(chosen: "Settings", servers: "Servers") -> "Loaded":
    from rich.console import Console
    from rich.progress import Progress

    from infra.demo.loading import load

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        bar = progress.add_task("invented patients", total=None)
        loaded = asyncio.run(
            load(chosen, servers, lambda done, total: progress.update(bar, completed=done, total=total))
        )
    if loaded.events:
        print(f"recorded {loaded.events} events of {len(loaded.script.stories)} invented patients")
    return loaded


def _announce(chosen: "Settings", loaded: "Loaded", stopped: threading.Event) -> None:
    """As soon as the API answers for all that was loaded, say what there is to see."""
    from rich.console import Console

    from infra.demo.showing import reached_at, show

    while not stopped.wait(SECONDS_BETWEEN_LOOKS):
        if _shows((reached_at(chosen), chosen.port), loaded.head):
            show(chosen, loaded, Console())
            return


def _shows(address: tuple[str, int], head: int) -> bool:
    """Tell whether the API answers, and its read models stand at the head of what was loaded."""
    connection = http.client.HTTPConnection(*address, timeout=SECONDS_TO_ANSWER)
    try:
        connection.request("GET", "/health/ready")
        answer = connection.getresponse()
        health = msgspec.json.decode(answer.read())
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return False
    finally:
        connection.close()
    return answer.status == http.HTTPStatus.OK and all(at >= head for at in health["checkpoints"].values())
