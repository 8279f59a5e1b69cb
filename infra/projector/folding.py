"""One patient's rows while events are folded into them, and how each of them differs from what was loaded."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from domain.event import Event
from domain.recorded import Recorded
from infra.projector.table import Difference
from projections.model import ReadModel, Row, Rows, Table


class Folding:
    """Rows of one patient in one read model, and what has become of them."""

    def __init__(self, subject: UUID, rows: Rows) -> None:
        self.rows = rows
        self._subject = subject
        self._changes: list[Difference] = []
        self._standing: dict[int, Difference] = {}
        """By the identity of the row as it stands now: its key would have to be hashed for each event."""

    def apply(self, model: ReadModel, recorded: Recorded[Event]) -> None:
        """Fold one event."""
        tables, put = model.table_of, self.rows.put
        for row in model.evolve(self.rows, recorded):
            table = tables[type(row)]
            self._note(table, put(table, row), row, recorded.position)

    def replace(self, model: ReadModel, new: Rows, position: int) -> None:
        """Put these rows in the place of all that there are."""
        for table in model.tables:
            for row in self.rows.all(table):
                self._note(table, row, new.get(table, *table.key_of(row)), position)
            for row in new.all(table):
                if self.rows.get(table, *table.key_of(row)) is None:
                    self._note(table, None, row, position)
        self.rows = new

    def changes(self) -> Iterator[Difference]:
        """Every row that is not what it was."""
        return (change for change in self._changes if change.before != change.after)

    def _note(self, table: Table[Any], before: Row | None, after: Row | None, position: int) -> None:
        change = None if before is None else self._standing.pop(id(before), None)
        if change is None:
            change = Difference(table, self._subject, before, after, position)
            self._changes.append(change)
        else:
            change.after = after
            if before != after:
                change.position = position
        if after is not None:
            self._standing[id(after)] = change
