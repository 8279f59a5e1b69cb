"""Processes of the campaign that are started again whenever they end, as any supervisor would."""

import asyncio
import os
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

SECONDS_BETWEEN_STARTS = 0.2
SECONDS_TO_END = 60


class Kept:
    """One process, by whatever id it has today."""

    def __init__(self, name: str, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self._arguments = arguments
        self._environment = {**os.environ, **environment}
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._wanted = True
        self._last = False
        self.starts = 0

    def start(self) -> None:
        self._keeping = asyncio.create_task(self._keep(), name=self.name)

    async def _keep(self) -> None:
        while self._wanted and not self._done:
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    sys.executable, *self._arguments, env=self._environment, stdout=log, stderr=log
                )
            self.starts += 1
            if not self._wanted:  # told to end while it was being born
                self._process.kill()
            await self._process.wait()
            await asyncio.sleep(SECONDS_BETWEEN_STARTS)

    @property
    def _done(self) -> bool:
        """It has finished by itself, as it was told to."""
        return self._last and self._process is not None and self._process.returncode == 0

    async def finish(self) -> bool:
        """Wait until it has ended by itself, started again as often as that takes; whether it did."""
        self._last = True
        done, _ = await asyncio.wait({self._keeping} if self._keeping else [], timeout=SECONDS_TO_END)
        return bool(done) and self._done

    @property
    def alive(self) -> psutil.Process | None:
        """The process, where there is one now."""
        if self._process is None or self._process.returncode is not None:
            return None
        try:
            return psutil.Process(self._process.pid)
        except psutil.Error:
            return None

    def workers(self) -> list[psutil.Process]:
        """The processes that it has forked to do its work."""
        found = []
        if (parent := self.alive) is not None:
            with suppress(psutil.Error):
                for child in parent.children():
                    with suppress(psutil.Error):
                        if "resource_tracker" not in " ".join(child.cmdline()):
                            found.append(child)
        return found

    async def end(self) -> int | None:
        """Ask it to end in order; its exit code, None where it had to be killed."""
        self._wanted = False
        if self._process is None or self._keeping is None:
            return 0
        with suppress(ProcessLookupError):
            self._process.terminate()
        done, _ = await asyncio.wait({self._keeping}, timeout=SECONDS_TO_END)
        return self._process.returncode if done else None

    async def kill(self) -> None:
        """Let nothing of it be left."""
        self._wanted = False
        left = [*self.workers(), *([alive] if (alive := self.alive) else [])]
        for process in left:
            with suppress(psutil.Error):
                process.kill()
        if self._keeping is not None:
            await asyncio.wait({self._keeping}, timeout=SECONDS_TO_END)
