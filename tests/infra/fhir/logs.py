"""A log to import into, and what stands in it in words that are the same for any two logs."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from domain.event import Event
from domain.recorded import Recorded
from infra.embedded import Servers
from infra.fhir.importing import Import
from infra.fhir.report import Report
from infra.services import Services, opened
from infra.settings import Settings

T = TypeVar("T")
MOST = 1_000_000
AN_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class House:
    """One database with its vault."""

    def __init__(self, settings: Settings, urls: tuple[str, str]) -> None:
        self.settings = settings
        self.servers = Servers(database_url=urls[0], vault_url=urls[1], cache_url=None)

    def run(self, do: Callable[[Services], Awaitable[T]]) -> T:
        """Open everything, do it, close everything."""

        async def inside() -> T:
            async with opened(self.settings, self.servers) as services:
                return await do(services)

        return asyncio.run(inside())

    def imports(self, *paths: Path, dry_run: bool = False) -> Report:
        """One run of an import."""

        async def run(services: Services) -> Report:
            one = Import(services.reader, services.writer, self.settings, dry_run=dry_run)
            return await one.run(paths)

        return self.run(run)

    def imports_apart(self, *words: str) -> bytes:
        """What `tarikh import … --json` prints in a process that has held nothing else before."""
        command = [sys.executable, "-m", "infra.cli", "import", *words, "--json"]
        ran = subprocess.run(command, env={**os.environ, **self.environment}, capture_output=True, check=True)  # noqa: S603  ourselves
        return ran.stdout

    def events(self) -> list[Recorded[Event]]:
        """Everything in the log."""
        return self.run(lambda services: services.reader.after(0, MOST))

    @property
    def environment(self) -> dict[str, str]:
        """What a process needs to work on the same log."""
        return {
            "TARIKH_DATABASE_URL": self.servers.database_url,
            "TARIKH_VAULT_URL": self.servers.vault_url,
            "TARIKH_CACHE_URL": "none",
            "TARIKH_DATA_DIR": str(self.settings.data_dir),
        }


def source_ref(recorded: Recorded[Event]) -> str:
    """The resource that an event comes from."""
    return (recorded.meta and recorded.meta.origin.source_ref) or ""


def content(events: list[Recorded[Event]]) -> list[str]:
    """Every event with its place in its stream; streams are called by the resource that began them."""
    names = {str(r.stream_id): source_ref(r) for r in events if r.version == 1}
    owners = {str(r.subject_id): names[str(r.subject_id)] for r in events}

    def named(found: re.Match[str]) -> str:
        return names.get(found[0], "an item")

    lines = (
        f"{owners[str(r.subject_id)]} {names[str(r.stream_id)]} {r.version} {source_ref(r)} "
        + AN_ID.sub(named, msgspec.json.encode(r.event).decode())
        for r in events
    )
    return sorted(lines)
