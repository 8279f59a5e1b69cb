"""Calls of `log.append` that are refused whole: misfits, and requests that depend on one another."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import psycopg
import pytest

from tests.infra.event_log.calls import (
    APPEND,
    DEPENDENT,
    MALFORMED,
    Claim,
    Connection,
    Event,
    Request,
    append,
    arrays,
    head,
    new,
    of,
    one,
    refused,
)


def test_requests_that_depend_on_one_another_are_refused_whole(app: Connection) -> None:
    a, b = new(2)
    erased = Request([Event(a, topic="patient.erased", subject=a)])
    take, release = Claim(b"d", b), Claim(b"d", a, take=False)
    for first, second in [
        (of(a), Request([Event(a, 2)])),
        (of(a), Request([Event(b)], guards=[(a, 1)])),
        (of(a, request_id=b"id"), of(b, request_id=b"id")),
        (of(a, request_id=b"id"), of(a, request_id=b"id")),
        (erased, Request([Event(b, subject=a)])),
        (Request([Event(a)], claims=[Claim(b"d", a)]), Request([Event(b)], claims=[take])),
        (Request([Event(a)], claims=[release]), Request([Event(b)], claims=[take])),
    ]:
        with refused(DEPENDENT):
            append(app, of(*new(1)), first, second)
    assert head(app) == 0


def test_a_lost_request_does_not_carry_another_on_its_stream(app: Connection) -> None:
    a, b = new(2)
    append(app, Request([Event(b)], claims=[Claim(b"taken", b)]))
    with refused(DEPENDENT):
        append(app, Request([Event(a, 1)], claims=[Claim(b"taken", a)]), Request([Event(a, 2)]))
    assert one(app, "SELECT count(*) FROM log.event WHERE originator_id = %s", a) == 0


def test_two_owners_may_not_take_one_digest_in_one_request(app: Connection) -> None:
    a, b = new(2)
    with refused(DEPENDENT):
        append(app, Request([Event(a), Event(b)], claims=[Claim(b"d", a), Claim(b"d", b)]))


E_REQUEST, E_STREAM, E_SUBJECT, G_REQUEST, C_REQUEST, C_TAKE = 1, 2, 6, 11, 14, 16


MISFITS: Sequence[tuple[int, Sequence[object]]] = [
    (E_REQUEST, [1, 1, None]),
    (E_REQUEST, [1, 2, 1]),
    (E_REQUEST, [2, 1, 1]),
    (E_REQUEST, [0, 1, 2]),
    (E_REQUEST, [1, 2, 3]),
    (E_REQUEST, [1, 1, 1]),
    (E_REQUEST, [1, 2]),
    (E_STREAM, new(4)),
    (E_SUBJECT, new(2)),
    (G_REQUEST, [3]),
    (G_REQUEST, [0]),
    (G_REQUEST, [None]),
    (G_REQUEST, [1, 2]),
    (C_REQUEST, [3]),
    (C_REQUEST, [None]),
    (C_TAKE, [None]),
    (C_TAKE, []),
]


def test_a_malformed_call_is_refused_whole(app: Connection) -> None:
    a, b, c, d = new(4)
    first = Request([Event(a), Event(b)], guards=[(d, 0)])
    good = list(arrays([first, Request([Event(c)], claims=[Claim(b"d", c)])]))
    for place, value in MISFITS:
        with refused(MALFORMED):
            app.execute(APPEND, (0, datetime.now(UTC), *good[:place], value, *good[place + 1 :]))
    assert head(app) == 0
    app.execute(APPEND, (0, datetime.now(UTC), *good))
    assert head(app) == 3


def test_a_request_without_events_is_refused_whole(app: Connection) -> None:
    (a,) = new(1)
    with refused(MALFORMED):
        append(app, of(a), Request([], claims=[Claim(b"d", a)]))
    assert one(app, "SELECT count(*) FROM log.claim") == 0


def test_an_event_without_bytes_is_refused_whole(app: Connection) -> None:
    with pytest.raises(psycopg.errors.NotNullViolation):
        append(app, of(*new(1)), Request([Event(uuid4(), state=None)]))
    assert head(app) == 0
