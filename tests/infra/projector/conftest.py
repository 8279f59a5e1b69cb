"""What stories of the projector share: a house of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.infra.house import House, Urls


@pytest.fixture
def house(fresh_database_urls: Callable[[], Urls], tmp_path: Path) -> House:
    """Empty databases, a data dir, and no process yet."""
    return House(fresh_database_urls(), tmp_path / "data")
