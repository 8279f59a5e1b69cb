"""Looks at what Tarikh runs on, and names what an operator should put right."""

import shutil
import stat
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import msgspec
import psycopg
import redis

from infra.errors import CommandFailed
from infra.migrate import missing
from infra.settings import Environment, Settings

if TYPE_CHECKING:
    from psycopg import Connection

OLDEST_POSTGRES = 15
MOST_LAG = 10_000
MOST_TOLD = 10
LEAST_FREE_BYTES = 2_000_000_000
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
CONNECT_SECONDS = 5
LOCAL_HOSTS = ("", "localhost", "127.0.0.1", "::1")


class Database(msgspec.Struct, frozen=True, kw_only=True):
    """What a look into the main database found; `head` is None while there is no log."""

    version: str
    head: int | None
    checkpoints: dict[str, int]
    problems: list[str]


def of_settings(settings: Settings) -> list[str]:
    """Name what can be seen without a connection."""
    return [
        *_disk(settings),
        *_key_files(settings),
        *(_weaknesses(settings) if settings.env == "prod" else ()),
    ]


def of_database(url: str, env: Environment) -> Database:
    """Look into the main database; raise `CommandFailed` when it does not answer."""
    with _connected(url, "the database") as connection:
        version = connection.info.parameter_status("server_version") or "unknown"
        head = _head(connection)
        return Database(
            version=version,
            head=head,
            checkpoints=_checkpoints(connection),
            problems=[*_database_problems(connection, version, env), *_manager_problems(connection, head)],
        )


def of_migrations(database_url: str, vault_url: str) -> list[str]:
    """Name the tables of this release that are not there; raise `CommandFailed` when the vault is silent."""
    with _connected(vault_url, "the vault"):
        absent = missing(database_url, vault_url)
    return [f"not migrated to this release ({', '.join(absent)}): run `tarikh migrate`"] if absent else []


def of_vault(url: str, master_id: str) -> list[str]:
    """Name what the master key does not open; raise `CommandFailed` when the vault does not answer."""
    with _connected(url, "the vault") as connection:
        if not _has(connection, "vault.key"):
            return []
        rows = connection.execute(
            """
            SELECT master_id, count(*)
            FROM vault.key
            WHERE wrapped IS NOT NULL AND master_id <> %s
            GROUP BY master_id
            ORDER BY master_id
            """,
            (master_id,),
        ).fetchall()
    return [
        f"the vault holds {count} keys of another master key ({other}): run `tarikh vault rotate`"
        for other, count in rows
    ]


def of_cache(url: str | None) -> str | None:
    """Return the cache's version, None where there is none; raise `CommandFailed` when it is silent."""
    if url is None:
        return None
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=CONNECT_SECONDS) as client:
            about = client.info("server")
    except (redis.RedisError, OSError) as error:
        raise CommandFailed(f"the cache does not answer: {_one_line(error)}") from error
    return str(about.get("valkey_version") or about.get("redis_version"))


def _disk(settings: Settings) -> Iterator[str]:
    place = next(folder for folder in (settings.data_dir, *settings.data_dir.parents) if folder.exists())
    free = shutil.disk_usage(place).free
    if free < LEAST_FREE_BYTES:
        yield f"the disk of {settings.data_dir} is nearly full: {free // 1_000_000} MB free"


def _key_files(settings: Settings) -> Iterator[str]:
    for file in sorted((settings.data_dir / "secrets").glob("*.key")):
        if stat.S_IMODE(file.stat().st_mode) & 0o077:
            yield f"{file} can be read by others: chmod 600"


def _weaknesses(settings: Settings) -> Iterator[str]:
    if settings.master_key == settings.token_key:
        yield "TARIKH_MASTER_KEY and TARIKH_TOKEN_KEY are the same key"
    if settings.vault_url is None:
        yield "TARIKH_VAULT_URL is not set: a backup of the server would hold the keys beside what they open"
    for name, url in (("DATABASE", settings.database_url), ("VAULT", settings.vault_url)):
        if url and _in_clear(url):
            yield f"TARIKH_{name}_URL does not ask for encryption: add sslmode=verify-full"


def _in_clear(url: str) -> bool:
    parts = urlsplit(url)
    mode = parse_qs(parts.query).get("sslmode", ["prefer"])[0]
    return (parts.hostname or "") not in LOCAL_HOSTS and mode in {"disable", "allow", "prefer"}


def _database_problems(connection: "Connection", version: str, env: Environment) -> Iterator[str]:
    if connection.info.server_version < OLDEST_POSTGRES * 10_000:
        yield f"Postgres {version} is too old: {OLDEST_POSTGRES} or later is needed"
    for name in DURABLE:
        if _value(connection, "SELECT current_setting(%s)", name) == "off":
            yield f"Postgres runs with {name} = off: what was answered as stored can be lost"
    if env == "prod" and _value(connection, "SELECT current_setting(%s)", "is_superuser") == "on":
        yield "the database role is a superuser: it could change what is in the log"


def _manager_problems(connection: "Connection", head: int | None) -> Iterator[str]:
    """What the process managers owe."""
    if head is None or not _has(connection, "jobs.process_manager"):
        return
    for name, position in connection.execute("SELECT name, position FROM jobs.process_manager ORDER BY name"):
        if position > head:
            yield f"process manager {name} has looked further than the log goes ({position} of {head})"
        elif head - position > MOST_LAG:
            yield f"process manager {name} is {head - position} positions behind: does `tarikh project` run?"
    failed = connection.execute(
        """
        SELECT args ->> 'manager', array_agg((args ->> 'position')::bigint ORDER BY id)
        FROM jobs.procrastinate_jobs
        WHERE status = 'failed'
        GROUP BY 1
        ORDER BY 1
        """
    )
    for name, positions in failed.fetchall():
        told = ", ".join(map(str, positions[:MOST_TOLD])) + (" …" if len(positions) > MOST_TOLD else "")
        yield f"process manager {name} could not react to {told}: see the log, then `tarikh work --again`"


def _head(connection: "Connection") -> int | None:
    if not _has(connection, "log.head"):
        return None
    position = _value(connection, "SELECT position FROM log.head WHERE shard = %s", 0)
    return int(str(position)) if position is not None else None


def _checkpoints(connection: "Connection") -> dict[str, int]:
    """Return how far each read model has come, in whichever version has come furthest."""
    if not _has(connection, "app.checkpoint"):
        return {}
    rows = connection.execute(
        """
        SELECT model, max(position)
        FROM app.checkpoint
        WHERE shard = 0
        GROUP BY model
        ORDER BY model
        """
    )
    return dict(rows.fetchall())


def _has(connection: "Connection", table: str) -> bool:
    return _value(connection, "SELECT to_regclass(%s)::text", table) is not None


def _value(connection: "Connection", query: str, parameter: object) -> object:
    row = connection.execute(query.encode(), [parameter]).fetchone()
    return row[0] if row else None


def _connected(url: str, name: str) -> "Connection":
    try:
        return psycopg.connect(url, connect_timeout=CONNECT_SECONDS, autocommit=True)
    except psycopg.OperationalError as error:
        raise CommandFailed(f"{name} does not answer: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
