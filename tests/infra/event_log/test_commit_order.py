"""Positions are dense and in commit order, however many write; who dies in the middle holds nothing."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest

from tests.infra.event_log.calls import (
    APPEND,
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
)

LOCK = "SELECT pg_advisory_lock(7412, 0)"
LOCKS = """
    SELECT count(*) FROM pg_locks
    WHERE locktype = 'advisory' AND classid = 7412
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
WAITING, HELD = f"{LOCKS} AND NOT granted", f"{LOCKS} AND granted"
WRITERS, CALLS = 8, 25
PATIENCE = 30


def until(true: Callable[[], bool]) -> None:
    """Ask again and again; every question is a round trip to the server."""
    done = threading.Event()
    timer = threading.Timer(PATIENCE, done.set)
    timer.start()
    while not true():
        assert not done.is_set()
    timer.cancel()


@contextmanager
def queue_held(log_url: str) -> Iterator[None]:
    """Nobody gets the log's lock as long as the block lasts."""
    with connected(log_url) as connection:
        connection.execute(LOCK)
        yield


def test_a_tailing_reader_sees_every_position_in_order(log_url: str, app: Connection) -> None:
    def write(number: int) -> None:
        with connected(log_url, "tarikh_app") as connection:
            for call in range(CALLS):
                lost = Request([Event(uuid4(), 9)])
                streams = new(1 + (number + call) % 4)
                assert outcomes(append(connection, of(*streams), lost, of(uuid4())))[1] == "version"

    def tail(writers: threading.Event) -> list[object]:
        seen: list[object] = []
        with connected(log_url, "tarikh_projector") as connection:
            while True:
                finished = writers.is_set()
                rows = connection.execute(
                    "SELECT notification_id FROM log.event WHERE notification_id > %s ORDER BY 1",
                    (len(seen),),
                ).fetchall()
                seen += [position for (position,) in rows]
                if finished and not rows:
                    return seen

    written = threading.Event()
    with ThreadPoolExecutor(WRITERS + 2) as pool:
        readers = [pool.submit(tail, written) for _ in range(2)]
        try:
            list(pool.map(write, range(WRITERS)))
        finally:
            written.set()
    everything = list(range(1, len(positions(app)) + 1))
    assert positions(app) == everything
    assert [reader.result() for reader in readers] == [everything] * 2
    assert head(app) == len(everything)
    assert one(
        app,
        "SELECT bool_and(recorded_at >= before) FROM (SELECT recorded_at,"
        " lag(recorded_at) OVER (ORDER BY notification_id) AS before FROM log.event) AS t",
    )


def test_of_two_that_want_one_version_one_gets_it(log_url: str, app: Connection) -> None:
    stream = uuid4()

    def write(_: int) -> str:
        with connected(log_url, "tarikh_app") as connection:
            return append(connection, Request([Event(stream, 1)]))[0].outcome

    with ThreadPoolExecutor(WRITERS) as pool, queue_held(log_url):
        racing = [pool.submit(write, number) for number in range(WRITERS)]
        until(lambda: one(app, WAITING) == WRITERS)
    assert sorted(race.result() for race in racing) == ["appended"] + ["version"] * (WRITERS - 1)
    assert head(app) == 1


def test_who_waits_decides_on_what_was_stored_meanwhile(log_url: str, app: Connection) -> None:
    """The snapshot in which a call decides is younger than the lock, not than the call."""
    a, b = new(2)

    def write() -> str:
        with connected(log_url, "tarikh_app") as connection:
            return append(connection, Request([Event(b)], guards=[(a, 0)]))[0].outcome

    with ThreadPoolExecutor(1) as pool, connected(log_url) as first:
        first.execute("BEGIN")
        append(first, of(a))
        waiting = pool.submit(write)
        until(lambda: one(app, WAITING) == 1)
        first.execute("COMMIT")
        assert waiting.result() == "guard"


def cancelled(_: Connection, call: Connection) -> None:
    call.cancel_safe()


def terminated(owner: Connection, call: Connection) -> None:
    owner.execute("SELECT pg_terminate_backend(%s)", (call.info.backend_pid,))


@pytest.mark.parametrize("ended", [cancelled, terminated])
def test_a_call_that_is_ended_while_it_waits_leaves_and_holds_nothing(
    log_url: str, app: Connection, owner: Connection, ended: Callable[[Connection, Connection], None]
) -> None:
    stream = uuid4()
    with queue_held(log_url), connected(log_url, "tarikh_app") as lost, ThreadPoolExecutor(1) as pool:
        call = pool.submit(append, lost, of(stream))
        until(lambda: one(app, WAITING) == 1)
        ended(owner, lost)
        assert isinstance(call.exception(), psycopg.OperationalError)
        until(lambda: one(app, WAITING) == 0)
    until(lambda: one(app, HELD) == 0)
    assert positions(app) == []
    assert outcomes(append(app, of(stream))) == ["appended"]


def test_a_client_that_died_while_its_call_waited_holds_nothing(log_url: str, app: Connection) -> None:
    """The server learns of it too late to stop: it is stored whole, nobody waits, and a resend finds it."""
    stream, bystander = new(2)
    request = Request([Event(stream, version) for version in (1, 2, 3)], b"id")
    with queue_held(log_url):
        lost = psycopg.connect(log_url, autocommit=True, options="-c role=tarikh_app")
        call = psycopg.ClientCursor(lost).mogrify(APPEND, (0, datetime.now(UTC), *arrays([request])))
        lost.pgconn.send_query(call.encode())
        until(lambda: one(app, WAITING) == 1)
        lost.close()
        assert one(app, WAITING) == 1
    assert outcomes(append(app, of(bystander))) == ["appended"]
    (again,) = append(app, request)
    assert (again.outcome, again.position) == ("duplicate", 1)
    assert positions(app) == [1, 2, 3, 4]
    until(lambda: one(app, HELD) == 0)
