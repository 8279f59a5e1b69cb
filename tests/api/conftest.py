"""What the stories of the API share: one house for each process of the tests, and people in it."""

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import msgspec
import pytest

from infra.settings import Settings
from tests.api.house import Caller, House, running
from tests.infra.event_log.calls import Fresh


@pytest.fixture(scope="session")
def stderr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextIO]:
    """Where this process logs to."""
    with (tmp_path_factory.mktemp("logged") / "stderr").open("w") as found:
        yield found


@pytest.fixture(scope="session")
def house(
    settings: Settings,
    fresh_database_urls: Fresh,
    stderr: TextIO,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[House]:
    """A running Tarikh with databases of its own."""
    main, vault = fresh_database_urls()
    folder: Path = tmp_path_factory.mktemp("house")
    own = msgspec.structs.replace(
        settings, data_dir=folder, database_url=main, vault_url=vault, cache_url="none"
    )
    with running(own, stderr) as found:
        yield found


@pytest.fixture(scope="session")
def doctor(house: House) -> Caller:
    return house.caller("practitioner")


@pytest.fixture(scope="session")
def admin(house: House) -> Caller:
    return house.caller("admin")


@pytest.fixture(scope="session")
def auditor(house: House) -> Caller:
    return house.caller("auditor")


@pytest.fixture
def own_house(settings: Settings, tmp_path: Path, stderr: TextIO) -> Iterator[House]:
    """A house on a data dir of its own, whose servers nobody else needs."""
    own = msgspec.structs.replace(
        settings, data_dir=tmp_path / "data", database_url=None, vault_url=None, cache_url="none"
    )
    with running(own, stderr) as found:
        yield found
