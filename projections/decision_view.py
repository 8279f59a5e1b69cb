"""The decisions about one recommendation and the diagnosis that it is for, the latest first."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from psycopg import sql

from domain.event import Method, Narrative, Precision
from locales import translate
from projections import cursor
from projections.decisions import DECISION, Decision
from projections.evidence import EVIDENCE, Evidence
from projections.evidence_view import CitedEvidence, Fates, cited, fates_of
from projections.model import Rows
from projections.queries import Tables, both, living

REST = both(), both(sql.SQL("fate IS NOT NULL"))


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Of which recommendation, older than a cursor, in which language."""

    recommendation_id: UUID
    before: str | None = None
    limit: int = 50
    locale: str = "fa"


class DecisionView(msgspec.Struct, frozen=True, kw_only=True):
    """A decision, with what became of its evidence since."""

    id: str
    tag: str
    title: str
    recommendation_version: int | None
    reason_codes: tuple[str, ...]
    reasons: tuple[str, ...]
    narrative: Narrative | None
    evidence: tuple[CitedEvidence, ...]
    outcome: str | None
    decided_by: UUID
    approved_by: UUID | None
    method: Method | None
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    position: int


class DecisionPage(msgspec.Struct, frozen=True, kw_only=True):
    """A page and the cursor of the next; `position` is that of the patient's last change."""

    items: tuple[DecisionView, ...]
    next: str | None
    position: int


async def page(tables: Tables, asked: Asked, position: int) -> DecisionPage:
    """The present. Raises Rejected("cursor.invalid")."""
    decisions, evidence = await tables.two(DECISION, EVIDENCE, REST)
    return _page(decisions, evidence, asked, tables.shard, position)


def page_of(group: Sequence[Rows], asked: Asked, shard: int, position: int) -> DecisionPage:
    """The same from rows in memory."""
    evidence = [one for one in living(group, EVIDENCE) if one.fate is not None]
    return _page(living(group, DECISION), evidence, asked, shard, position)


def _page(
    decisions: Iterable[Decision], evidence: Iterable[Evidence], asked: Asked, shard: int, position: int
) -> DecisionPage:
    found = list(decisions)
    line = asked.recommendation_id
    diagnoses = {one.diagnosis_id for one in found if one.recommendation_id == line} - {None}
    oldest = None if asked.before is None else cursor.decode(asked.before, shard, 1)[0]
    concerning = [
        one
        for one in found
        if (one.recommendation_id == line or (not one.recommendation_id and one.diagnosis_id in diagnoses))
        and (oldest is None or one.position < oldest)
    ]
    concerning.sort(key=lambda one: one.position, reverse=True)
    shown, fates = concerning[: asked.limit], fates_of(evidence)
    more = len(concerning) > len(shown)
    return DecisionPage(
        items=tuple(_told(one, fates, asked.locale) for one in shown),
        next=cursor.encode(shard, shown[-1].position) if more else None,
        position=position,
    )


def _told(one: Decision, fates: Fates, locale: str) -> DecisionView:
    return DecisionView(
        id=f"{one.stream_id}.{one.version}",
        tag=one.tag,
        title=translate(locale, f"decided.{one.tag}"),
        recommendation_version=one.recommendation_version,
        reason_codes=one.reason_codes,
        reasons=tuple(translate(locale, f"reason.{code}") for code in one.reason_codes),
        narrative=one.narrative,
        evidence=cited(one.evidence, one.position, fates),
        outcome=one.outcome,
        decided_by=one.decided_by,
        approved_by=one.approved_by,
        method=one.method,
        occurred_at=one.occurred_at,
        precision=one.precision,
        recorded_at=one.recorded_at,
        position=one.position,
    )
