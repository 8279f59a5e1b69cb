"""What stories of the notary share: an empty log with a data dir of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.notary.logs import Log


@pytest.fixture(scope="session")
def notary_url(fresh_database_urls: Callable[[], tuple[str, str]]) -> str:
    """A database that stories use one after the other."""
    return fresh_database_urls()[0]


@pytest.fixture
def log(notary_url: str, tmp_path: Path) -> Log:
    return Log(notary_url, tmp_path)
