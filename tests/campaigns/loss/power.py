"""A Postgres of the campaign's own, which may be killed at any moment and started again on what it left."""

import signal
import time
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg

from infra.embedded import process
from infra.embedded.postgres import Postgres
from infra.embedded.server import log_file

SECONDS_TO_START = 60
SECONDS_TO_NOTICE = 2


class Power:
    """Starts and kills it; it dies with this process in any case."""

    def __init__(self, folder: Path) -> None:
        self.server = Postgres(folder)
        self.server.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.postmaster: psutil.Process | None = None

    def on(self) -> None:
        """Start it and wait until it takes connections, recovery included."""
        log = log_file(self.server.home)
        self.server.prepare(log)
        with log.open("ab") as output:
            started = process.start(
                self.server.command(), self.server.folder, output, self.server.death_signal
            )
        self._popen = started
        self.postmaster = psutil.Process(started.pid)
        deadline = time.monotonic() + SECONDS_TO_START
        while not self._answers():
            if started.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Postgres did not come back: {log.read_text()[-2_000:]}")
            time.sleep(0.01)
        self.server.create_databases()

    def _answers(self) -> bool:
        with suppress(psycopg.OperationalError), psycopg.connect(self.server.url("postgres", "postgres")):
            return True
        return False

    def backends(self) -> list[psutil.Process]:
        """The processes that serve a client now."""
        found = []
        for child in self._children():
            with suppress(psutil.Error):
                if " [local] " in " ".join(child.cmdline()):
                    found.append(child)
        return found

    def off(self, *, at_once: bool) -> None:
        """Kill the postmaster; its children with it, or after they had time to notice by themselves."""
        children = self._children()
        if self.postmaster is not None:
            _kill(self.postmaster)
            self._popen.wait()
        if not at_once:
            psutil.wait_procs(children, timeout=SECONDS_TO_NOTICE)
        for child in children:
            _kill(child)
        psutil.wait_procs(children, timeout=SECONDS_TO_START)
        process.sweep(self.server.folder)  # who was being born while the postmaster died

    def end(self) -> None:
        """Stop it in order, for good."""
        if self.postmaster is not None and self._popen.poll() is None:
            self._popen.send_signal(self.server.stop_signal)
            with suppress(Exception):
                self._popen.wait(SECONDS_TO_START)
        self.off(at_once=True)

    def _children(self) -> list[psutil.Process]:
        with suppress(psutil.Error):
            return self.postmaster.children() if self.postmaster else []
        return []


def _kill(process_: psutil.Process) -> None:
    with suppress(psutil.Error):
        process_.send_signal(signal.SIGKILL)
