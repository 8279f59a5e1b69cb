"""What the stories of running imports share."""

from collections.abc import Callable

import pytest

from infra.settings import Settings
from tests.infra.fhir.logs import House


@pytest.fixture
def new_house(settings: Settings, fresh_database_urls: Callable[[], tuple[str, str]]) -> Callable[[], House]:
    """A factory of empty logs."""
    return lambda: House(settings, fresh_database_urls())


@pytest.fixture
def house(new_house: Callable[[], House]) -> House:
    """An empty log."""
    return new_house()
