"""What stories of the notary share: an empty log with a data dir of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.notary.logs import Log


@pytest.fixture(scope="session")
def notary_urls(fresh_database_urls: Callable[[], tuple[str, str]]) -> tuple[str, str]:
    """Databases that stories use one after the other."""
    return fresh_database_urls()


@pytest.fixture
def log(notary_urls: tuple[str, str], tmp_path: Path) -> Log:
    return Log(notary_urls[0], tmp_path)
