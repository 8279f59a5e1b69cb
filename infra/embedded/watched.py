"""Joining a server: hold its users' lock, and start a watchdog for it when none is there."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from infra.embedded.locks import EXCLUSIVE, SHARED, attempt, held
from infra.embedded.server import Server, change_lock, log_file, users_lock, watchdog_lock
from infra.errors import CommandFailed

LARGEST_LOG = 4_000_000
_COMPLAINT = re.compile(r"FATAL|error|could not|cannot", re.IGNORECASE)


@contextmanager
def joined(*servers: Server) -> Iterator[None]:
    """Keep the servers alive for as long as the block runs; raise `CommandFailed` when one cannot start."""
    with ExitStack() as locks:
        for server in servers:
            _make_home(server.home)
            locks.enter_context(held(users_lock(server.home), SHARED))
        for server in [server for server in servers if not _started(server)]:
            if not _watched(server.home):
                raise CommandFailed(_why(server))
        yield


def _make_home(home: Path) -> None:
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(f"cannot create {home} ({error.strerror})") from error


def _started(server: Server) -> bool:
    """Tell whether a watchdog was there; start one when not.

    The change lock waits for a start or stop that is under way. A new watchdog inherits both locks, so that
    no moment is left in which another process could take them.
    """
    with held(change_lock(server.home), EXCLUSIVE) as changing:
        watching = attempt(watchdog_lock(server.home))
        if watching is None:
            return True
        try:
            _launch(server, changing, watching)
        finally:
            os.close(watching)
        return False


def _watched(home: Path) -> bool:
    """Wait until the start is over, and tell whether it came to something."""
    with held(change_lock(home), EXCLUSIVE):
        watching = attempt(watchdog_lock(home))
        if watching is not None:
            os.close(watching)
        return watching is None


def _launch(server: Server, changing: int, watching: int) -> None:
    log = log_file(server.home)
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        shutil.move(log, log.with_suffix(".old"))
    command = [sys.executable, "-m", "infra.embedded.watchdog", server.name, str(server.home.parent)]
    with log.open("ab") as output:
        subprocess.run(  # noqa: S603  ourselves
            [*command, str(changing), str(watching)],
            pass_fds=(changing, watching),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            check=False,
        )


def _why(server: Server) -> str:
    log = log_file(server.home)
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() or ["nothing was logged"]
    telling = next((line for line in reversed(lines[-20:]) if _COMPLAINT.search(line)), lines[-1])
    return f"the embedded {server.name} did not start: {telling.strip()} (see {log})"
