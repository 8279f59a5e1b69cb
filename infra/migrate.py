"""Bring log, queue, app and vault to this release's tables; read models are never migrated."""

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import psycopg
from procrastinate.schema import SchemaManager
from psycopg import sql

from infra.reactions.registry import MANAGERS

ROLES = ("tarikh_app", "tarikh_projector")
"""The app may only append to the log; the projector may make read models. Neither may change the log."""

MIGRATION_LOCK = 7411


def migrate(database_url: str, vault_url: str) -> list[str]:
    """Apply what is missing, once, whoever else tries at the same time; the names of what was applied."""
    applied = []
    with psycopg.connect(database_url) as connection:
        _lock(connection)
        _ensure_roles(connection)
        connection.execute("CREATE SCHEMA IF NOT EXISTS app; CREATE SCHEMA IF NOT EXISTS jobs")
        applied += _apply(connection, "log") + _bring_queue(connection)
        applied += _apply(connection, "app") + _begin_managers(connection)
    with psycopg.connect(vault_url) as connection:
        _lock(connection)
        connection.execute("CREATE SCHEMA IF NOT EXISTS app")
        applied += _apply(connection, "vault")
    return applied


def missing(database_url: str, vault_url: str) -> list[str]:
    """Name the migrations that this release needs and that were not applied yet."""
    absent = []
    for url, areas in ((database_url, ("log", "app")), (vault_url, ("vault",))):
        with psycopg.connect(url) as connection:
            done = _done(connection)
            names = [name for area in areas for name, _ in _scripts(area)]
            names += [*_queue_steps(), *_beginnings()] if "app" in areas else []
            absent += [name for name in names if name not in done]
    return absent


def _lock(connection: psycopg.Connection) -> None:
    connection.execute("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))


def _ensure_roles(connection: psycopg.Connection) -> None:
    """Roles belong to the whole server, so that another database may be making them at this moment."""
    for role in ROLES:
        connection.execute(
            sql.SQL(
                "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name})"
                " THEN CREATE ROLE {role}; END IF;"
                " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
            ).format(name=sql.Literal(role), role=sql.Identifier(role))
        )
        connection.execute(
            sql.SQL(
                "DO $$ BEGIN SET LOCAL ROLE {role}; RESET ROLE;"
                " EXCEPTION WHEN insufficient_privilege THEN GRANT {role} TO CURRENT_USER; END $$"
            ).format(role=sql.Identifier(role))
        )
    connection.execute(
        sql.SQL("GRANT CREATE ON DATABASE {} TO tarikh_projector").format(
            sql.Identifier(connection.info.dbname)
        )
    )


def _apply(connection: psycopg.Connection, area: str) -> list[str]:
    connection.execute(
        "CREATE TABLE IF NOT EXISTS app.migration (name text PRIMARY KEY, at timestamptz DEFAULT now())"
    )
    done = _done(connection)
    new = [(name, script) for name, script in _scripts(area) if name not in done]
    for _, script in new:
        connection.execute(script.read_bytes())
    _write_down(connection, [name for name, _ in new])
    return [name for name, _ in new]


def _bring_queue(connection: psycopg.Connection) -> list[str]:
    """The library's own tables as it ships them: whole at first, later each of its migrations."""
    done, steps = _done(connection), _queue_steps()
    new = [name for name in steps if name not in done]
    connection.execute("SET LOCAL search_path = jobs")
    if new == list(steps):
        connection.execute(SchemaManager.get_schema())
    else:
        for name in new:
            connection.execute(steps[name].read_bytes())
    connection.execute("SET LOCAL search_path = DEFAULT")
    _write_down(connection, new)
    return new


def _queue_steps() -> dict[str, Path]:
    """Those of the library's migrations that can be met: it is as new here as its tables."""
    shipped = sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql"))
    return {f"jobs/{file.name}": file for file in shipped}


def _begin_managers(connection: psycopg.Connection) -> list[str]:
    """A process manager that is new here begins at the head: what was before it is not news."""
    done = _done(connection)
    new = [(name, manager) for name, manager in _beginnings().items() if name not in done]
    for _, manager in new:
        connection.execute(
            """
            INSERT INTO jobs.process_manager (shard, name, position)
            SELECT shard, %s, position FROM log.head
            """,
            (manager,),
        )
    _write_down(connection, [name for name, _ in new])
    return [name for name, _ in new]


def _beginnings() -> dict[str, str]:
    return {f"manager/{name}": name for name in MANAGERS}


def _write_down(connection: psycopg.Connection, names: list[str]) -> None:
    connection.execute("INSERT INTO app.migration (name) SELECT unnest(%s::text[])", (names,))


def _done(connection: psycopg.Connection) -> set[str]:
    found = connection.execute("SELECT to_regclass('app.migration') IS NOT NULL").fetchone()
    if found is None or not found[0]:
        return set()
    return {name for (name,) in connection.execute("SELECT name FROM app.migration")}


def _scripts(area: str) -> list[tuple[str, Traversable]]:
    folder = resources.files("infra") / "migrations" / area
    return sorted((f"{area}/{file.name}", file) for file in folder.iterdir() if file.name.endswith(".sql"))
