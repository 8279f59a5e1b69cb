"""The process that owns one embedded server: starts it, minds it, stops it when the last user has left.

It needs no clean end of anybody. Users and the watchdog are known by locks that the kernel takes back; the
server gets a signal from the kernel when the watchdog dies; what slips through is swept at the next start.
"""

import fcntl
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from infra.embedded import process
from infra.embedded.locks import EXCLUSIVE, acquire, attempt
from infra.embedded.postgres import Postgres
from infra.embedded.server import Server, change_lock, log_file, users_lock
from infra.embedded.valkey import Valkey
from infra.errors import CommandFailed

POLL_SECONDS = 0.2
START_SECONDS = 120.0
STOP_SECONDS = 20.0
SHORT_LIFE_SECONDS = 5.0
PAUSE_SECONDS = 0.5


class Bell:
    """Waits until a child ends or a time has passed; ends the program on SIGTERM and SIGINT."""

    def __init__(self) -> None:
        self._ears, mouth = os.pipe()
        for handle in (self._ears, mouth):
            os.set_blocking(handle, False)
        signal.set_wakeup_fd(mouth, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)

    def wait(self, seconds: float) -> None:
        if select.select([self._ears], [], [], seconds)[0]:
            with suppress(BlockingIOError):
                os.read(self._ears, 4096)

    def deafen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)

    @staticmethod
    def _end(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)


class Watchdog:
    """Keeps one server; `changing` is the change lock, held while a start or stop is under way."""

    def __init__(self, server: Server, changing: int) -> None:
        self.server = server
        self.bell = Bell()
        self.changing: int | None = changing
        self.child: subprocess.Popen[bytes] | None = None
        self.ready_at = 0.0

    def keep(self) -> None:
        """Return when the last user has left; raise `CommandFailed` when the server cannot be kept alive."""
        try:
            self.start()
            while (alone := attempt(users_lock(self.server.home))) is None:
                self.bell.wait(POLL_SECONDS)
                if self.ended():
                    self.restart()
        finally:
            self.bell.deafen()
            self.changing = self.changing or acquire(change_lock(self.server.home), EXCLUSIVE)
            self.stop()
        del alone  # held until this process has ended: a new user waits for that

    def start(self) -> None:
        """Start the server and let the waiting users in once it answers."""
        process.sweep(self.server.folder)
        log = log_file(self.server.home)
        self.server.prepare(log)
        with log.open("ab") as output:
            self.child = process.start(
                self.server.command(), self.server.folder, output, self.server.death_signal
            )
        deadline = time.monotonic() + START_SECONDS
        while not self.server.ready():
            if self.ended() or time.monotonic() > deadline:
                raise CommandFailed(f"{self.server.name} did not become ready")
            self.bell.wait(0.01)
        self.ready_at = time.monotonic()
        if self.changing is not None:
            os.close(self.changing)
            self.changing = None

    def restart(self) -> None:
        """Start the server again after it ended by itself; one that keeps ending is given time."""
        self.changing = acquire(change_lock(self.server.home), EXCLUSIVE)
        if time.monotonic() - self.ready_at < SHORT_LIFE_SECONDS:
            self.bell.wait(PAUSE_SECONDS)
        self.start()

    def ended(self) -> bool:
        return self.child is not None and self.child.poll() is not None

    def stop(self) -> None:
        """Ask the server to end, then make it."""
        if self.child is None:
            return
        for number, seconds in ((self.server.stop_signal, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
            self.child.send_signal(number)
            with suppress(subprocess.TimeoutExpired):
                self.child.wait(seconds)
                break
        process.sweep(self.server.folder)
        shutil.rmtree(self.server.sockets, ignore_errors=True)


def server_named(name: str, data_dir: Path) -> Server:
    servers: dict[str, type[Postgres | Valkey]] = {"postgres": Postgres, "valkey": Valkey}
    return servers[name](data_dir)


def main() -> None:
    name, data_dir, changing, watching = sys.argv[1:]
    for handle in (int(changing), int(watching)):
        flags = fcntl.fcntl(handle, fcntl.F_GETFD)
        fcntl.fcntl(handle, fcntl.F_SETFD, flags | fcntl.FD_CLOEXEC)
    if os.fork():
        os._exit(0)
    os.chdir("/")
    try:
        Watchdog(server_named(name, Path(data_dir)), int(changing)).keep()
    except CommandFailed as error:
        sys.exit(f"watchdog: {error}")


if __name__ == "__main__":
    main()
