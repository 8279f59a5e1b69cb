"""Patients as they are shown: one, or a page of those whom somebody may see."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection, sql

from domain.errors import NotFound
from domain.event import Locale
from domain.patient.events import Sex
from projections import cursor
from projections.model import Rows
from projections.patient_groups import EDGE
from projections.patients import CONSENT, EVERYBODY, MEMBER, PATIENT, Patient, Standing
from projections.queries import Tables, both, columns, fetch, living


class PatientView(msgspec.Struct, frozen=True, kw_only=True):
    """`standing` is merged where the record was merged into another one, which `merged_into` names."""

    id: UUID
    patient_no: str
    name: str
    birth_date: date | None
    sex: Sex
    standing: Standing
    phone: str | None
    email: str | None
    national_id: str | None
    locale: Locale
    died_at: datetime | None
    merged_into: UUID | None
    erasure_requested: bool
    registered_at: datetime
    version: int
    position: int


class ListedPatient(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a list."""

    id: UUID
    patient_no: str
    name: str
    birth_date: date | None
    sex: Sex
    standing: Standing


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Whose patients (None: everybody's) at a time, registered before those of a cursor."""

    account_id: UUID | None
    now: datetime
    before: str | None = None
    limit: int = 50


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A page, the last registered first, and the cursor of the next one."""

    items: tuple[ListedPatient, ...]
    next: str | None


ONE = both(sql.SQL("patient_id = %(patient_id)s"))
OLDER = sql.SQL("first_position < %(before)s")
SEEN = sql.SQL(
    """
    WITH RECURSIVE seen(id) AS (
        SELECT subject_id
        FROM {member}
        WHERE shard = %(shard)s
          AND account_id = %(account_id)s
          AND relation = 'practitioner'
          AND NOT removed
          AND (until IS NULL OR until > %(now)s)
        UNION
        SELECT edge.other_id
        FROM seen
        JOIN {edge} AS edge
          ON edge.shard = %(shard)s
         AND edge.subject_id = seen.id
         AND NOT edge.removed
    ), closed(id) AS (
        SELECT consent.subject_id
        FROM {consent} AS consent
        JOIN seen
          ON seen.id = consent.subject_id
        WHERE consent.shard = %(shard)s
          AND consent.grantee IN (%(account_id)s, %(everybody)s)
          AND NOT consent.removed
        GROUP BY consent.subject_id
        HAVING NOT (
            (array_agg(given ORDER BY grantee = %(everybody)s))[1]
            AND bool_or(given AND (expires_at IS NULL OR expires_at > %(now)s))
        )
        UNION
        SELECT edge.other_id
        FROM closed
        JOIN {edge} AS edge
          ON edge.shard = %(shard)s
         AND edge.subject_id = closed.id
         AND NOT edge.removed
    )
    """
)
"""Whom an account may care for, and of these whoever has not consented, both with all whom they are one with.

A word about one account counts before one about everybody; none at all is consent, as in `access`.
"""
THEIRS = sql.SQL("patient_id IN (SELECT id FROM seen EXCEPT SELECT id FROM closed)")


async def by_id(tables: Tables, patient_id: UUID) -> PatientView:
    """Raises NotFound."""
    return _one(await tables.rows(PATIENT, ONE, {"patient_id": patient_id}))


def by_id_of(group: Sequence[Rows], patient_id: UUID) -> PatientView:
    """The same from rows in memory."""
    return _one([one for one in living(group, PATIENT) if one.patient_id == patient_id])


async def page(
    connection: AsyncConnection[Any], schema: str, groups: str, shard: int, asked: Asked
) -> Listed:
    """`groups` is the schema of `patient_groups`. Raises Rejected("cursor.invalid")."""
    query = _seen(schema, groups, asked) + sql.SQL(
        """
        SELECT {columns}
        FROM {patient} AS patient
        WHERE shard = %(shard)s
          AND NOT removed
          {conditions}
        ORDER BY first_position DESC
        LIMIT %(limit)s
        """
    ).format(
        columns=columns(PATIENT),
        patient=sql.Identifier(schema, PATIENT.name),
        conditions=both(*_conditions(asked)),
    )
    given: dict[str, object] = {
        "shard": shard,
        "account_id": asked.account_id,
        "everybody": EVERYBODY,
        "now": asked.now,
        "before": None if asked.before is None else cursor.decode(asked.before, shard, 1)[0],
        "limit": asked.limit + 1,
    }
    found = await fetch(connection, query, given, PATIENT)
    shown = found[: asked.limit]
    more = len(found) > len(shown)
    return Listed(
        items=tuple(map(_listed, shown)),
        next=cursor.encode(shard, shown[-1].first_position) if more else None,
    )


def _seen(schema: str, groups: str, asked: Asked) -> sql.Composable:
    if asked.account_id is None:
        return sql.SQL("")
    return SEEN.format(
        member=sql.Identifier(schema, MEMBER.name),
        consent=sql.Identifier(schema, CONSENT.name),
        edge=sql.Identifier(groups, EDGE.name),
    )


def _conditions(asked: Asked) -> Iterator[sql.Composable]:
    if asked.before is not None:
        yield OLDER
    if asked.account_id is not None:
        yield THEIRS


def _one(found: Sequence[Patient]) -> PatientView:
    if not found:
        raise NotFound("not_found")
    (one,) = found
    same = set(PatientView.__struct_fields__) & set(Patient.__struct_fields__)
    return PatientView(
        id=one.patient_id, standing=one.standing, **{name: getattr(one, name) for name in same}
    )


def _listed(one: Patient) -> ListedPatient:
    return ListedPatient(
        id=one.patient_id,
        patient_no=one.patient_no,
        name=one.name,
        birth_date=one.birth_date,
        sex=one.sex,
        standing=one.standing,
    )
