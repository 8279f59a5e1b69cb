"""Everything that works on a running Tarikh, opened once for each process and closed in order."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from infra.commands import Commands, Loading
from infra.embedded import Servers
from infra.event_log.reader import Reader
from infra.event_log.writer import GroupWriter
from infra.forgetting import forgetting
from infra.notary.keys import Known
from infra.notary.signing import Notary
from infra.past import Past
from infra.progress import Progress
from infra.relations import Relations
from infra.remembered import Remembered
from infra.settings import Settings
from infra.tokens import Tokens
from infra.vault import Vault
from projections.model import ReadModel
from projections.registry import models

APP_ROLE = "tarikh_app"
MOST_CONNECTIONS = 20


@dataclass(frozen=True)
class Services:
    """What commands and queries need."""

    settings: Settings
    servers: Servers
    pool: AsyncConnectionPool
    vault: Vault
    reader: Reader
    loading: Loading
    writer: GroupWriter
    commands: Commands
    progress: Progress
    relations: Relations
    past: Past
    notary: Notary
    tokens: Tokens
    models: dict[str, ReadModel]


def as_app(database_url: str) -> str:
    """The same database, in the role that can only append to the log."""
    joint = "&" if "?" in database_url else "?"
    return f"{database_url}{joint}options=-c%20role%3D{APP_ROLE}%20-c%20timezone%3DUTC"


@asynccontextmanager
async def opened(settings: Settings, servers: Servers) -> AsyncIterator[Services]:
    """Open everything; at the end, drain the writer and close."""
    conninfo = as_app(servers.database_url)
    async with AsyncExitStack() as stack:
        pool = await stack.enter_async_context(_pool(conninfo, MOST_CONNECTIONS))
        vault_pool = await stack.enter_async_context(_pool(servers.vault_url, 4))
        vault = Vault(vault_pool, settings.master_key, old_master_key=settings.old_master_key)
        remembered = Remembered()
        await stack.enter_async_context(forgetting(conninfo, vault, remembered))
        reader, loading = Reader(pool, vault), Loading(pool, vault)
        writer = await stack.enter_async_context(GroupWriter(conninfo, vault))
        progress = await stack.enter_async_context(Progress(pool, conninfo, remembered))
        relations = await stack.enter_async_context(Relations(conninfo, loading, writer))
        yield Services(
            settings=settings,
            servers=servers,
            pool=pool,
            vault=vault,
            reader=reader,
            loading=loading,
            writer=writer,
            commands=Commands(reader, loading, writer),
            progress=progress,
            relations=relations,
            past=Past(reader),
            notary=Notary(pool, settings.notary_key, Known(settings.data_dir)),
            tokens=Tokens(settings.token_key),
            models={model.name: model for model in models(str(settings.time_zone))},
        )


def _pool(conninfo: str, most: int) -> AsyncConnectionPool[AsyncConnection]:
    return AsyncConnectionPool(
        conninfo, min_size=1, max_size=most, kwargs={"autocommit": True}, open=False, timeout=5
    )
