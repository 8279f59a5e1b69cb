"""A Tarikh whose every part may be killed: its Postgres, its processes, who writes and who reads."""

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import psutil

from infra.settings import Settings
from tests.campaigns.loss import phone
from tests.campaigns.loss.checking import Find
from tests.campaigns.loss.duty import Duty, environment, log_of
from tests.campaigns.loss.faults import Victim
from tests.campaigns.loss.journal import Counter, Stored
from tests.campaigns.loss.kept import Kept
from tests.campaigns.loss.power import Power

SECONDS_TO_RECOVER = 90
SECONDS_TO_BE_GONE = 30
OF_TARIKH = (("api", "serve"), ("projector", "project"), ("projector", "project"), ("worker", "work"))
"""What `tarikh` runs, besides who writes and who reads: by the victim's name."""


async def until(true: Callable[[], bool], seconds: float = SECONDS_TO_RECOVER) -> bool:
    """Wait for something that other processes do; whether it came to be in time."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while not true():  # noqa: ASYNC110  other processes set no event
                await asyncio.sleep(0.02)
            return True
    return False


class House:
    """One folder, in which everything of a campaign is."""

    def __init__(self, kind: str, seed: int, folder: Path, writers: int) -> None:
        self.kind = kind
        self.seed = seed
        self.folder = folder
        self.power = Power(folder)
        self.environment = environment(folder)
        self.log = log_of(kind, folder)
        self.hurried = kind != "ours"
        self.port = _free_port()
        self.writers = [self._duty(f"writer{n}") for n in range(1, writers + 1)]
        self.phones = [self._duty("phone1")] if kind == "ours" else []
        self.tail = self._duty("tail")
        self.kept: dict[str, list[Kept]] = {}
        self.still: set[int] = set()
        """Processes that stand still on purpose."""
        self._counted = {
            group: [Counter(duty.journal) for duty in duties]
            for group, duties in (("writer", self.writers), ("phone", self.phones))
        }

    def _duty(self, name: str) -> Duty:
        return Duty(self.kind, self.folder, self.seed, name, os.getpid(), self.port, self.hurried)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything is up; at the end nothing of it is left."""
        self.power.on()
        try:
            self.log.prepare()
            if self.kind == "ours":
                await self._open()
            self._keep("tail", self.tail.arguments("tail"))
            for duty in self.writers:
                self._keep("writer", duty.arguments("writer"))
            for duty in self.phones:
                self._keep("phone", duty.arguments("phone"))
            yield
        finally:
            for kept in [one for group in self.kept.values() for one in group]:
                await kept.kill()
            for left in _left_behind():
                with contextlib.suppress(psutil.NoSuchProcess):
                    left.kill()
            self.power.end()

    async def _open(self) -> None:
        """The API with two workers, two projectors, a worker, and a diagnosis that all phones speak about."""
        self.environment |= {"TARIKH_PORT": str(self.port), "TARIKH_WORKERS": "2"}
        for name, command in OF_TARIKH:
            self._keep(name, ["-m", "infra.cli.child", str(os.getpid()), command])
        async with phone.caller(Settings.from_environment(self.environment), self.port) as http:
            patient = await self._first(http, "/patients", {"patient_no": "taken", "name": "hot"})
            body = {"condition": {"text": "hot"}, "tradition": "avicenna"}
            diagnosis = await self._first(http, f"/patients/{patient}/diagnoses", body)
        (self.folder / "hot").write_text(diagnosis)

    async def _first(self, http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> str:
        request = phone.Request(path, path, body)
        async with asyncio.timeout(SECONDS_TO_RECOVER):
            while True:
                answer = await phone.answered(http, request)
                if isinstance(answer, Stored):
                    return str(answer.stream)
                await asyncio.sleep(0.1)

    def _keep(self, group: str, arguments: list[str]) -> None:
        members = self.kept.setdefault(group, [])
        kept = Kept(group, arguments, self.environment, self.folder / f"{group}{len(members)}.log")
        members.append(kept)
        kept.start()

    def acknowledged(self, group: str) -> int:
        """How much those who write, or the phones, were told to be stored by now."""
        return sum(counter.look() for counter in self._counted[group])

    def candidates(self, victim: Victim) -> list[psutil.Process]:
        """Everybody who could be meant now."""
        if victim == "backend":
            return self.power.backends()
        if victim == "api worker":
            return [worker for kept in self.kept["api"] for worker in kept.workers()]
        return [alive for kept in self.kept[victim] if (alive := kept.alive) is not None]

    async def settled(self) -> list[Find]:
        """Those who ask learn all answers and end; then the reader; then the rest. What did not go so."""
        finds: list[Find] = []
        for duty in (self.writers[0], *self.phones, self.tail):
            group = duty.closing.stem
            duty.closing.touch()
            endless = [kept for kept in self.kept[group] if not await kept.finish()]
            finds += [Find("ending", f"{kept.name} does not finish") for kept in endless]
        for group in ("api", "worker", "projector"):
            codes = [await kept.end() for kept in self.kept.get(group, [])]
            wrong = set(codes) - {0, -signal.SIGTERM}  # told before it could listen
            finds += [Find("ending", f"{group} ended with {code}") for code in wrong]
        if not await until(lambda: not _left_behind(), SECONDS_TO_BE_GONE):
            finds += [Find("ending", f"{_told(left)} outlives its parent") for left in _left_behind()]
        return finds


def _left_behind() -> list[psutil.Process]:
    """Processes of Tarikh that this campaign has started, directly or through others."""
    ours = ("infra.cli.child", str(os.getpid()))
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        told = process.info["cmdline"] or ()
        if set(ours) <= set(told) and process.info["status"] != psutil.STATUS_ZOMBIE:
            found.append(process)
    return found


def _told(process: psutil.Process) -> str:
    with process.oneshot(), contextlib.suppress(psutil.Error):
        return f"{process.pid} {process.status()}: {' '.join(process.cmdline())}"
    return f"{process.pid}"


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
