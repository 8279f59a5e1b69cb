"""What was read, kept on disk and given back by patient, so that memory does not grow with the files."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from domain import patient
from infra.fhir import stated
from infra.fhir.stated import AnyStated, Stated, StatedMedication, StatedPatient
from infra.spooling import spooled

TABLES = """
CREATE TABLE claim (
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    patient TEXT NOT NULL,
    PRIMARY KEY (kind, value, patient)
) WITHOUT ROWID;
CREATE TABLE record (
    patient TEXT NOT NULL,
    ref TEXT NOT NULL,
    place TEXT NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (patient, ref)
) WITHOUT ROWID;
"""

NO_MATTER_WHEN = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True)
class Kept:
    """A record, and where it was found."""

    record: AnyStated
    place: str


class Spool:
    """A temporary file of records by patient. A resource that comes twice is kept as it came last."""

    def __init__(self) -> None:
        self._open = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._connection = self._open.enter_context(spooled(TABLES))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def keep(self, record: Stated, place: str) -> bool:
        """Keep a record, and tell whether there was one of this name already.

        Raises msgspec.ValidationError where a value is not one that the record takes.
        """
        body = stated.encode(record)
        stated.decode(body)
        key = record.patient, record.ref
        added = self._connection.execute(
            "INSERT OR IGNORE INTO record VALUES (?, ?, ?, ?)", (*key, place, body)
        )
        if added.rowcount == 0:
            self._connection.execute(
                "UPDATE record SET place = ?, body = ? WHERE patient = ? AND ref = ?", (place, body, *key)
            )
        for kind, value in _claims(record):
            self._connection.execute(
                "INSERT OR IGNORE INTO claim VALUES (?, ?, ?)", (kind, value, record.patient)
            )
        return added.rowcount == 0

    def patients(self) -> Iterator[str]:
        """Whose records there are, in a fixed order."""
        yield from (
            ref
            for (ref,) in self._connection.execute(
                "SELECT DISTINCT patient FROM record WHERE patient <> '' ORDER BY patient"
            )
        )

    def count_patients(self) -> int:
        (count,) = self._connection.execute(
            "SELECT count(DISTINCT patient) FROM record WHERE patient <> ''"
        ).fetchone()
        return int(count)

    def of(self, ref: str) -> list[Kept]:
        """Everything that is stated of a patient."""
        rows = self._connection.execute(
            "SELECT body, place FROM record WHERE patient = ? ORDER BY ref", (ref,)
        )
        return [Kept(stated.decode(body), place) for body, place in rows]

    def held_by_another(self, record: StatedPatient) -> str | None:
        """Which of a patient's claims belongs to one who comes before them: the same whoever is quicker."""
        for kind, value in _claims(record):
            (first,) = self._connection.execute(
                "SELECT min(patient) FROM claim WHERE kind = ? AND value = ?", (kind, value)
            ).fetchone()
            if first is not None and first < record.patient:
                return kind
        return None

    def medication(self, ref: str) -> StatedMedication | None:
        """What a medicine is called, wherever it was read."""
        row = self._connection.execute(
            "SELECT body FROM record WHERE patient = '' AND ref = ?", (ref,)
        ).fetchone()
        record = stated.decode(row[0]) if row else None
        return record if isinstance(record, StatedMedication) else None


def _claims(record: Stated) -> list[patient.Claim]:
    """What is stated of a patient and only one patient may have, patient number before phone."""
    if not isinstance(record, StatedPatient):
        return []
    registered = patient.PatientRegistered(
        occurred_at=NO_MATTER_WHEN, patient_no=record.patient_no, name=record.name, phone=record.phone
    )
    return sorted(patient.claims([registered], patient.INITIAL).take)
