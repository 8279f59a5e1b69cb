"""What a server has to say about itself so that a watchdog can keep it."""

import hashlib
import os
import signal
import stat
from pathlib import Path
from typing import Protocol

from infra.embedded.process import own_folder
from infra.errors import CommandFailed

LONGEST_SOCKET_PATH = 100


class Server(Protocol):
    """One server of one data dir: `home` holds its locks and log, `folder` its files."""

    name: str
    home: Path
    folder: Path
    sockets: Path
    stop_signal: signal.Signals
    death_signal: signal.Signals

    def prepare(self, log: Path) -> None:
        """Make ready whatever is missing in `home` before the server starts."""

    def command(self) -> list[str]:
        """Return the program and its arguments."""

    def ready(self) -> bool:
        """Tell whether it answers."""


def users_lock(home: Path) -> Path:
    """Held, shared, by everybody who needs the server; whoever gets it alone knows that nobody does."""
    return home / "users.lock"


def change_lock(home: Path) -> Path:
    """Held while the server starts or stops."""
    return home / "change.lock"


def watchdog_lock(home: Path) -> Path:
    """Held by the watchdog as long as it lives."""
    return home / "watchdog.lock"


def log_file(home: Path) -> Path:
    return home / "log"


def socket_folder(home: Path, longest_name: str) -> Path:
    """Return where the socket stands: in `home`, or behind a short name where the kernel's limit is passed.

    The short name depends on nothing but `home`, so that every command finds the same.
    """
    folder = home / "run"
    if len(os.fsencode(folder / longest_name)) <= LONGEST_SOCKET_PATH:
        return folder
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    return Path("/tmp") / f"tarikh-{os.getuid()}-{digest}"  # noqa: S108  checked in `own_socket_folder`


def own_socket_folder(folder: Path) -> None:
    """Create the folder, or raise `CommandFailed` when somebody else got hold of its name."""
    own_folder(folder)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or stat.S_IMODE(found.st_mode) & 0o077:
        raise CommandFailed(f"{folder} is not a private folder of ours; remove it")
