"""A whole Tarikh in a folder: embedded servers, its processes, and everything that they write."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Self
from uuid import UUID

import httpx
import psycopg
import redis

from domain.event import Actor, Role
from infra.embedded import Servers
from infra.embedded.postgres import DATABASES, SUPERUSER, Postgres, programs
from infra.ids import new_id
from infra.running import ready
from infra.settings import Settings
from infra.tokens import Tokens

SECONDS_TO_GET_THERE = 120
SECONDS_BETWEEN_LOOKS = 0.05


class House:
    """Where it stands, and what runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.logs, self.exports, self.temporary = (folder / name for name in ("logs", "exports", "tmp"))
        for one in (self.logs, self.exports, self.temporary):
            one.mkdir(parents=True)
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("TARIKH_")},
            "TARIKH_DATA_DIR": str(self.data),
            "TARIKH_PORT": str(port),
            "TARIKH_LOG_FORMAT": "json",
            "TMPDIR": str(self.temporary),
        }
        given = {name: value for name, value in self.environment.items() if name.startswith("TARIKH_")}
        self.settings = Settings.from_environment(given)
        self._open = contextlib.ExitStack()
        self.servers: Servers

    def __enter__(self) -> Self:
        self.servers = self._open.enter_context(ready(self.settings))
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def databases(self) -> tuple[str, str]:
        return self.servers.database_url, self.servers.vault_url

    def start(self, command: str) -> None:
        """A process that runs until the end; what it says is a log file."""
        log = self._open.enter_context((self.logs / f"{command}.log").open("wb"))
        line = [sys.executable, "-m", "infra.cli.child", str(os.getpid()), command]
        process = subprocess.Popen(line, env=self.environment, stdout=log, stderr=log)  # noqa: S603  our own
        self._open.callback(_stopped, process)

    def run(self, *command: str) -> "subprocess.CompletedProcess[str]":
        """A command that ends by itself; what it says is kept as well."""
        line = [sys.executable, "-m", "infra.cli", *command]
        ended = subprocess.run(  # noqa: S603  our own
            line, env=self.environment, capture_output=True, text=True, check=False
        )
        with (self.logs / "commands.log").open("a") as log:
            log.write(f"{command} {ended.returncode}\n{ended.stdout}\n{ended.stderr}\n")
        return ended

    def client(self, role: Role, patient_id: UUID | None = None, account: UUID | None = None) -> httpx.Client:
        """Somebody who may call."""
        actor = Actor(account_id=account or new_id(), role=role, patient_id=patient_id)
        token = Tokens(self.settings.token_key).issue(actor, timedelta(hours=4))
        headers = {"Authorization": f"Bearer {token}"}
        return self._open.enter_context(httpx.Client(base_url=self.url, headers=headers, timeout=60))

    def dump(self, name: str, *options: str) -> Path:
        """A dump of the main database by Postgres's own tool, as plain SQL."""
        file = self.exports / name
        line = [str(programs() / "pg_dump"), f"--file={file}", *options, self.servers.database_url]
        subprocess.run(line, check=True, capture_output=True)  # noqa: S603  Postgres's own
        return file

    def written(self) -> None:
        """Have Postgres write every page that it holds into its files."""
        self._of_superuser("CHECKPOINT", DATABASES[0])

    def wrapped_keys(self) -> dict[UUID, bytes]:
        """What the vault holds of each patient."""
        with psycopg.connect(self.servers.vault_url) as vault:
            rows = vault.execute("SELECT subject_id, wrapped FROM vault.key WHERE wrapped IS NOT NULL")
            return dict(rows.fetchall())

    def sampled(self) -> None:
        """Have Postgres sample what is in its tables, as it does now and then."""
        for database in DATABASES:
            self._of_superuser("ANALYZE", database)

    def _of_superuser(self, statement: str, database: str) -> None:
        url = Postgres(self.data).url(database, SUPERUSER)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def cached(self) -> Iterator[bytes]:
        """Everything that the cache holds, as it would dump it."""
        assert self.servers.cache_url is not None
        with redis.Redis.from_url(self.servers.cache_url) as valkey:
            for key in valkey.scan_iter():
                yield key
                yield valkey.dump(key) or b""

    def until(self, what: str, there: Callable[[], bool]) -> None:
        """Wait for other processes."""
        deadline = time.monotonic() + SECONDS_TO_GET_THERE
        while True:
            with contextlib.suppress(httpx.TransportError):
                if there():
                    return
            if time.monotonic() > deadline:
                raise TimeoutError(what)
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _stopped(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
