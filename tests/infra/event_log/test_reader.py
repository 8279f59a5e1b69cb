"""Reading the log: by stream, patient, position, request and time, opened, and closed where a key is gone."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from domain.patient import PatientDied, PatientErased
from infra.event_log.codec import Unreadable
from infra.event_log.reader import NOBODY, Reader
from infra.event_log.writer import GroupWriter
from infra.ids import new_id
from tests.domain.spec import NOW
from tests.infra import writing
from tests.infra.writing import META, Urls, note, registered

Log = tuple[GroupWriter, Reader]
died = PatientDied(occurred_at=NOW)


@pytest.fixture(scope="module")
def urls(fresh_database_urls: Callable[[], Urls]) -> Urls:
    return fresh_database_urls()


@pytest.fixture
async def log(urls: Urls) -> AsyncIterator[Log]:
    async with writing.writing(urls) as opened:
        yield opened


async def test_an_event_comes_back_in_its_envelope(log: Log) -> None:
    writer, reader = log
    stream = new_id()
    answer = await writer.append(note(stream))
    (recorded,) = await reader.stream(stream)
    assert (recorded.event, recorded.meta) == (registered(), META)
    assert (recorded.stream_id, recorded.version, recorded.subject_id) == (stream, 1, stream)
    assert (recorded.tag, recorded.schema, recorded.shard) == ("patient.registered", 1, 0)
    assert (recorded.position, recorded.recorded_at) == (answer.first_position, answer.recorded_at)
    assert (recorded.actor_id, len(recorded.leaf_hash)) == (writing.ACTOR, 32)
    assert recorded.actor_id != NOBODY


async def test_streams_come_in_the_order_of_the_log(log: Log) -> None:
    writer, reader = log
    one, other = new_id(), new_id()
    for request in (note(one), note(other), note(one, 2, event=died)):
        await writer.append(request)
    places = [(recorded.stream_id, recorded.version) for recorded in await reader.streams([other, one])]
    assert places == [(one, 1), (other, 1), (one, 2)]
    assert await reader.stream(new_id()) == []
    assert await reader.subject_of(one) == one
    assert await reader.subject_of(new_id()) is None


async def test_a_patient_is_read_up_to_a_position_and_by_tag(log: Log) -> None:
    writer, reader = log
    patient = new_id()
    first = await writer.append(note(patient))
    last = await writer.append(note(patient, 2, event=died))
    assert [r.version for r in await reader.by_subject([patient])] == [1, 2]
    assert [r.version for r in await reader.by_subject([patient], until=first.first_position)] == [1]
    assert [r.version for r in await reader.by_subject([patient], tags=["patient.died"])] == [2]
    assert await reader.last_change([patient]) == last.first_position
    assert await reader.last_change([patient], first.first_position) == first.first_position
    assert await reader.last_change([new_id()]) == 0


async def test_positions_are_read_in_pages_without_a_gap(log: Log) -> None:
    writer, reader = log
    start = (await reader.head()).position
    for _ in range(5):
        await writer.append(note(new_id()))
    positions = list(range(start + 1, start + 6))
    assert [r.position for r in await reader.after(start, 3)] == positions[:3]
    assert [r.position for r in await reader.after(positions[2], 99)] == positions[3:]
    assert [r.position for r in await reader.between(positions[1], positions[3])] == positions[1:4]
    assert [r.position for r in await reader.at([positions[4], positions[0]])] == [positions[0], positions[4]]
    assert (await reader.head()).position == positions[-1]
    assert await reader.after(positions[-1], 10) == []


async def test_a_request_is_found_by_its_id(log: Log) -> None:
    writer, reader = log
    known, unknown = new_id().bytes, new_id().bytes
    answer = await writer.append(note(new_id(), request_id=known))
    assert await reader.by_requests([known, unknown]) == {known: answer.first_position}


async def test_a_time_is_one_position(log: Log) -> None:
    writer, reader = log
    first = await writer.append(note(new_id()))
    second = await writer.append(note(new_id()))
    assert first.recorded_at is not None
    assert second.recorded_at is not None
    assert await reader.position_at(first.recorded_at) == first.first_position
    just_before = second.recorded_at - timedelta(microseconds=1)
    assert await reader.position_at(just_before) == first.first_position
    assert await reader.position_at(datetime.now(UTC) + timedelta(days=1)) == second.first_position
    assert await reader.position_at(NOW - timedelta(days=10_000)) == 0


async def test_the_erased_stay_closed_and_the_rest_opens(log: Log) -> None:
    writer, reader = log
    patient, other = new_id(), new_id()
    await writer.append(note(patient))
    await writer.append(note(patient, 2, event=PatientErased(occurred_at=NOW, legal_basis="GDPR.17")))
    await writer.append(note(other))
    await reader._vault.destroy([patient])
    first, erasure = await reader.stream(patient)
    assert (first.event, first.meta) == (None, None)
    assert (first.tag, first.position, len(first.leaf_hash)) == (
        "patient.registered",
        erasure.position - 1,
        32,
    )
    assert isinstance(erasure.event, PatientErased)
    assert (await reader.stream(other))[0].event == registered()
    assert patient in await reader.erased()
    assert other not in await reader.erased()


async def test_a_changed_payload_is_said_to_be_unreadable(log: Log, urls: Urls) -> None:
    writer, reader = log
    patient = new_id()
    await writer.append(note(patient))
    async with writing.pool(urls[0]) as owner, owner.connection() as connection, connection.transaction():
        await connection.execute("ALTER TABLE log.event DISABLE TRIGGER append_only")
        await connection.execute(
            "UPDATE log.event SET state = state || '\\x00'::bytea WHERE originator_id = %s", (patient,)
        )
        await connection.execute("ALTER TABLE log.event ENABLE TRIGGER append_only")
    with pytest.raises(Unreadable):
        await reader.stream(patient)
