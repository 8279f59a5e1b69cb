"""The contract of `log.append`: whole or not at all, dense, in commit order, guarded, claimed, once."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest

from tests.infra.event_log.calls import (
    APPEND,
    CLOCKS_APART,
    NO_SUCH_SHARD,
    Claim,
    Connection,
    Event,
    Request,
    append,
    arrays,
    connected,
    head,
    new,
    of,
    one,
    outcomes,
    positions,
    refused,
)


def test_requests_of_one_call_are_stored_in_their_order(app: Connection) -> None:
    a, b, c = new(3)
    answers = append(app, Request([Event(a, 1), Event(a, 2)]), of(b), of(c))
    assert outcomes(answers) == ["appended"] * 3
    assert [answer.position for answer in answers] == [1, 3, 4]
    assert positions(app) == [1, 2, 3, 4]
    assert head(app) == 4


def test_an_empty_call_stores_nothing(app: Connection) -> None:
    assert append(app) == []
    assert head(app) == 0


def test_one_request_may_write_several_streams(app: Connection) -> None:
    a, b = new(2)
    request = Request([Event(a, 1), Event(b, 1), Event(a, 2), Event(b, 2)])
    assert outcomes(append(app, request)) == ["appended"]
    stored = app.execute("SELECT originator_id, originator_version FROM log.event ORDER BY notification_id")
    assert stored.fetchall() == [(a, 1), (b, 1), (a, 2), (b, 2)]


def test_a_stream_goes_on_at_its_next_version_only(app: Connection) -> None:
    (a,) = new(1)
    append(app, Request([Event(a, 1), Event(a, 2)]))
    for versions in [(0,), (1,), (2,), (4,), (3, 5), (3, 3), (4, 3)]:
        answers = append(app, Request([Event(a, version) for version in versions]))
        assert [(answer.outcome, answer.culprit) for answer in answers] == [("version", str(a))]
    assert head(app) == 2


def test_a_stream_begins_at_version_one(app: Connection) -> None:
    for version in (-1, 0, 2):
        assert outcomes(append(app, Request([Event(uuid4(), version)]))) == ["version"]


def test_a_request_that_loses_one_of_its_streams_leaves_nothing_of_it(app: Connection) -> None:
    a, b, c, d = new(4)
    append(app, of(b))
    answers = append(app, of(a), Request([Event(c), Event(b, 1)], claims=[Claim(b"no", c)]), of(d))
    assert outcomes(answers) == ["appended", "version", "appended"]
    assert [answer.position for answer in answers] == [2, None, 3]
    assert positions(app) == [1, 2, 3]
    assert one(app, "SELECT count(*) FROM log.event WHERE originator_id = %s", c) == 0
    assert one(app, "SELECT count(*) FROM log.claim") == 0


def test_a_guard_holds_while_its_stream_stands_still(app: Connection) -> None:
    a, b, c = new(3)
    append(app, of(a))
    assert outcomes(append(app, Request([Event(b)], guards=[(a, 1)]))) == ["appended"]
    moved = append(app, Request([Event(c)], guards=[(b, 1), (a, 2)]))
    assert [(answer.outcome, answer.culprit) for answer in moved] == [("guard", str(a))]


def test_a_guard_at_zero_means_that_the_stream_must_not_exist(app: Connection) -> None:
    a, b, c = new(3)
    assert outcomes(append(app, Request([Event(b)], guards=[(a, 0)]))) == ["appended"]
    append(app, of(a))
    assert outcomes(append(app, Request([Event(c)], guards=[(a, 0)]))) == ["guard"]


def test_a_request_may_guard_what_a_later_one_writes(app: Connection) -> None:
    a, b = new(2)
    answers = append(app, Request([Event(b)], guards=[(a, 0)]), of(a))
    assert outcomes(answers) == ["appended", "appended"]


def test_a_claim_is_held_by_one_stream_until_released(app: Connection) -> None:
    a, b, c = new(3)
    take = Request([Event(a)], claims=[Claim(b"number", a)])
    assert outcomes(append(app, take)) == ["appended"]
    lost = append(app, Request([Event(b)], claims=[Claim(b"other", b), Claim(b"number", b)]))
    assert [(answer.outcome, answer.culprit) for answer in lost] == [("claim", "2")]
    assert one(app, "SELECT count(*) FROM log.claim") == 1
    append(app, Request([Event(a, 2)], claims=[Claim(b"number", a, take=False)]))
    assert outcomes(append(app, Request([Event(c)], claims=[Claim(b"number", c)]))) == ["appended"]


def test_what_lost_a_claim_is_not_stored_later_by_a_copy_that_was_stuck(
    app: Connection, owner: Connection
) -> None:
    """Its sender was told that nothing was stored, and meanwhile the claim became free."""
    a, b = new(2)
    append(app, Request([Event(a)], claims=[Claim(b"number", a)]))
    refused_once = Request([Event(b)], b"once", claims=[Claim(b"number", b)])
    assert outcomes(append(app, refused_once)) == ["claim"]
    append(app, Request([Event(a, 2)], claims=[Claim(b"number", a, take=False)]))
    assert [(one.outcome, one.culprit) for one in append(app, refused_once)] == [("claim", "1")]
    assert head(app) == 2
    assert outcomes(append(app, Request([Event(b)], b"anew", claims=[Claim(b"number", b)]))) == ["appended"]
    append(app, Request([Event(b, 2)], claims=[Claim(b"number", b, take=False)]))
    owner.execute("UPDATE log.refused SET refused_at = refused_at - interval '4 minutes'")
    later = Request([Event(b, 3)], b"once", claims=[Claim(b"number", b)])
    assert outcomes(append(app, later)) == ["appended"], "no copy is on its way any more"


def test_taking_what_one_holds_changes_nothing(app: Connection) -> None:
    (a,) = new(1)
    append(app, Request([Event(a)], claims=[Claim(b"number", a)]))
    again = Request([Event(a, 2)], claims=[Claim(b"number", a), Claim(b"number", a)])
    assert outcomes(append(app, again)) == ["appended"]
    assert one(app, "SELECT owner_id FROM log.claim") == a


def test_only_the_holder_releases_a_claim(app: Connection) -> None:
    a, b = new(2)
    append(app, Request([Event(a)], claims=[Claim(b"number", a)]))
    append(app, Request([Event(b)], claims=[Claim(b"number", b, take=False)]))
    assert one(app, "SELECT owner_id FROM log.claim") == a


def test_a_claim_number_counts_over_the_whole_call(app: Connection) -> None:
    a, b, c = new(3)
    append(app, Request([Event(a)], claims=[Claim(b"taken", a)]))
    first = Request([Event(b)], claims=[Claim(b"x", b), Claim(b"y", b)])
    answers = append(app, first, Request([Event(c)], claims=[Claim(b"taken", c)]))
    assert [(answer.outcome, answer.culprit) for answer in answers] == [("appended", None), ("claim", "3")]


def test_a_resend_is_answered_with_the_first_position(app: Connection) -> None:
    a, b = new(2)
    append(app, of(b))
    first = Request([Event(a, 1), Event(a, 2)], b"id")
    assert outcomes(append(app, first)) == ["appended"]
    (again,) = append(app, first)
    assert (again.outcome, again.position) == ("duplicate", 2)
    assert head(app) == 3


def test_a_resend_of_an_erased_patient_is_still_a_resend(app: Connection) -> None:
    (a,) = new(1)
    append(app, Request([Event(a, 1, subject=a)], b"id"))
    append(app, Request([Event(a, 2, "patient.erased", subject=a)]))
    assert outcomes(append(app, Request([Event(a, 1, subject=a)], b"id"))) == ["duplicate"]


def test_only_the_first_event_of_a_request_carries_its_id(app: Connection) -> None:
    (a,) = new(1)
    append(app, Request([Event(a, 1), Event(a, 2)], b"id"), of(*new(1)))
    rows = app.execute("SELECT request_id FROM log.event ORDER BY notification_id").fetchall()
    assert rows == [(b"id",), (None,), (None,)]


def test_nothing_is_stored_for_an_erased_subject(app: Connection) -> None:
    a, b, c = new(3)
    append(app, Request([Event(a, subject=a)], claims=[Claim(b"number", a)]))
    append(app, Request([Event(a, 2, "patient.erased", subject=a)]))
    answers = append(app, Request([Event(b, subject=a)]), Request([Event(c, subject=c)]))
    assert [(answer.outcome, answer.culprit) for answer in answers] == [
        ("erased", str(a)),
        ("appended", None),
    ]
    assert one(app, "SELECT position FROM log.erased WHERE subject_id = %s", a) == 2
    assert one(app, "SELECT count(*) FROM log.claim") == 0


def test_what_comes_first_in_rank_is_the_answer(app: Connection) -> None:
    a, b = new(2)
    append(app, Request([Event(a)], claims=[Claim(b"number", a)]))
    lost = Request([Event(b, 7)], guards=[(a, 9)], claims=[Claim(b"number", b)])
    assert outcomes(append(app, lost)) == ["version"]


def test_a_clock_more_than_a_minute_away_is_refused(app: Connection) -> None:
    for seconds in (-61, 61):
        with refused(CLOCKS_APART):
            append(app, of(*new(1)), clock=datetime.now(UTC) + timedelta(seconds=seconds))
    assert head(app) == 0
    for seconds in (-50, 50):
        append(app, of(*new(1)), clock=datetime.now(UTC) + timedelta(seconds=seconds))
    assert head(app) == 2


def test_a_caller_without_a_clock_is_refused(app: Connection) -> None:
    with refused(CLOCKS_APART):
        app.execute(APPEND, (0, None, *arrays([of(*new(1))])))


def test_recorded_at_never_runs_backwards_and_is_one_for_a_call(app: Connection, owner: Connection) -> None:
    ahead = datetime.now(UTC) + timedelta(seconds=30)
    owner.execute("UPDATE log.head SET recorded_at = %s", (ahead,))
    answers = append(app, *(of(stream) for stream in new(3)))
    assert {answer.recorded_at for answer in answers} == {ahead}


def test_a_clock_that_jumped_ahead_does_not_freeze_time(app: Connection, owner: Connection) -> None:
    owner.execute("UPDATE log.head SET recorded_at = now() + interval '1 day'")
    with refused(CLOCKS_APART):
        append(app, of(*new(1)))


def test_a_shard_that_is_not_there_is_refused(app: Connection) -> None:
    with refused(NO_SUCH_SHARD):
        append(app, of(*new(1)), shard=1)


def test_whoever_listens_hears_the_new_head(log_url: str, app: Connection) -> None:
    with connected(log_url, "tarikh_projector") as listener:
        listener.execute("LISTEN tarikh_log")
        append(app, of(*new(3)))
        append(app, Request([Event(uuid4(), 9)]))
        append(app, of(*new(2)))
        heard = [notice.payload for notice in listener.notifies(timeout=10, stop_after=2)]
    assert heard == ["0:3", "0:5"]


def test_a_snapshot_taken_before_the_lock_is_refused_not_believed(log_url: str, app: Connection) -> None:
    a, b, c = new(3)
    append(app, of(a))
    with connected(log_url, "tarikh_app") as old:
        old.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        assert head(old) == 1
        append(app, Request([Event(a, 2)]), of(b))
        with pytest.raises((psycopg.errors.SerializationFailure, psycopg.errors.UniqueViolation)):
            append(old, Request([Event(c)], guards=[(a, 1)]))
        old.execute("ROLLBACK")
    assert positions(app) == [1, 2, 3]
