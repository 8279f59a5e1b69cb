"""Postgres and Valkey of one's own under the data dir, for whoever has no URL of another.

    with embedded.servers(settings) as servers:
        psycopg.connect(servers.database_url)

Several commands may do so at once on one data dir; the last one out stops what the first one started.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit, urlunsplit

import msgspec

from infra.embedded.postgres import Postgres
from infra.embedded.valkey import Valkey
from infra.embedded.watched import joined
from infra.settings import NO_CACHE, Settings


class Servers(msgspec.Struct, frozen=True, kw_only=True):
    """Where the servers answer; `cache_url` is None where there is no cache."""

    database_url: str
    vault_url: str
    cache_url: str | None


@contextmanager
def servers(settings: Settings) -> Iterator[Servers]:
    """Give URLs that work until the block ends; what the settings name is passed through untouched.

    Raise `CommandFailed` when an embedded server cannot be started.
    """
    postgres, valkey = Postgres(settings.data_dir), Valkey(settings.data_dir)
    needed = [
        server
        for server, url in ((postgres, settings.database_url), (valkey, settings.cache_url))
        if url is None
    ]
    with joined(*needed):
        if postgres in needed:
            postgres.create_databases()
        database_url = settings.database_url or postgres.url()
        cache_url = settings.cache_url or valkey.url()
        yield Servers(
            database_url=database_url,
            vault_url=settings.vault_url or beside(database_url),
            cache_url=None if cache_url == NO_CACHE else cache_url,
        )


def beside(database_url: str) -> str:
    """Return the URL of the vault that stands in the same server: `tarikh` has `tarikh_vault`."""
    parts = urlsplit(database_url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/') or '/tarikh'}_vault"))
