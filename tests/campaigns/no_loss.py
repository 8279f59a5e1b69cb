"""`python -m tests.campaigns.no_loss --seed N --kills K`: whatever is killed, nothing is lost.

Writers and phones ask; workers of the API, projectors, workers and Postgres are killed and stopped; a reader
tails along. Afterwards every answer and everything seen is held against what is stored.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import httpx
import psutil

from infra.settings import Settings
from tests.campaigns.loss import checking, ours, phone
from tests.campaigns.loss.checking import Find
from tests.campaigns.loss.duty import LOGS, Duty, environment, log_of
from tests.campaigns.loss.faults import Fault, Victim, plan
from tests.campaigns.loss.journal import Counter as Acknowledged
from tests.campaigns.loss.journal import Stored
from tests.campaigns.loss.kept import Kept
from tests.campaigns.loss.power import Power
from tests.campaigns.telling import tell, verdict

NAME = "no_loss"
KILLS = 220
SECONDS_TO_RECOVER = 90
TOLD_EVERY = 20
HURRY = 20
"""So many times more is asked for between two blows of those who do not stop to think."""
ALL: set[Victim] = {
    "backend",
    "postgres",
    "postgres at once",
    "api worker",
    "api",
    "projector",
    "worker",
    "writer",
    "phone",
    "tail",
}
OF_ANY_LOG: set[Victim] = {"backend", "postgres", "postgres at once", "writer", "tail"}


class Campaign:
    """One run: its folder, its Postgres, its processes."""

    def __init__(self, kind: str, seed: int, folder: Path, writers: int) -> None:
        self.kind = kind
        self.seed = seed
        self.hurried = kind != "ours"
        self.folder = folder
        self.power = Power(folder)
        self.environment = environment(folder)
        self.log = log_of(kind, folder)
        self.port = _free_port()
        self.kept: dict[str, list[Kept]] = {}
        self.writers = [self._duty(f"writer{n}") for n in range(1, writers + 1)]
        self.phones = [self._duty("phone1")] if kind == "ours" else []
        self.tail = self._duty("tail")
        self.struck: Counter[str] = Counter()
        self.finds: list[Find] = []

    def _duty(self, name: str) -> Duty:
        return Duty(self.kind, self.folder, self.seed, name, os.getpid(), self.port, self.hurried)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Everything is up; at the end nothing of it is left."""
        self.power.on()
        try:
            self.log.prepare()
            if self.kind == "ours":
                await self._open_the_house()
            self._keep("tail", self.tail.arguments("tail"))
            for duty in self.writers:
                self._keep("writer", duty.arguments("writer"))
            for duty in self.phones:
                self._keep("phone", duty.arguments("phone"))
            yield
        finally:
            for kept in [one for group in self.kept.values() for one in group]:
                await kept.kill()
            self.power.end()

    async def _open_the_house(self) -> None:
        """The API with two workers, two projectors, a worker, and a diagnosis that all phones speak about."""
        child = ["-m", "infra.cli.child", str(os.getpid())]
        self.environment |= {"TARIKH_PORT": str(self.port), "TARIKH_WORKERS": "2"}
        for name, command in (
            ("api", "serve"),
            ("projector", "project"),
            ("projector", "project"),
            ("worker", "work"),
        ):
            self._keep(name, [*child, command])
        settings = Settings.from_environment(self.environment)
        async with phone.caller(settings, self.port) as http:
            patient = await self._first(http, "/patients", {"patient_no": "taken", "name": "hot"})
            body: dict[str, Any] = {"condition": {"text": "hot"}, "tradition": "avicenna"}
            diagnosis = await self._first(http, f"/patients/{patient}/diagnoses", body)
        (self.folder / "hot").write_text(diagnosis)

    async def _first(self, http: httpx.AsyncClient, path: str, body: dict[str, Any]) -> str:
        request = phone.Request(path, path, body)
        async with asyncio.timeout(SECONDS_TO_RECOVER):
            while not isinstance(answer := await phone.answered(http, request), Stored):
                await asyncio.sleep(0.1)
        return str(answer.stream)

    def _keep(self, group: str, arguments: list[str]) -> None:
        members = self.kept.setdefault(group, [])
        log = self.folder / f"{group}{len(members)}.log"
        kept = Kept(group, arguments, self.environment, log)
        members.append(kept)
        kept.start()

    async def strike(self, faults: Sequence[Fault]) -> None:
        """Blow after blow, each when enough was acknowledged since the one before."""
        by_writers = [Acknowledged(duty.journal) for duty in self.writers]
        by_phones = [Acknowledged(duty.journal) for duty in self.phones]
        started, kills = time.monotonic(), 0
        for fault in faults:
            before = (sum(one.look() for one in by_writers), sum(one.look() for one in by_phones))
            await self._blow(fault)
            kills += fault.how == "kill"
            wanted = (
                before[0] + fault.by_writers * (HURRY if self.hurried else 1),
                before[1] + (fault.by_phones if by_phones else 0),
            )
            if not await self._acknowledged(wanted, by_writers, by_phones):
                self.finds.append(Find("recovery", f"nothing goes on after blow {fault}"))
                return
            if fault.how == "kill" and kills % TOLD_EVERY == 0:
                acknowledged = sum(one.stored for one in (*by_writers, *by_phones))
                seconds = round(time.monotonic() - started, 1)
                tell(
                    NAME,
                    "progress",
                    kills=kills,
                    blows=fault.number,
                    acknowledged=acknowledged,
                    seconds=seconds,
                )

    async def _acknowledged(
        self, wanted: tuple[int, int], writers: list[Acknowledged], phones: list[Acknowledged]
    ) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SECONDS_TO_RECOVER):
                while (
                    sum(one.look() for one in writers) < wanted[0]
                    or sum(one.look() for one in phones) < wanted[1]
                ):
                    await asyncio.sleep(0.02)
                return True
        return False

    async def _blow(self, fault: Fault) -> None:
        if fault.victim in {"postgres", "postgres at once"}:
            self.power.off(at_once=fault.victim == "postgres at once")
            self.power.on()
            self.struck[f"kill {fault.victim}"] += 1
            return
        victim = await self._victim(fault)
        with contextlib.suppress(psutil.NoSuchProcess):
            if fault.how == "kill":
                victim.send_signal(signal.SIGKILL)
            else:
                victim.send_signal(signal.SIGSTOP)
                try:
                    await asyncio.sleep(fault.seconds)
                finally:
                    victim.send_signal(signal.SIGCONT)
        self.struck[f"{fault.how} {fault.victim}"] += 1

    async def _victim(self, fault: Fault) -> psutil.Process:
        """One of those who could be meant; where all are just being born, wait."""
        async with asyncio.timeout(SECONDS_TO_RECOVER):
            while not (found := self._candidates(fault.victim)):
                await asyncio.sleep(0.02)
        return found[int(fault.which * len(found))]

    def _candidates(self, victim: Victim) -> list[psutil.Process]:
        if victim == "backend":
            return self.power.backends()
        if victim == "api worker":
            return [worker for kept in self.kept["api"] for worker in kept.workers()]
        return [alive for kept in self.kept[victim] if (alive := kept.alive) is not None]

    async def settle(self) -> None:
        """Those who ask learn all answers, then end; then the reader; then the rest."""
        for duty, group in (
            (self.writers[0], "writer"),
            *((one, "phone") for one in self.phones),
            (self.tail, "tail"),
        ):
            duty.closing.touch()
            for kept in self.kept[group]:
                if not await kept.finish():
                    self.finds.append(Find("ending", f"{group} does not finish"))
        for group in ("api", "worker", "projector"):
            for kept in self.kept.get(group, []):
                if (code := await kept.end()) not in {0, -signal.SIGTERM}:  # told before it could listen
                    self.finds.append(Find("ending", f"{group} ended with {code}"))

    async def look(self) -> dict[str, object]:
        """Everything that can be wrong, and the figures."""
        requests = checking.read(duty.journal for duty in (*self.writers, *self.phones))
        rows = await self.log.everything()
        seen = checking.along(self.tail.journal, rows)
        self.finds += requests.finds + requests.left_open() + checking.acknowledged_once(requests, rows)
        self.finds += seen.finds
        if self.kind == "ours":
            url = self.power.server.url()
            self.finds += ours.lawful(url) + ours.answers_of_the_api(requests, rows, url)
            self.finds += await ours.commands(self.environment, self.folder)
        return {
            "wanted": len(requests.wanted),
            "acknowledged": len(requests.stored),
            "refused": dict(Counter(refused.why for refused in requests.refused.values())),
            "sent_again": sum(requests.unsure.values()),
            "requests_sent_again": len(requests.unsure),
            "events": len(rows),
            "seen_by_the_reader": seen.seen,
            "lost_by_the_reader": len(seen.lost),
            "starts": {name: sum(kept.starts for kept in group) for name, group in self.kept.items()},
        }


async def run(kind: str, seed: int, kills: int, writers: int, folder: Path) -> int:
    """The whole campaign on one log; the exit code."""
    started = time.monotonic()
    faults = plan(seed, kills, victims=ALL if kind == "ours" else OF_ANY_LOG)
    planned = Counter(f"{fault.how} {fault.victim}" for fault in faults)
    tell(NAME, "plan", log=kind, seed=seed, kills=kills, writers=writers, blows=dict(sorted(planned.items())))
    campaign = Campaign(kind, seed, folder, writers)
    async with campaign.running():
        await campaign.strike(faults)
        await campaign.settle()
        counts = await campaign.look()
    tell(
        NAME,
        "struck",
        kills=sum(n for k, n in campaign.struck.items() if k.startswith("kill")),
        by_kind=dict(sorted(campaign.struck.items())),
    )
    tell(NAME, "counts", **counts)
    by_law = Counter(find.law for find in campaign.finds)
    for law in by_law:
        for find in [find for find in campaign.finds if find.law == law][: checking.MOST_TOLD]:
            tell(NAME, "find", law=find.law, what=find.what)
    seconds = round(time.monotonic() - started, 1)
    return verdict(NAME, len(campaign.finds), log=kind, seed=seed, by_law=dict(by_law), seconds=seconds)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.no_loss", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--writers", type=int, default=2, help="processes that write without the API")
    parser.add_argument("--log", choices=LOGS, default="ours", help="what the campaign runs on")
    parser.add_argument("--keep", type=Path, help="leave everything in this folder")
    chosen = parser.parse_args(argv)
    folder = chosen.keep or Path(mkdtemp(prefix="tarikh-no-loss-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return asyncio.run(run(chosen.log, chosen.seed, chosen.kills, chosen.writers, folder.resolve()))
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
