"""What the stories of the log share: a database of their own."""

from collections.abc import Iterator

import pytest

from tests.infra.event_log.calls import Connection, Fresh, connected


@pytest.fixture
def log_url(fresh_database_urls: Fresh) -> str:
    """An empty log."""
    return fresh_database_urls()[0]


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
