"""What whoever moves the tables of read models tells all processes: up to where, and of whom."""

from collections.abc import Collection
from uuid import UUID

from psycopg import AsyncConnection

CHANNEL = "tarikh_projected"
MOST_NAMED = 200
"""A notification has room for some 8,000 bytes."""


async def announce(
    connection: AsyncConnection, shard: int, position: int, patients: Collection[UUID] | None
) -> None:
    """Say with the transaction that tables have moved, of these patients or of whoever it may be."""
    told = f"{shard}:{position}"
    if patients is not None and len(patients) <= MOST_NAMED:
        told += f":{','.join(patient.hex for patient in patients)}"
    await connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, told))


def announced(payload: str) -> tuple[int, list[UUID] | None]:
    """The position and the patients of an announcement; None: everybody."""
    _, position, *named = payload.split(":")
    return int(position), [UUID(name) for name in named[0].split(",") if name] if named else None
