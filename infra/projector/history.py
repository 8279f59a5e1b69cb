"""The whole log by patient: what rebuilding and verifying fold, a handful of patients at a time."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, cast
from uuid import UUID

from psycopg import AsyncConnection, sql

from domain.event import Event
from domain.patient import PatientErased
from domain.recorded import Recorded
from infra.event_log.reader import COLUMNS, NOBODY, Reader, Stored, subject_of
from infra.projector.fold import closed
from infra.projector.folding import Folding
from infra.projector.held import Hold, hold
from infra.projector.table import Difference
from projections.model import ReadModel, Rows

ROWS_AT_ONCE = 5_000

Patient = tuple[UUID, list[Recorded[Event]]]


async def by_patient(
    connection: AsyncConnection,
    reader: Reader,
    shard: int,
    until: int,
    *,
    accounts: bool,
    after: UUID = NOBODY,
) -> AsyncIterator[list[Patient]]:
    """Everybody's events up to a position, whole patients in each part; `connection` is in a transaction.

    With `accounts`, events without a patient come under their own stream. Patients come in the order of
    their ids, those `after` one where it is given.
    """
    subject = "coalesce(subject_id, originator_id)" if accounts else "subject_id"
    query = f"""
        SELECT {COLUMNS} FROM log.event
        WHERE shard = %s AND notification_id <= %s AND {subject} > %s
        ORDER BY {subject}, notification_id
        """
    left: list[Stored] = []
    async with connection.cursor("history", binary=True) as cursor:
        await cursor.execute(sql.SQL(cast("Any", query)), (shard, until, after))
        while found := await cursor.fetchmany(ROWS_AT_ONCE):
            left += found
            whole, left = _parted(left)
            if whole:
                yield await _opened(reader, whole)
    if left:
        yield await _opened(reader, left)


def _parted(rows: list[Stored]) -> tuple[list[Stored], list[Stored]]:
    """Those of whom everything is here, and the last one's, of whom more may come."""
    last, place = subject_of(rows[-1]), len(rows)
    while place and subject_of(rows[place - 1]) == last:
        place -= 1
    return rows[:place], rows[place:]


async def of_one(reader: Reader, subject: UUID, until: int, *, accounts: bool) -> list[Recorded[Event]]:
    """The events of one of them."""
    events = await reader.by_subject([subject], until=until)
    if events or not accounts:
        return events
    stream = await reader.streams([subject])
    return [event for event in stream if event.subject_id is None and event.position <= until]


async def _opened(reader: Reader, rows: list[Stored]) -> list[Patient]:
    events = await reader.opened(rows)
    pairs = zip(map(subject_of, rows), events, strict=True)
    return [(subject, [event for _, event in group]) for subject, group in groupby(pairs, key=itemgetter(0))]


def folded(model: ReadModel, subject: UUID, events: list[Recorded[Event]]) -> Iterator[Difference]:
    """A patient's rows after all their events: what there is where there was nothing before."""
    if any(isinstance(event.event, PatientErased) for event in events):
        events = closed(events)
    patient = Folding(subject, Rows())
    for recorded in events:
        patient.apply(model, recorded)
    return patient.changes()


def folded_until_stuck(
    model: ReadModel, subject: UUID, events: list[Recorded[Event]]
) -> tuple[list[Difference], Hold | None]:
    """The same up to an event that cannot be read or folded, and why that is; None where all can."""
    if any(isinstance(event.event, PatientErased) for event in events):
        events = closed(events)
    if not any(event.unreadable for event in events):
        with contextlib.suppress(Exception):
            return list(folded(model, subject, events)), None
    for place, event in enumerate(events):
        if (error := _why_not(model, subject, events[: place + 1])) is not None:
            return list(folded(model, subject, events[:place])), hold(subject, event.position, error)
    return list(folded(model, subject, events)), None


def _why_not(model: ReadModel, subject: UUID, events: list[Recorded[Event]]) -> Exception | None:
    """Why these events cannot be folded, the last of which may be unreadable."""
    if events[-1].unreadable is not None:
        return events[-1].unreadable
    try:
        list(folded(model, subject, events))
    except Exception as error:  # noqa: BLE001  whatever a fold raises is a patient's
        return error
    return None
