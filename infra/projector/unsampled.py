"""What people say is kept out of Postgres's statistics, which would hold samples of it in a catalog table."""

from collections.abc import Iterator
from typing import Any

from psycopg import sql

from projections.model import Table

WORDS = frozenset({"text", "jsonb"})


def unsampled(schema: str, table: Table[Any]) -> Iterator[sql.Composed]:
    """For each column of words that no index sorts by and no key begins with: nothing of it is sampled."""
    sorted_by = ", ".join((table.key[0], *table.indexes, *table.across)).replace(",", " ").split()
    for column in table.columns:
        if column.sql_type in WORDS and column.name not in sorted_by:
            yield sql.SQL("ALTER TABLE {} ALTER COLUMN {} SET STATISTICS 0").format(
                sql.Identifier(schema, table.name), sql.Identifier(column.name)
            )
