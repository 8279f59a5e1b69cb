"""Patients as they are shown: one, or a page of those whom somebody may see."""

from collections.abc import Sequence
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
IN_CARE = sql.SQL(
    """EXISTS (
        SELECT
        FROM {member} AS member
        WHERE member.shard = patient.shard
          AND member.subject_id = patient.subject_id
          AND member.account_id = %(account_id)s
          AND member.relation = 'practitioner'
          AND NOT member.removed
          AND (member.until IS NULL OR member.until > %(now)s)
    )"""
)
CONSENTED = sql.SQL(
    """coalesce((
        SELECT (array_agg(given ORDER BY grantee = %(everybody)s))[1]
           AND bool_or(given AND (expires_at IS NULL OR expires_at > %(now)s))
        FROM {consent} AS consent
        WHERE consent.shard = patient.shard
          AND consent.subject_id = patient.subject_id
          AND consent.grantee IN (%(account_id)s, %(everybody)s)
          AND NOT consent.removed
    ), TRUE)"""
)
"""A word about one account counts before one about everybody; none at all is consent, as in `access`."""


async def by_id(tables: Tables, patient_id: UUID) -> PatientView:
    """Raises NotFound."""
    return _one(await tables.rows(PATIENT, ONE, {"patient_id": patient_id}))


def by_id_of(group: Sequence[Rows], patient_id: UUID) -> PatientView:
    """The same from rows in memory."""
    return _one([one for one in living(group, PATIENT) if one.patient_id == patient_id])


async def page(connection: AsyncConnection[Any], schema: str, shard: int, asked: Asked) -> Listed:
    """Raises Rejected("cursor.invalid")."""
    query = sql.SQL(
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
        conditions=both(*_conditions(schema, asked)),
    )
    given: dict[str, object] = {
        "shard": shard,
        "account_id": asked.account_id,
        "everybody": EVERYBODY,
        "now": asked.now,
        "before": None if asked.before is None else cursor.decode(asked.before, shard, 1)[0],
        "limit": asked.limit + 1,
    }
    found = await fetch(connection, query, given, Patient)
    shown = found[: asked.limit]
    more = len(found) > len(shown)
    return Listed(
        items=tuple(map(_listed, shown)),
        next=cursor.encode(shard, shown[-1].first_position) if more else None,
    )


def _conditions(schema: str, asked: Asked) -> list[sql.Composable]:
    conditions: list[sql.Composable] = [] if asked.before is None else [OLDER]
    if asked.account_id is not None:
        conditions.append(IN_CARE.format(member=sql.Identifier(schema, MEMBER.name)))
        conditions.append(CONSENTED.format(consent=sql.Identifier(schema, CONSENT.name)))
    return conditions


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
