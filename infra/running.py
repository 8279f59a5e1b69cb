"""What a process of Tarikh does around its work: servers, migrations, keys of the erased, signals."""

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from infra import embedded
from infra.embedded import Servers
from infra.erasure import starting
from infra.errors import CommandFailed
from infra.event_log.reader import Reader
from infra.forgetting import forgetting
from infra.migrate import migrate, missing
from infra.projector.projector import Projector, connect
from infra.settings import Settings
from infra.vault import Vault
from projections.registry import models


@contextmanager
def ready(settings: Settings) -> Iterator[Servers]:
    """Servers with this release's tables. Embedded ones are migrated here; others by `tarikh migrate`.

    Raises CommandFailed where migrations are missing.
    """
    with embedded.servers(settings) as servers:
        if settings.database_url is None:
            migrate(servers.database_url, servers.vault_url)
        elif absent := missing(servers.database_url, servers.vault_url):
            raise CommandFailed(f"migrations are missing ({', '.join(absent)}): run `tarikh migrate`")
        starting.keep_erased(settings, servers)
        yield servers


@asynccontextmanager
async def projecting(
    settings: Settings, servers: Servers
) -> AsyncIterator[tuple[Projector, AsyncConnection]]:
    """A projector of all read models of this release, and the connection that it writes through."""
    connection = await connect(servers.database_url)
    pools = [
        AsyncConnectionPool(url, min_size=1, max_size=2, kwargs={"autocommit": True}, open=False)
        for url in (servers.database_url, servers.vault_url)
    ]
    async with connection, pools[0], pools[1]:
        vault = Vault(pools[1], settings.master_key, old_master_key=settings.old_master_key)
        projector = Projector(connection, Reader(pools[0], vault), models(str(settings.time_zone)))
        async with forgetting(servers.database_url, vault):
            try:
                yield projector, connection
            finally:
                await projector.close()


def stop_on_signals() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set, so that the work can be put down in order."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop
