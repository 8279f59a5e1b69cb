"""GroupWriter: whoever asks at once is stored at once, whole or not at all, and is told the truth."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from uuid import UUID

import psycopg
import pytest

from domain.patient import PatientDied, PatientErased
from infra.event_log import batch, writer
from infra.event_log.append import (
    Append,
    Appended,
    Claim,
    ClaimTaken,
    ClocksApart,
    Guard,
    GuardMoved,
    OutcomeUnknown,
    QueueFull,
    StorageUnavailable,
    SubjectErased,
    TimesRefused,
    VersionMoved,
)
from infra.event_log.arrays import Packed
from infra.event_log.sealing import Sealed, seal
from infra.event_log.writer import GroupWriter
from infra.ids import new_id
from infra.services import as_app
from tests.domain.spec import NOW
from tests.infra.writing import Urls, note, registered, vault, writing

LOCK = "SELECT pg_advisory_lock(7412, 0)"
"""What every append waits for: while a story holds it, a batch is on its way and not yet stored."""


@pytest.fixture(scope="module")
def urls(fresh_database_urls: Callable[[], Urls]) -> Urls:
    return fresh_database_urls()


@contextlib.contextmanager
def held(urls: Urls) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """The log's lock is another's; leaving lets the appends go on."""
    with psycopg.connect(urls[0], autocommit=True) as connection:
        connection.execute(LOCK)
        yield connection


async def in_the_call(connection: psycopg.Connection[tuple[object, ...]]) -> int:
    """Wait until an append waits for the lock; the process id of its backend."""
    query = """
        SELECT pid FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
        WHERE locktype = 'advisory' AND classid = 7412 AND NOT granted AND datname = current_database()
        """
    async with asyncio.timeout(20):
        while not (found := connection.execute(query).fetchone()):  # noqa: ASYNC110  a lock sets no event
            await asyncio.sleep(0)
    pid = found[0]
    assert isinstance(pid, int)
    return pid


async def versions(urls: Urls, stream: UUID) -> list[int]:
    """What is stored of a stream."""
    query = "SELECT originator_version FROM log.event WHERE originator_id = %s ORDER BY notification_id"
    async with await psycopg.AsyncConnection.connect(urls[0]) as connection:
        return [version for (version,) in await (await connection.execute(query, (stream,))).fetchall()]


@contextlib.contextmanager
def calls() -> Iterator[list[int]]:
    """How many requests each call of the append function carried."""
    sizes: list[int] = []
    original = batch.arguments

    def counting(requests: Sequence[Sealed]) -> tuple[Packed, ...]:
        if requests:
            sizes.append(len(requests))
        return original(requests)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "arguments", counting)
        yield sizes


async def test_who_asks_at_once_goes_in_one_call(urls: Urls) -> None:
    async with writing(urls) as (writer, reader):
        await writer.append(note(new_id()))
        streams = [new_id() for _ in range(50)]
        with calls() as sizes:
            answers = await asyncio.gather(*(writer.append(note(stream)) for stream in streams))
        assert sizes == [50]
        positions = [answer.first_position for answer in answers]
        assert positions == list(range(positions[0], positions[0] + 50))
        stored = await reader.between(positions[0], positions[-1])
        assert [recorded.stream_id for recorded in stored] == streams
        assert {recorded.event for recorded in stored} == {registered()}


async def test_requests_on_one_stream_go_in_turn(urls: Urls) -> None:
    stream = new_id()
    async with writing(urls) as (writer, _):
        await asyncio.gather(*(writer.append(note(stream, version)) for version in range(1, 8)))
    assert await versions(urls, stream) == list(range(1, 8))


async def test_of_two_for_the_same_place_one_wins(urls: Urls) -> None:
    stream = new_id()
    async with writing(urls) as (writer, _):
        answers = await asyncio.gather(
            *(writer.append(note(stream)) for _ in range(5)), return_exceptions=True
        )
    assert sum(isinstance(answer, Appended) for answer in answers) == 1
    assert sum(isinstance(answer, VersionMoved) for answer in answers) == 4
    assert await versions(urls, stream) == [1]


async def test_what_cannot_be_stored_fails_alone(urls: Urls) -> None:
    owner, erased, good, other = new_id(), new_id(), new_id(), new_id()
    number = str(owner)
    async with writing(urls) as (writer, _):
        await writer.append(note(owner, claims=(Claim("patient_no", number, owner),)))
        await writer.append(note(erased))
        await writer.append(note(erased, 2, event=PatientErased(occurred_at=NOW, legal_basis="GDPR.17")))
        answers = await asyncio.gather(
            writer.append(note(good)),
            writer.append(note(new_id(), claims=(Claim("patient_no", number, other),))),
            writer.append(note(erased, 3, event=PatientDied(occurred_at=NOW))),
            writer.append(note(new_id(), guards=(Guard(owner, 7),))),
            return_exceptions=True,
        )
    assert [type(answer) for answer in answers] == [Appended, ClaimTaken, SubjectErased, GuardMoved]
    assert await versions(urls, good) == [1]


async def test_what_breaks_the_call_fails_alone(urls: Urls) -> None:
    good, better = new_id(), new_id()
    broken = note(new_id(), version=2**70)
    async with writing(urls) as (writer, _):
        answers = await asyncio.gather(
            *(writer.append(request) for request in (note(good), broken, note(better))),
            return_exceptions=True,
        )
    assert [isinstance(answer, Appended) for answer in answers] == [True, False, True]
    assert await versions(urls, good) == await versions(urls, better) == [1]


async def test_an_event_that_cannot_be_written_down_is_its_authors_alone(urls: Urls) -> None:
    async with writing(urls) as (writer, _):
        with pytest.raises(UnicodeEncodeError):
            await writer.append(note(new_id(), event=registered("\ud800")))
        assert isinstance(await writer.append(note(new_id())), Appended)


async def test_a_resend_in_flight_joins_the_first(urls: Urls) -> None:
    stream, again = new_id(), new_id().bytes
    async with writing(urls) as (writer, _):
        first, second = await asyncio.gather(
            *(writer.append(note(stream, request_id=again)) for _ in range(2))
        )
        later = await writer.append(note(stream, request_id=again))
    assert (first.duplicate, second.duplicate, later.duplicate) == (False, True, True)
    assert first.first_position == second.first_position == later.first_position
    assert await versions(urls, stream) == [1]


async def test_a_full_queue_refuses_and_goes_on_when_there_is_room(urls: Urls) -> None:
    async with writing(urls, most_waiting=3) as (writer, _):
        with held(urls) as lock:
            first = asyncio.create_task(writer.append(note(new_id())))
            await in_the_call(lock)
            waiting = [asyncio.create_task(writer.append(note(new_id()))) for _ in range(3)]
            await asyncio.sleep(0)
            assert writer.waiting == 3
            with pytest.raises(QueueFull):
                await writer.append(note(new_id()))
        await asyncio.gather(first, *waiting)
        assert isinstance(await writer.append(note(new_id())), Appended)


async def test_a_caller_who_leaves_early_leaves_nothing(urls: Urls) -> None:
    stream = new_id()
    async with writing(urls) as (writer, _):
        with held(urls) as lock:
            first = asyncio.create_task(writer.append(note(new_id())))
            await in_the_call(lock)
            gone = asyncio.create_task(writer.append(note(stream)))
            await asyncio.sleep(0)
            gone.cancel()
        await first
    assert gone.cancelled()
    assert await versions(urls, stream) == []


async def test_a_caller_who_leaves_in_the_middle_leaves_the_whole(urls: Urls) -> None:
    stream = new_id()
    one = note(stream)
    whole = Append(events=one.events + note(stream, 2).events, request_id=one.request_id)
    async with writing(urls) as (writer, _):
        with held(urls) as lock:
            gone = asyncio.create_task(writer.append(whole))
            await in_the_call(lock)
            gone.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await gone
    assert await versions(urls, stream) == [1, 2]


async def test_who_joined_is_answered_though_the_first_left(urls: Urls) -> None:
    stream, again = new_id(), new_id().bytes
    async with writing(urls) as (writer, _):
        with held(urls) as lock:
            other = asyncio.create_task(writer.append(note(new_id())))
            await in_the_call(lock)
            first = asyncio.create_task(writer.append(note(stream, request_id=again)))
            second = asyncio.create_task(writer.append(note(stream, request_id=again)))
            await asyncio.sleep(0)
            first.cancel()
        await other
        assert isinstance(await second, Appended)
    assert await versions(urls, stream) == [1]


async def test_a_connection_killed_in_the_middle_loses_nothing_and_doubles_nothing(urls: Urls) -> None:
    streams = [new_id() for _ in range(20)]
    async with writing(urls) as (writer, _):
        with held(urls) as lock:
            answers = [asyncio.create_task(writer.append(note(stream))) for stream in streams]
            lock.execute("SELECT pg_terminate_backend(%s)", (await in_the_call(lock),))
        assert {answer.duplicate for answer in await asyncio.gather(*answers)} == {False}
    assert [await versions(urls, stream) for stream in streams] == [[1]] * 20


async def test_an_answer_lost_after_the_commit_is_found_by_the_request_id(urls: Urls) -> None:
    stream = new_id()
    async with writing(urls) as (writer, _):
        await writer.append(note(new_id()))
        connection = writer._connection
        assert connection is not None

        execute = connection.execute

        async def lost(query: str, arguments: Sequence[object], *, binary: bool) -> None:
            await execute(query, arguments, binary=binary)
            raise psycopg.OperationalError

        connection.execute = lost  # type: ignore[method-assign, assignment]  # the network, which is not ours
        answer = await writer.append(note(stream))
    assert answer.duplicate
    assert await versions(urls, stream) == [1]


@pytest.fixture
async def unreachable(urls: Urls) -> AsyncIterator[GroupWriter]:
    nowhere = "postgresql://nobody@127.0.0.1:1/nothing"
    async with vault(urls) as keys, GroupWriter(nowhere, keys, seconds_to_recover=0) as writer:
        yield writer


async def test_a_log_that_is_away_too_long_is_said_to_be(unreachable: GroupWriter) -> None:
    answers = await asyncio.gather(
        *(unreachable.append(note(new_id())) for _ in range(3)), return_exceptions=True
    )
    assert [type(answer) for answer in answers] == [StorageUnavailable] * 3


async def test_what_may_have_been_stored_is_called_unknown(urls: Urls) -> None:
    async with vault(urls) as keys, GroupWriter(as_app(urls[0]), keys, seconds_to_recover=0) as writer:
        with held(urls) as lock:
            answer = asyncio.create_task(writer.append(note(new_id())))
            lock.execute("SELECT pg_terminate_backend(%s)", (await in_the_call(lock),))
            writer._patience = -1
            with pytest.raises(OutcomeUnknown):
                await answer


async def test_what_was_taken_is_stored_before_the_writer_ends(urls: Urls) -> None:
    streams = [new_id() for _ in range(30)]
    async with writing(urls) as (writer, _):
        answers = [asyncio.create_task(writer.append(note(stream))) for stream in streams]
        await asyncio.sleep(0)
    assert all(answer.done() and isinstance(answer.result(), Appended) for answer in answers)
    with pytest.raises(QueueFull):
        await writer.append(note(new_id()))


async def test_a_clock_that_jumped_is_said_at_once(urls: Urls, monkeypatch: pytest.MonkeyPatch) -> None:
    class Jumped(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + timedelta(minutes=2)

    stream = new_id()
    async with writing(urls) as (writer, _):
        with monkeypatch.context() as patch:
            patch.setattr(batch, "datetime", Jumped)
            with pytest.raises(ClocksApart):
                await writer.append(note(stream))
        assert await versions(urls, stream) == []
        assert isinstance(await writer.append(note(stream)), Appended)


async def test_one_request_that_is_larger_than_a_call_goes_alone(urls: Urls) -> None:
    large, small = new_id(), new_id()
    died = PatientDied(occurred_at=NOW)
    many = (note(large), *(note(large, version, event=died) for version in range(2, writer.MOST_EVENTS + 5)))
    whole = Append(events=tuple(event for one in many for event in one.events), request_id=many[0].request_id)
    async with writing(urls) as (group, _):
        with calls() as sizes:
            await asyncio.gather(group.append(whole), group.append(note(small)))
    assert sizes == [1, 1]
    assert len(await versions(urls, large)) == writer.MOST_EVENTS + 4


async def test_a_call_carries_no_more_bytes_than_it_should(
    urls: Urls, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [note(new_id()) for _ in range(4)]
    async with writing(urls) as (group, _):
        keys = await group._vault.keys_for_writing([r.events[0].stream_id for r in requests])
        (one,) = seal(requests[:1], keys, b"")
        assert isinstance(one, Sealed)
        monkeypatch.setattr(writer, "MOST_BYTES", one.length * 2)
        with calls() as sizes:
            await asyncio.gather(*(group.append(request) for request in requests))
    assert sizes == [2, 2]


async def test_a_legacy_time_that_runs_ahead_is_refused_alone(
    fresh_database_urls: Callable[[], Urls],
) -> None:
    urls = fresh_database_urls()
    long_ago, ahead = NOW - timedelta(days=900), datetime.now(UTC) + timedelta(days=1)
    timed = [(note(new_id()), long_ago), (note(new_id()), ahead), (note(new_id()), long_ago)]
    async with vault(urls) as keys, GroupWriter(urls[0], keys, backfill=True) as writer:
        answers = await asyncio.gather(
            *(
                writer.append(
                    Append(events=request.events, request_id=request.request_id, recorded_at=recorded_at)
                )
                for request, recorded_at in timed
            ),
            return_exceptions=True,
        )
    assert [type(answer) for answer in answers] == [Appended, TimesRefused, Appended]
