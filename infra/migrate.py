"""Bring log, app and vault to this release's tables; read models are never migrated."""

from importlib import resources
from importlib.resources.abc import Traversable

import psycopg
from psycopg import sql

ROLES = ("tarikh_app", "tarikh_projector")
"""The app may only append to the log; the projector may make read models. Neither may change the log."""

MIGRATION_LOCK = 7411


def migrate(database_url: str, vault_url: str) -> list[str]:
    """Apply what is missing, once, whoever else tries at the same time; the names of what was applied."""
    applied = []
    with psycopg.connect(database_url) as connection:
        _lock(connection)
        _ensure_roles(connection)
        connection.execute("CREATE SCHEMA IF NOT EXISTS app")
        applied += _apply(connection, "log") + _apply(connection, "app")
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
            absent += [name for area in areas for name, _ in _scripts(area) if name not in done]
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
    for name, script in new:
        connection.execute(script.read_bytes())
        connection.execute("INSERT INTO app.migration (name) VALUES (%s)", (name,))
    return [name for name, _ in new]


def _done(connection: psycopg.Connection) -> set[str]:
    found = connection.execute("SELECT to_regclass('app.migration') IS NOT NULL").fetchone()
    if found is None or not found[0]:
        return set()
    return {name for (name,) in connection.execute("SELECT name FROM app.migration")}


def _scripts(area: str) -> list[tuple[str, Traversable]]:
    folder = resources.files("infra") / "migrations" / area
    return sorted((f"{area}/{file.name}", file) for file in folder.iterdir() if file.name.endswith(".sql"))
