"""What every process of a campaign is told, and how it ends: in order when asked, at once when orphaned."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from infra.embedded import Servers
from infra.embedded.postgres import Postgres
from infra.settings import Settings
from tests.campaigns.loss.logs import Log, Ours
from tests.campaigns.loss.unsafe import Library, Unlocked

LOGS = ("ours", "unlocked", "library")


class Duty(msgspec.Struct, frozen=True):
    """Which process of which campaign this is."""

    log: str
    folder: Path
    seed: int
    name: str
    parent: int
    port: int = 0
    hurried: bool = False
    """Whether it takes no time to think: for logs whose losses need a crowd."""

    @property
    def journal(self) -> Path:
        return self.folder / f"{self.name}.journal"

    def arguments(self, module: str) -> list[str]:
        """How a process with this duty is started, behind the interpreter."""
        said = msgspec.json.encode(self, enc_hook=str).decode()
        return ["-m", f"tests.campaigns.loss.{module}", said]

    @property
    def closing(self) -> Path:
        """Once this file is there, it is time to finish, and to end."""
        return self.folder / f"{self.name.rstrip('0123456789')}.closing"

    @property
    def over(self) -> bool:
        return self.closing.exists() or self.orphaned

    @property
    def orphaned(self) -> bool:
        """The campaign is over and forgot this process, or was killed."""
        return os.getppid() != self.parent


def told(argv: Sequence[str] | None = None) -> Duty:
    """The duty of this process, from its command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("duty")
    return msgspec.json.decode(
        parser.parse_args(argv).duty, type=Duty, dec_hook=lambda kind, value: kind(value)
    )


def environment(folder: Path) -> dict[str, str]:
    """What every process of Tarikh is told: databases that may be killed, which are not embedded for them."""
    postgres = Postgres(folder)
    return {
        "TARIKH_DATABASE_URL": postgres.url(),
        "TARIKH_VAULT_URL": postgres.url("tarikh_vault"),
        "TARIKH_CACHE_URL": "none",
        "TARIKH_DATA_DIR": str(folder),
        "TARIKH_LOG_FORMAT": "json",
    }


def log_of(kind: str, folder: Path) -> Log:
    """The log under the campaign."""
    url = Postgres(folder).url()
    if kind == "unlocked":
        return Unlocked(url)
    if kind == "library":
        return Library(url)
    settings = Settings.from_environment(environment(folder))
    vault = Postgres(folder).url("tarikh_vault")
    return Ours(settings, Servers(database_url=url, vault_url=vault, cache_url=None))
