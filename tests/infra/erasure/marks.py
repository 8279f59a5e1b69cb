"""Marker words that patients are made of, and where in the database they are found again."""

from uuid import UUID

import psycopg

from tests.infra.house import House

MARK = "MARKER-زهرا-12345"


def places_of(house: House, marker: str) -> list[str]:
    """Every table of the main database in which some row says the marker, in text or in bytes."""
    query = """
        SELECT format('%I.%I', n.nspname, c.relname)
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        """
    found = []
    for (table,) in house.rows(query):
        hits = house.one(
            f"""
            SELECT count(*) FROM {table} AS t
            WHERE t::text LIKE %s OR t::text LIKE %s
            """,
            f"%{marker}%",
            f"%{marker.encode().hex()}%",
        )
        if hits:
            found.append(str(table))
    return found


def key_of(house: House, patient: UUID) -> bytes | None:
    """What the vault holds of a patient's key."""
    with psycopg.connect(house.servers.vault_url) as vault:
        row = vault.execute("SELECT wrapped FROM vault.key WHERE subject_id = %s", (patient,)).fetchone()
    assert row is not None
    wrapped: bytes | None = row[0]
    return wrapped
