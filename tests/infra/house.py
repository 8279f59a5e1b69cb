"""A Tarikh in this process, on databases of its own: what records, what projects, what compares."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg

from infra.embedded import Servers
from infra.projector.projector import Projector
from infra.projector.rebuild import rebuild
from infra.projector.verify import verify
from infra.running import projecting, ready
from infra.services import Services, opened
from infra.settings import Settings
from projections.model import ReadModel

Urls = tuple[str, str]
MODELS = (
    "patient_timeline",
    "diagnoses",
    "recommendation_versions",
    "recommendation_changes",
    "patient_groups",
    "predictions",
    "audit_trail",
    "statistics",
    "accounts",
)


def environment(urls: Urls, folder: Path) -> dict[str, str]:
    """What a process of this house is told."""
    return {
        "TARIKH_DATABASE_URL": urls[0],
        "TARIKH_VAULT_URL": urls[1],
        "TARIKH_CACHE_URL": "none",
        "TARIKH_DATA_DIR": str(folder),
    }


class House:
    """Settings, servers, and what is opened of them on demand."""

    def __init__(self, urls: Urls, folder: Path) -> None:
        self.environment = environment(urls, folder)
        self.settings = Settings.from_environment(self.environment)
        with ready(self.settings) as servers:
            self.servers: Servers = servers

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[Services]:
        async with opened(self.settings, self.servers) as services:
            yield services

    @contextlib.asynccontextmanager
    async def projecting(self) -> AsyncIterator[Projector]:
        """A projector that holds what is free, and gives it back."""
        async with projecting(self.settings, self.servers) as (projector, _):
            assert await projector.take_over()
            yield projector
            await projector.give_back()

    async def catch_up(self) -> None:
        async with self.projecting() as projector:
            await projector.catch_up()

    async def wrong(self, *names: str) -> list[str]:
        """What verifying finds in these models, or in all: table, key and what."""
        found = []
        async with projecting(self.settings, self.servers) as (projector, connection):
            for model in projector.models:
                if not names or model.name in names:
                    verified = await verify(connection, projector.reader, model)
                    found += [f"{wrong.table} {wrong.what}" for wrong in verified.wrong]
        return found

    async def rebuild(self, *names: str) -> None:
        """Rebuild these models, or all."""
        async with projecting(self.settings, self.servers) as (projector, connection):
            for model in projector.models:
                if not names or model.name in names:
                    await rebuild(connection, projector.reader, model)

    @contextlib.contextmanager
    def owner(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """A look into the tables, and a hand."""
        with psycopg.connect(self.servers.database_url, autocommit=True) as connection:
            yield connection

    def one(self, query: str, *parameters: object) -> object:
        """The only value of the only row."""
        with self.owner() as connection:
            row = connection.execute(query, parameters or None).fetchone()
        assert row is not None
        return row[0]

    def rows(self, query: str, *parameters: object) -> list[tuple[object, ...]]:
        with self.owner() as connection:
            return connection.execute(query, parameters or None).fetchall()


def tables(house: House, model: ReadModel) -> dict[str, list[tuple[object, ...]]]:
    """Everything that a model's tables say, but for where it was last changed."""
    columns = {
        table.name: ", ".join(f'"{name}"' for name in ("subject_id", *(c.name for c in table.columns)))
        for table in model.tables
    }
    columns |= {rollup.name: ", ".join((*rollup.by, *rollup.sums)) for rollup in model.rollups}
    return {
        name: sorted(house.rows(f'SELECT {chosen} FROM "{model.schema}"."{name}"'), key=repr)
        for name, chosen in columns.items()
    }
