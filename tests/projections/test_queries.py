"""The present from tables is literally the fold in memory, for every query of every read model."""

from collections.abc import AsyncIterator, Callable
from datetime import date
from uuid import UUID

import psycopg
import pytest
from psycopg import AsyncConnection

from domain.diagnosis import events as diagnosis
from domain.event import Event
from domain.recorded import Recorded
from infra.projector.fold import fold_batch
from infra.projector.store import ModelStore
from projections import (
    audit_trail,
    change_view,
    diagnoses,
    diagnosis_view,
    patient_groups,
    patient_timeline,
    prediction_accuracy,
    prediction_view,
    predictions,
    recommendation_changes,
    recommendation_versions,
    statistics_view,
    timeline_page,
    version_view,
)
from projections.model import ReadModel
from projections.queries import Tables
from projections.registry import models
from projections.statistics import CONTRIBUTION
from projections.timeline_words import Words
from tests.projections.sample import (
    a_year,
    amended,
    drafted,
    issued,
    merged,
    on,
    registered,
    revised,
)
from tests.projections.story import (
    DIAGNOSIS_ID,
    FEEDBACK_ID,
    LINE_ID,
    META,
    OTHER_PATIENT_ID,
    PATIENT_ID,
    Log,
)
from tests.projections.test_predictions import foretold, summed

MODELS = models("Asia/Tehran")
GROUP = (PATIENT_ID, OTHER_PATIENT_ID)
OTHER_LINE_ID, SECOND_LINE_ID = (UUID(int=LINE_ID.int + (n << 40)) for n in (1, 2))
EN = Words("en")


def two_records_of_one_person() -> Log:
    log = a_year().add(OTHER_PATIENT_ID, registered("Mina R.", "P-2"), subject_id=OTHER_PATIENT_ID)
    log.add(PATIENT_ID, merged(PATIENT_ID, OTHER_PATIENT_ID, "survivor"))
    log.add(OTHER_PATIENT_ID, merged(PATIENT_ID, OTHER_PATIENT_ID, "retired"), subject_id=OTHER_PATIENT_ID)
    log.add(OTHER_LINE_ID, drafted(None), issued()).add(SECOND_LINE_ID, drafted(), issued())
    log.add(FEEDBACK_ID, amended(rating=None))
    foretold(log, (0.9, True), (0.8, True), (0.7, False), (0.2, False), (0.1, True))
    return log.add(
        DIAGNOSIS_ID,
        revised(severity=None, onset="2024-12-01T12:00:00Z"),
        diagnosis.ReferralAdvised(occurred_at=on(11), specialty="neurology", urgency="urgent"),
    )


LOG = two_records_of_one_person()


@pytest.fixture(scope="module")
def database_url(fresh_database_urls: Callable[[], tuple[str, str]]) -> str:
    return fresh_database_urls()[0]


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[AsyncConnection]:
    async with await AsyncConnection.connect(
        database_url, autocommit=True, options="-c timezone=UTC"
    ) as made:
        async with made.cursor() as cursor:
            await cursor.execute("SELECT pg_advisory_lock(hashtext('tests.projections'))")
        for model in MODELS:
            await _project(made, model)
        yield made


async def _project(connection: AsyncConnection, model: ReadModel) -> None:
    """Fold the story as the engine does, in batches of seven."""
    store = ModelStore(model)
    if await store.exists(connection):
        return
    await store.create(connection)
    for start in range(0, len(LOG.events), 7):
        changed = await fold_batch(store, connection, 0, LOG.events[start : start + 7], _no_history)
        await store.save(connection, 0, changed)


async def _no_history(_subject: UUID, _until: int) -> list[Recorded[Event]]:
    return []


def tables(connection: AsyncConnection, model: ReadModel) -> Tables:
    return Tables(connection, model.schema, 0, GROUP)


ASKED = [
    timeline_page.Asked(),
    timeline_page.Asked(limit=5),
    timeline_page.Asked(kinds=("merge", "finding"), start=on(1), end=on(9)),
    timeline_page.Asked(diagnosis_id=DIAGNOSIS_ID, limit=3),
]


@pytest.mark.parametrize("asked", ASKED)
async def test_timeline(connection: AsyncConnection, asked: timeline_page.Asked) -> None:
    model = patient_timeline.MODEL
    group = [(member, LOG.rows(model, member)) for member in GROUP]
    while True:
        page = await timeline_page.page(tables(connection, model), asked, EN, 9)
        assert page.items
        for there, here in zip(page.items, timeline_page.page_of(group, asked, EN, 0, 9).items, strict=True):
            assert there == here
        assert page == timeline_page.page_of(group, asked, EN, 0, 9)
        if page.next is None:
            break
        asked = timeline_page.Asked(
            kinds=asked.kinds,
            diagnosis_id=asked.diagnosis_id,
            start=asked.start,
            end=asked.end,
            before=page.next,
            limit=asked.limit,
        )


async def test_diagnoses(connection: AsyncConnection) -> None:
    there = tables(connection, diagnoses.MODEL)
    here = [LOG.rows(diagnoses.MODEL, member) for member in GROUP]
    assert await diagnosis_view.by_patient(there) == diagnosis_view.by_patient_of(here)
    one = await diagnosis_view.by_id(there, DIAGNOSIS_ID)
    assert one == diagnosis_view.by_id_of(here, DIAGNOSIS_ID)
    assert (len(one.referrals), one.severity) == (2, None)


async def test_versions(connection: AsyncConnection) -> None:
    there = tables(connection, recommendation_versions.MODEL)
    here = [LOG.rows(recommendation_versions.MODEL, member) for member in GROUP]
    assert await version_view.by_patient(there) == version_view.by_patient_of(here)
    assert await version_view.all_versions(there, LINE_ID) == version_view.all_versions_of(here, LINE_ID)
    for number in (None, 1, 2):
        told = await version_view.by_id(there, LINE_ID, number)
        assert told == version_view.by_id_of(here, LINE_ID, number)


async def test_changes(connection: AsyncConnection) -> None:
    there = tables(connection, recommendation_changes.MODEL)
    here = [LOG.rows(recommendation_changes.MODEL, member) for member in GROUP]
    told = await change_view.versions(there, LINE_ID, 1, 3)
    assert told == change_view.versions_of(here, LINE_ID, 1, 3)
    assert told.reasons[1].evidence[0].changed_since is not None
    places = DIAGNOSIS_ID, (LINE_ID, 3), (SECOND_LINE_ID, 1)
    assert await change_view.lines(there, *places) == change_view.lines_of(here, *places)


async def test_predictions(connection: AsyncConnection) -> None:
    there = tables(connection, predictions.MODEL)
    here = [LOG.rows(predictions.MODEL, member) for member in GROUP]
    told = await prediction_view.by_patient(there, EN)
    assert told == prediction_view.by_patient_of(here, EN)
    of_line = await prediction_view.by_recommendation(there, LINE_ID, EN)
    assert of_line == prediction_view.by_recommendation_of(here, LINE_ID, EN) == told
    assert await prediction_view.by_recommendation(there, OTHER_LINE_ID, EN) == ()
    scores = await prediction_accuracy.accuracy(connection, predictions.MODEL.schema)
    assert scores == prediction_accuracy.told(summed(here[0]))
    assert scores.overall.n == 5


async def test_groups(connection: AsyncConnection) -> None:
    for member in GROUP:
        found = await patient_groups.group(connection, patient_groups.MODEL.schema, 0, member)
        assert found == list(GROUP)


AUDIT = [
    audit_trail.Asked(group=GROUP),
    audit_trail.Asked(group=GROUP, limit=4),
    audit_trail.Asked(tags=("patient.registered",), limit=1),
    audit_trail.Asked(
        actor_id=LOG.events[0].actor_id,
        correlation_id=META.correlation_id,
        start=LOG.events[3].recorded_at,
        end=LOG.events[9].recorded_at,
    ),
]


@pytest.mark.parametrize("asked", AUDIT)
async def test_audit_trail(connection: AsyncConnection, asked: audit_trail.Asked) -> None:
    schema = audit_trail.MODEL.schema
    here = [LOG.rows(audit_trail.MODEL, member) for member in GROUP]
    page = await audit_trail.page(connection, schema, 0, asked)
    assert page.entries
    assert page == audit_trail.page_of(here, asked, 0)
    if page.next is not None:
        more = audit_trail.Asked(group=asked.group, tags=asked.tags, before=page.next)
        assert await audit_trail.page(connection, schema, 0, more) == audit_trail.page_of(here, more, 0)


async def test_last_change(connection: AsyncConnection) -> None:
    schema = audit_trail.MODEL.schema
    assert await audit_trail.last_change(connection, schema, 0, GROUP) == len(LOG.events)
    assert await audit_trail.last_change(connection, schema, 0, [LINE_ID]) == 0


async def test_statistics(connection: AsyncConnection) -> None:
    model = MODELS[-1]
    contributions = [row for member in GROUP for row in LOG.rows(model, member).all(CONTRIBUTION)]
    first, last = date(2025, 3, 1), date(2025, 12, 31)
    told = await statistics_view.between(connection, model.schema, first, last, "Asia/Tehran")
    sums = {(one.figure, one.dimension): (one.before, one.total) for one in told.figures}
    for (figure, dimension), (before, total) in sums.items():
        mine = [row for row in contributions if (row.figure, row.dimension) == (figure, dimension)]
        assert before == sum(row.n for row in mine if row.day < first)
        assert total == sum(row.n for row in mine if first <= row.day <= last)
    assert sums["patients.registered", ""] == (1, 0)
    assert sums["diagnoses.active_by_severity", "unknown"] == (1, 0)


async def test_the_app_may_read_and_nothing_else(connection: AsyncConnection) -> None:
    await connection.execute("SET ROLE tarikh_app")
    assert await diagnosis_view.by_patient(tables(connection, diagnoses.MODEL))
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        await connection.execute(f'DELETE FROM "{diagnoses.MODEL.schema}".diagnosis')
