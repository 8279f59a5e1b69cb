"""What the stories of the log share: a log that nothing was ever written to, as far as they can see."""

from collections.abc import Iterator

import pytest

from tests.infra.event_log.calls import Connection, Fresh, connected

FORGET = """
    BEGIN;
    ALTER TABLE log.event DISABLE TRIGGER append_only;
    ALTER TABLE log.erased DISABLE TRIGGER append_only;
    TRUNCATE log.event, log.claim, log.erased;
    ALTER TABLE log.event ENABLE TRIGGER append_only;
    ALTER TABLE log.erased ENABLE TRIGGER append_only;
    UPDATE log.head SET position = 0, recorded_at = '-infinity';
    DROP SCHEMA public CASCADE;
    CREATE SCHEMA public;
    COMMIT;
"""
"""What only an owner can do who means it. A database for each story would take a second to make and drop."""


@pytest.fixture(scope="session")
def one_log(fresh_database_urls: Fresh) -> str:
    """A database that stories use one after the other."""
    return fresh_database_urls()[0]


@pytest.fixture
def log_url(one_log: str) -> str:
    """An empty log."""
    with connected(one_log) as owner:
        owner.execute(FORGET)
    return one_log


@pytest.fixture
def app(log_url: str) -> Iterator[Connection]:
    """The app, which may only append."""
    with connected(log_url, "tarikh_app") as connection:
        yield connection


@pytest.fixture
def owner(log_url: str) -> Iterator[Connection]:
    """The owner of the same log."""
    with connected(log_url) as connection:
        yield connection
