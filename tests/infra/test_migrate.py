"""Migrations: applied once whoever tries, quiet afterwards, asked for where they are missing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
import pytest

from infra.embedded import Servers
from infra.errors import CommandFailed
from infra.migrate import migrate, missing
from infra.running import ready
from infra.settings import Settings
from tests.infra.house import Urls, environment


@pytest.fixture
def empty(servers: Servers) -> Iterator[Urls]:
    """Two databases in which nothing is."""
    name = f"empty_{uuid4().hex}"
    names = (name, f"{name}_vault")
    with psycopg.connect(servers.database_url, autocommit=True) as connection:
        for one in names:
            connection.execute(f"CREATE DATABASE {one}")
        main, vault = (urlunsplit(urlsplit(servers.database_url)._replace(path=f"/{one}")) for one in names)
        yield main, vault
        for one in names:
            connection.execute(f"DROP DATABASE {one}")  # FORCE may not end a vacuum of the server's own


def test_everything_is_applied_once_whoever_tries_at_once(empty: Urls) -> None:
    assert missing(*empty) != []
    with ThreadPoolExecutor(4) as pool:
        answers = [work.result() for work in [pool.submit(migrate, *empty) for _ in range(4)]]
    applied = [name for answer in answers for name in answer]
    assert sorted(applied) == sorted(set(applied))
    assert {name.split("/")[0] for name in applied} == {"log", "jobs", "app", "manager", "vault"}
    assert missing(*empty) == []
    assert migrate(*empty) == []


def test_a_server_that_is_not_migrated_says_so(empty: Urls, tmp_path: Path) -> None:
    settings = Settings.from_environment(environment(empty, tmp_path))
    with pytest.raises(CommandFailed, match="tarikh migrate"), ready(settings):
        pass
    migrate(*empty)
    with ready(settings) as found:
        assert found.database_url == empty[0]
