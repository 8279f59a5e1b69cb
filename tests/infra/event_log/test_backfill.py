"""Backfill: the owner alone records at a legacy system's times, never ahead of now and never backwards."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.infra.event_log.calls import (
    BACKFILL,
    CLOCKS_APART,
    MALFORMED,
    RECORDED_AT_RUNS_WRONG,
    Connection,
    Event,
    Request,
    append,
    arrays,
    backfill,
    head,
    new,
    of,
    outcomes,
    refused,
)

LONG_AGO = datetime(2019, 3, 21, 8, tzinfo=UTC)


def later(**time: float) -> datetime:
    return LONG_AGO + timedelta(**time)


def times(connection: Connection) -> list[object]:
    """When each event was recorded, by position."""
    rows = connection.execute("SELECT recorded_at FROM log.event ORDER BY notification_id")
    return [time for (time,) in rows]


def test_each_request_has_its_own_time(owner: Connection) -> None:
    a, b = new(2)
    both = Request([Event(a, 1), Event(a, 2)])
    answers = backfill(owner, (LONG_AGO, both), (LONG_AGO, of(b)), (later(days=1), of(*new(1))))
    assert [answer.recorded_at for answer in answers] == [LONG_AGO, LONG_AGO, later(days=1)]
    assert times(owner) == [LONG_AGO, LONG_AGO, LONG_AGO, later(days=1)]


def test_the_app_may_not(app: Connection) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        backfill(app, (LONG_AGO, of(*new(1))))


def test_time_does_not_run_backwards(owner: Connection) -> None:
    backfill(owner, (LONG_AGO, of(*new(1))))
    with refused(RECORDED_AT_RUNS_WRONG):
        backfill(owner, (later(seconds=-1), of(*new(1))))
    with refused(RECORDED_AT_RUNS_WRONG):
        backfill(owner, (later(days=2), of(*new(1))), (later(days=1), of(*new(1))))
    assert outcomes(backfill(owner, (LONG_AGO, of(*new(1))))) == ["appended"]


def test_time_does_not_run_ahead_of_now(owner: Connection) -> None:
    with refused(RECORDED_AT_RUNS_WRONG):
        backfill(owner, (LONG_AGO, of(*new(1))), (datetime.now(UTC) + timedelta(seconds=9), of(*new(1))))
    assert head(owner) == 0


def test_what_is_recorded_now_closes_the_past(owner: Connection, app: Connection) -> None:
    backfill(owner, (LONG_AGO, of(*new(1))))
    append(app, of(*new(1)))
    with refused(RECORDED_AT_RUNS_WRONG):
        backfill(owner, (later(days=1), of(*new(1))))


def test_a_request_that_was_lost_does_not_move_time(owner: Connection) -> None:
    lost = Request([Event(new(1)[0], 7)])
    answers = backfill(owner, (LONG_AGO, of(*new(1))), (later(days=9), lost))
    assert outcomes(answers) == ["appended", "version"]
    assert outcomes(backfill(owner, (later(days=1), of(*new(1))))) == ["appended"]


def test_a_request_without_its_own_time_is_refused(owner: Connection) -> None:
    request = arrays([of(*new(1))])
    for times_given in ([None], [], [LONG_AGO, LONG_AGO]):
        with refused(MALFORMED):
            owner.execute(BACKFILL, (0, times_given, *request))
    with refused(CLOCKS_APART):
        owner.execute(BACKFILL, (0, None, *request))
    assert head(owner) == 0
