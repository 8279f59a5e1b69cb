"""All tables of one version of a read model: made, written, summed up, dropped."""

from psycopg import AsyncConnection, sql

from infra.projector import rollups
from infra.projector.table import Difference, Differences, TableStore
from infra.projector.unsampled import unsampled
from projections.model import ReadModel

__all__ = ["Difference", "Differences", "ModelStore"]

READER = "tarikh_app"


class ModelStore:
    """All tables of one version of a read model, in a schema of their own."""

    def __init__(self, model: ReadModel, schema: str | None = None) -> None:
        self.model = model
        self.schema = schema or model.schema
        self.tables = {table.name: TableStore(self.schema, table) for table in model.tables}

    @property
    def fingerprint(self) -> str:
        """That of the model; of tables that stand beside the live ones with what tells them apart."""
        return self.schema.removeprefix(f"{self.model.name}_")

    async def create(self, connection: AsyncConnection, *, indexed: bool = True) -> None:
        """Make schema and tables, readable by the app; `indexed=False` leaves keys for after a bulk load."""
        schema = sql.Identifier(self.schema)
        await connection.execute(sql.SQL("CREATE SCHEMA {}").format(schema))
        for store in self.tables.values():
            await connection.execute(store.statements.create)
            for statement in unsampled(self.schema, store.table):
                await connection.execute(statement)
        for rollup in self.model.rollups:
            await connection.execute(rollups.rollup_ddl(self.schema, rollup))
        if indexed:
            await self.index(connection)
        await connection.execute(
            sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, sql.Identifier(READER))
        )
        await connection.execute(
            sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO {}").format(schema, sql.Identifier(READER))
        )

    async def index(self, connection: AsyncConnection) -> None:
        """Make the keys and indexes, and count what is there."""
        for store in self.tables.values():
            for statement in store.statements.indexes:
                await connection.execute(statement)
            await connection.execute(sql.SQL("ANALYZE {}").format(store.name))

    async def exists(self, connection: AsyncConnection) -> bool:
        """Whether the schema is there."""
        cursor = await connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", (f'"{self.schema}"',))
        found = await cursor.fetchone()
        return bool(found and found[0])

    async def rename(self, connection: AsyncConnection, schema: str) -> None:
        """Give the schema another name; whoever reads in it goes on."""
        await connection.execute(
            sql.SQL("ALTER SCHEMA {} RENAME TO {}").format(
                sql.Identifier(self.schema), sql.Identifier(schema)
            )
        )

    async def drop(self, connection: AsyncConnection) -> None:
        """Drop the schema with everything in it, if it is there."""
        await connection.execute(
            sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(self.schema))
        )

    async def save(self, connection: AsyncConnection, shard: int, changed: Differences) -> None:
        """Write a batch's differences, and what they add to the sums."""
        for name, store in self.tables.items():
            await store.save(connection, shard, changed[name])
        for rollup in self.model.rollups:
            await rollups.add(connection, self.schema, shard, rollup, rollups.sums_of(rollup, changed))

    async def sum_up(self, connection: AsyncConnection, shard: int) -> None:
        """Fill empty rollup tables from the contributions that are there."""
        for rollup in self.model.rollups:
            await connection.execute(
                sql.SQL("INSERT INTO {} {}").format(
                    sql.Identifier(self.schema, rollup.name), rollups.summed(self.schema, rollup)
                ),
                (shard,),
            )
