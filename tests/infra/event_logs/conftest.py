"""What the stories of event logs share: empty logs, and small tables."""

from collections.abc import Callable
from pathlib import Path

import pytest

from infra.settings import Settings
from tests.infra.event_logs.tables import Desk
from tests.infra.fhir.logs import House


@pytest.fixture
def desk(settings: Settings, fresh_database_urls: Callable[[], tuple[str, str]], tmp_path: Path) -> Desk:
    return Desk(House(settings, fresh_database_urls()), tmp_path)
