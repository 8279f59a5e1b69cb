"""The past is shown by the code that shows the present: what was live then is what is told of then."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from psycopg import AsyncConnection

from domain.errors import Rejected
from domain.event import Correction
from infra.past import Moment, end_of_day, start_of_day
from infra.projector.table import TableStore
from infra.replaying import moment_of, replay
from infra.services import Services
from projections.model import ReadModel, Rows
from projections.timeline_words import Words
from tests.infra.house import House, Urls
from tests.infra.tales import Teller

TEHRAN = ZoneInfo("Asia/Tehran")
Placed = dict[tuple[str, Any], Any]


@pytest.fixture(scope="module")
def house(fresh_database_urls: Callable[[], Urls], tmp_path_factory: pytest.TempPathFactory) -> House:
    """One for all these stories, each of which has patients of its own."""
    return House(fresh_database_urls(), tmp_path_factory.mktemp("past"))


def placed(model: ReadModel, rows: Rows) -> Placed:
    return {(table.name, table.key_of(row)): row for table in model.tables for row in rows.all(table)}


async def live(house: House, model: ReadModel, patient: UUID) -> Placed:
    """A patient's rows as the tables hold them now."""
    rows = {patient: Rows()}
    async with await AsyncConnection.connect(house.servers.database_url) as connection:
        for table in model.tables:
            await TableStore(model.schema, table).load_all(connection, 0, [patient], rows)
    return placed(model, rows[patient])


async def then(services: Services, model: ReadModel, patient: UUID, moment: Moment) -> Placed:
    (rows,) = await services.past.rows(model, [patient], moment)
    return placed(model, rows)


async def test_what_is_known_at_a_position_is_what_was_live_there(house: House) -> None:
    seen: dict[int, dict[tuple[str, UUID], Placed]] = {}
    async with house.opened() as services:
        teller = Teller(services, 7)
        for _ in range(3):
            await teller.tell(20)
            await house.catch_up()
            seen[(await services.reader.head()).position] = {
                (model.name, patient): await live(house, model, patient)
                for model in services.models.values()
                for patient in teller.patients
            }
        erased = await services.reader.erased()
        for position, found in seen.items():
            for (name, patient), rows in found.items():
                if patient not in erased:
                    told = await then(services, services.models[name], patient, Moment(position=position))
                    assert told == rows, (name, position)


async def test_what_is_known_now_and_about_all_time_is_the_present(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 3).tell(40)
        await house.catch_up()
        head = (await services.reader.head()).position
        far = datetime.now(UTC) + timedelta(days=10_000)
        for model in services.models.values():
            for patient in teller.patients:
                rows = await live(house, model, patient)
                assert await then(services, model, patient, Moment(position=head)) == rows
                if patient not in await services.reader.erased():
                    assert await then(services, model, patient, Moment(position=head, as_of=far)) == rows


async def test_what_was_asked_of_a_day_back_then_is_answered_the_same_when_that_time_is_named(
    house: House,
) -> None:
    began = datetime(2019, 1, 1, tzinfo=UTC)
    asked: dict[tuple[str, UUID, Moment], Placed] = {}
    async with house.opened() as services:
        teller = Teller(services, 11, since=began)
        for _ in range(3):
            await teller.tell(24)
            head = (await services.reader.head()).position
            for model in services.models.values():
                for patient in teller.patients:
                    for days in (30, 120, 400):
                        day = began + timedelta(days=days)
                        found = await then(services, model, patient, Moment(as_of=day))
                        asked[model.name, patient, Moment(head, day)] = found
        erased = await services.reader.erased()
        for (name, patient, moment), rows in asked.items():
            if patient not in erased:
                assert await then(services, services.models[name], patient, moment) == rows, (name, moment)
    assert any(asked.values())


async def test_a_correction_has_the_time_of_something_that_it_corrects(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 5, since=datetime(2019, 1, 1, tzinfo=UTC)).tell(90)
        events = await services.reader.by_subject(teller.patients)
        times: dict[UUID, set[datetime]] = {}
        corrections = 0
        for recorded in events:
            if recorded.event is not None:
                if isinstance(recorded.event, Correction):
                    corrections += 1
                    assert recorded.event.occurred_at in times[recorded.stream_id], recorded.tag
                times.setdefault(recorded.stream_id, set()).add(recorded.event.occurred_at)
        assert corrections


async def test_nothing_is_known_before_the_first_event(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 3).tell(3)
        for model in services.models.values():
            assert await then(services, model, teller.patients[0], Moment(position=0)) == {}
            past = Moment(as_of=datetime(1990, 1, 1, tzinfo=UTC))
            assert await then(services, model, teller.patients[0], past) == {}


async def test_a_merge_is_unknown_before_it_was_approved(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 3).tell(2)
        before = (await services.reader.head()).position
        await teller._merge()
        one, other = teller.patients
        assert await services.past.group(one, Moment()) == sorted([one, other])
        assert await services.past.group(other, Moment(position=before)) == [other]
        long_ago = Moment(as_of=datetime(1990, 1, 1, tzinfo=UTC))
        assert await services.past.group(one, long_ago) == sorted([one, other])


async def test_of_the_erased_the_past_is_gone_too(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 3).tell(2)
        patient = teller.patients[0]
        before = (await services.reader.head()).position
        timeline = services.models["patient_timeline"]
        assert await then(services, timeline, patient, Moment(position=before))
        await teller.erase(patient)
        assert await then(services, timeline, patient, Moment(position=before)) == {}


async def test_a_moment_is_a_position_or_a_time_and_a_day_or_a_time(house: House) -> None:
    async with house.opened() as services:
        await Teller(services, 3).tell(2)
        head = await services.reader.head()
        reader = services.reader
        assert await moment_of(reader, TEHRAN, None, None) == Moment()
        assert await moment_of(reader, TEHRAN, "3", None) == Moment(position=3)
        now = head.recorded_at.isoformat()
        assert await moment_of(reader, TEHRAN, now, None) == Moment(position=head.position)
        assert await moment_of(reader, TEHRAN, "2001-01-01", None) == Moment(position=0)
        day = Moment(as_of=datetime(2015, 1, 1, 20, 29, 59, 999999, tzinfo=UTC))
        assert await moment_of(reader, TEHRAN, None, "2015-01-01") == day
        past_the_head = (str(head.position + 1), None)
        for known_at, as_of in (
            ("yesterday", None),
            (None, "2015-13-01"),
            ("x", "y"),
            ("9" * 30, None),
            past_the_head,
        ):
            with pytest.raises(Rejected) as refused:
                await moment_of(reader, TEHRAN, known_at, as_of)
            assert {error.path for error in refused.value.errors} <= {"known_at", "as_of"}
            assert len(refused.value.errors) == (known_at is not None) + (as_of is not None)


async def test_a_replay_of_any_model_can_be_written_down(house: House) -> None:
    async with house.opened() as services:
        teller = await Teller(services, 3).tell(12)
        words = Words("en", "Asia/Tehran")
        for name in services.models:
            told = await replay(
                services.past, services.reader, services.models, teller.patients[0], Moment(), words, name
            )
            assert told.position
            assert told.items if name == "patient_timeline" else told.tables


def test_days_begin_and_end_in_the_zone() -> None:
    day = date(2026, 3, 21)
    assert start_of_day(day, TEHRAN) == datetime(2026, 3, 20, 20, 30, tzinfo=UTC)
    assert end_of_day(day, TEHRAN) - start_of_day(day, TEHRAN) == timedelta(days=1, microseconds=-1)
