"""Recommendations as they are shown: a line with one version of it, or all of its versions."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import sql

from domain.errors import NotFound
from domain.event import Precision
from domain.items import Phase
from domain.patient import Tradition
from domain.recommendation.events import Goal, SafetyCheck
from projections.item_view import ItemView, whole
from projections.model import Rows
from projections.queries import Tables, both, living
from projections.recommendation_versions import (
    LINE,
    VERSION,
    Acknowledgement,
    Line,
    Proposal,
    Review,
    Status,
    StatusReason,
    Version,
)
from projections.version_row import Reason


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """One version, and how its line stands; `version` is the stream's, for ETags."""

    id: UUID
    recommendation_version: int
    current_version: int
    version: int
    position: int
    status: Status
    status_since: datetime
    status_reason: StatusReason | None
    diagnosis_id: UUID | None
    patient_id: UUID
    tradition: Tradition
    title: str | None
    goals: tuple[Goal, ...]
    items: tuple[ItemView, ...]
    reasons: tuple[Reason, ...]
    base_version: int | None
    restored_version: int | None
    phases: tuple[Phase, ...]
    phase: Phase | None
    valid_from: datetime
    valid_until: datetime | None
    decided_by: UUID
    approved_by: UUID | None
    safety_check: SafetyCheck | None
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    acknowledgements: tuple[Acknowledgement, ...]
    proposals: tuple[Proposal, ...]
    safety_reviews: tuple[Review, ...]


async def by_id(tables: Tables, recommendation_id: UUID, number: int | None = None) -> Recommendation:
    """A version of a line, the current one unless `number` names it. Raises NotFound."""
    lines, versions = await _rows(tables, recommendation_id)
    return _one(lines, versions, number)


def by_id_of(group: Sequence[Rows], recommendation_id: UUID, number: int | None = None) -> Recommendation:
    """The same from rows in memory."""
    lines, versions = _rows_of(group, recommendation_id)
    return _one(lines, versions, number)


async def all_versions(tables: Tables, recommendation_id: UUID) -> tuple[Recommendation, ...]:
    """Every version of a line, the first one first. Raises NotFound."""
    lines, versions = await _rows(tables, recommendation_id)
    return _all(lines, versions)


def all_versions_of(group: Sequence[Rows], recommendation_id: UUID) -> tuple[Recommendation, ...]:
    """The same from rows in memory."""
    lines, versions = _rows_of(group, recommendation_id)
    return _all(lines, versions)


async def by_patient(tables: Tables) -> tuple[Recommendation, ...]:
    """The current version of every line of the group, the latest first."""
    return _current(*await tables.two(LINE, VERSION))


def by_patient_of(group: Sequence[Rows]) -> tuple[Recommendation, ...]:
    """The same from rows in memory."""
    return _current(list(living(group, LINE)), list(living(group, VERSION)))


async def _rows(tables: Tables, recommendation_id: UUID) -> tuple[list[Line], list[Version]]:
    this = both(sql.SQL("recommendation_id = %(recommendation_id)s"))
    return await tables.two(LINE, VERSION, (this, this), {"recommendation_id": recommendation_id})


def _rows_of(group: Sequence[Rows], recommendation_id: UUID) -> tuple[list[Line], list[Version]]:
    return (
        [line for rows in group if (line := rows.get(LINE, recommendation_id)) is not None],
        [version for rows in group for version in rows.under(VERSION, recommendation_id)],
    )


def _one(lines: Sequence[Line], versions: Iterable[Version], number: int | None) -> Recommendation:
    for line in lines:
        wanted = line.recommendation_version if number is None else number
        for version in versions:
            if version.recommendation_version == wanted:
                return _told(line, version)
    raise NotFound("not_found")


def _all(lines: Sequence[Line], versions: Iterable[Version]) -> tuple[Recommendation, ...]:
    told = [_told(line, version) for line in lines for version in versions]
    if not told:
        raise NotFound("not_found")
    return tuple(sorted(told, key=lambda version: version.recommendation_version))


def _current(lines: Iterable[Line], versions: Iterable[Version]) -> tuple[Recommendation, ...]:
    by_place = {(v.recommendation_id, v.recommendation_version): v for v in versions}
    places = [(line, by_place.get((line.recommendation_id, line.recommendation_version))) for line in lines]
    told = [_told(line, version) for line, version in places if version is not None]
    return tuple(sorted(told, key=lambda one: (one.occurred_at, one.position), reverse=True))


def _told(line: Line, version: Version) -> Recommendation:
    return Recommendation(
        id=line.recommendation_id,
        recommendation_version=version.recommendation_version,
        current_version=line.recommendation_version,
        version=line.version,
        position=line.position,
        status=line.status,
        status_since=line.status_since,
        status_reason=line.status_reason,
        diagnosis_id=line.diagnosis_id,
        patient_id=line.patient_id,
        tradition=line.tradition,
        title=line.title,
        goals=line.goals,
        items=tuple(map(whole, version.items)),
        reasons=version.reasons,
        base_version=version.base_version,
        restored_version=version.restored_version,
        phases=line.phases,
        phase=version.phase,
        valid_from=version.valid_from,
        valid_until=version.valid_until,
        decided_by=version.decided_by,
        approved_by=version.approved_by,
        safety_check=version.safety_check,
        occurred_at=version.occurred_at,
        precision=version.precision,
        recorded_at=version.recorded_at,
        acknowledgements=line.acknowledgements,
        proposals=line.proposals,
        safety_reviews=line.safety_reviews,
    )
