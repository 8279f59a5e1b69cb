"""What all tests share: one embedded server for the whole run, and databases of one's own in it."""

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest
import structlog

from infra import embedded
from infra.embedded import Servers
from infra.migrate import migrate
from infra.settings import Settings

Urls: TypeAlias = tuple[str, str]
THIRD_PARTY = Path(os.environ.get("TARIKH_TEST_DATA") or Path(__file__).parents[2] / "shared" / "data")
GIVEN = ("TARIKH_DATABASE_URL", "TARIKH_VAULT_URL", "TARIKH_CACHE_URL", "TARIKH_TEST_DATA")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A newcomer has no data of third parties: stories that need it stand aside; in CI they fail."""
    if THIRD_PARTY.is_dir() or "CI" in os.environ:
        return
    aside = pytest.mark.skip(reason=f"needs data of third parties: TARIKH_TEST_DATA ({THIRD_PARTY})")
    for item in items:
        if item.get_closest_marker("third_party"):
            item.add_marker(aside)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """A story that sets logging up, as every command does, leaves it to the next as it found it."""
    chosen, root = structlog.get_config(), logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**chosen)
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of this run, the same for all of its workers and for no other run."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def settings(run_folder: Path) -> Settings:
    """Settings of a developer whose data dir lasts as long as the run; URLs from outside are kept."""
    given = {name: os.environ[name] for name in GIVEN if name in os.environ}
    data = {"TARIKH_TEST_DATA": str(THIRD_PARTY)}
    return Settings.from_environment({**data, **given, "TARIKH_DATA_DIR": str(run_folder / "data")})


@pytest.fixture(scope="session")
def servers(settings: Settings) -> Iterator[Servers]:
    """Postgres and Valkey for the whole run; all workers join the same ones."""
    with embedded.servers(settings) as found:
        yield found


@pytest.fixture(scope="session")
def template(servers: Servers, run_folder: Path) -> Urls:
    """A migrated main database and vault that nobody writes to: copies of them are made in no time."""
    name = f"template_{hashlib.sha256(os.fsencode(run_folder)).hexdigest()[:12]}"
    named = partial(_named, servers.database_url)
    finished = named(name), named(f"{name}_vault")
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(hashtext('template'))")
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return finished
        for suffix in ("", "_vault"):
            connection.execute(f"DROP DATABASE IF EXISTS {name}{suffix}_draft")
            connection.execute(f"CREATE DATABASE {name}{suffix}_draft")
        migrate(named(f"{name}_draft"), named(f"{name}_vault_draft"))
        for suffix in ("_vault", ""):
            connection.execute(f"ALTER DATABASE {name}{suffix}_draft RENAME TO {name}{suffix}")
    return finished


@pytest.fixture(scope="session")
def fresh_database_urls(servers: Servers, template: Urls) -> Iterator[Callable[[], Urls]]:
    """A factory of migrated, empty pairs of databases (main, vault), dropped when the run ends."""
    made: list[str] = []
    with psycopg.connect(servers.database_url, autocommit=True) as connection:

        def create() -> Urls:
            name = f"test_{uuid4().hex}"
            urls = copy(template[0], name), copy(template[1], f"{name}_vault")
            # what is granted on a database is not copied with it
            connection.execute(f"GRANT CREATE ON DATABASE {name} TO tarikh_projector")
            return urls

        def copy(original: str, name: str) -> str:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {urlsplit(original).path[1:]}")
            made.append(name)
            return _named(original, name)

        yield create
        for name in made:
            try:
                connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            except psycopg.errors.InsufficientPrivilege:  # the server sweeps it at this moment
                connection.execute(f"DROP DATABASE IF EXISTS {name}")


def _named(url: str, database: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """A command that is run within the tests logs elsewhere; whoever comes after it does not."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
