"""Many sealed requests as one call of `log.append`: which may go together, how they are sent and answered."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any
from uuid import UUID

import msgspec

from infra.event_log import arrays
from infra.event_log.append import Append, Appended, ClaimTaken, GuardMoved, SubjectErased, VersionMoved
from infra.event_log.arrays import Packed, packed
from infra.event_log.sealing import Elements, Sealed

Outcome = Appended | Exception

_ARRAYS = """%b::integer[], %b::uuid[], %b::bigint[], %b::text[], %b::smallint[], %b::uuid[], %b::uuid[],
    %b::uuid[], %b::bytea[], %b::bytea[], %b::integer[], %b::uuid[], %b::bigint[],
    %b::integer[], %b::bytea[], %b::boolean[], %b::uuid[]"""
APPEND = f"SELECT * FROM log.append(%b::integer, %b::timestamptz, %b::bytea[], {_ARRAYS})"
BACKFILL = f"SELECT * FROM log.backfill(%b::integer, %b::timestamptz[], %b::bytea[], {_ARRAYS})"

_EVENT = (
    arrays.UUID_,
    arrays.BIGINT,
    arrays.TEXT,
    arrays.SMALLINT,
    arrays.UUID_,
    arrays.UUID_,
    arrays.UUID_,
    arrays.BYTEA,
    arrays.BYTEA,
)
_GUARD = (arrays.UUID_, arrays.BIGINT)
_CLAIM = (arrays.BYTEA, arrays.BOOLEAN, arrays.UUID_)


class Limits(msgspec.Struct, frozen=True):
    """How much one call carries at most."""

    requests: int
    events: int
    bytes: int


def independent(requests: Iterable[Sealed], limits: Limits) -> list[Sealed]:
    """The longest run of requests, first come, that may stand in one call: none touches what another writes.

    Requests that must wait are left out, and so is all behind them that touches the same. One that is too
    large for any call goes alone.
    """
    chosen: list[Sealed] = []
    written: set[bytes] = set()
    events = total = 0
    for request in requests:
        if written.isdisjoint(request.writes) and written.isdisjoint(request.reads):
            events, total = events + len(request.events), total + request.length
            if chosen and (events > limits.events or total > limits.bytes):
                break
            chosen.append(request)
            if len(chosen) >= limits.requests:
                break
        written.update(request.writes)
    return chosen


def arguments(requests: Sequence[Sealed]) -> tuple[Packed, ...]:
    """The arguments of APPEND and BACKFILL from the ids of the requests on."""
    ids = packed(arrays.BYTEA, [arrays.of_bytes(sealed.request.request_id) for sealed in requests])
    events = _columns([sealed.events for sealed in requests], _EVENT)
    guards = _columns([sealed.guards for sealed in requests], _GUARD)
    claims = _columns([sealed.claims for sealed in requests], _CLAIM)
    return ids, *events, *guards, *claims


def _columns(rows: Sequence[Sequence[Elements]], oids: Sequence[int]) -> list[Packed]:
    """The rows of each request as columns; the first says of which request each row is, counted from 1."""
    numbers = [arrays.of_integer(number) for number, of_one in enumerate(rows, 1) for _ in range(len(of_one))]
    columns = zip(*chain.from_iterable(rows), strict=True) if numbers else [()] * len(oids)
    return [
        packed(arrays.INTEGER, numbers),
        *(packed(oid, column) for oid, column in zip(oids, columns, strict=True)),
    ]


def clock(requests: Sequence[Append]) -> datetime | list[datetime | None]:
    """What the function is told of time: what this clock says, or in a backfill the time of each request."""
    if requests[0].recorded_at is None:
        return datetime.now(UTC)
    return [request.recorded_at for request in requests]


def outcomes(requests: Sequence[Append], answers: Iterable[tuple[Any, ...]]) -> list[Outcome]:
    """What became of each request, in their order: one row is of all that were stored, one of each other."""
    claims = [claim for request in requests for claim in request.claims]
    lost = {number: rest for number, *rest in answers}
    _, position, now, _ = lost.pop(0, (None, 0, None, None))
    found: list[Outcome] = []
    for number, request in enumerate(requests, 1):
        if number in lost:
            found.append(_lost(claims, *lost[number]))
        else:
            found.append(Appended(first_position=position, recorded_at=request.recorded_at or now))
            position += len(request.events)
    return found


def last_position(requests: Sequence[Append], outcomes: Sequence[Outcome]) -> int:
    """The last that is taken by any of these, 0 where none is."""
    for request, outcome in zip(reversed(requests), reversed(outcomes), strict=True):
        if isinstance(outcome, Appended) and not outcome.duplicate:
            return outcome.first_position + len(request.events) - 1
    return 0


def _lost(claims: Sequence[Any], outcome: str, position: int, _: None, culprit: str) -> Outcome:
    match outcome:
        case "duplicate":
            return Appended(first_position=position, recorded_at=None, duplicate=True)
        case "erased":
            return SubjectErased(UUID(culprit))
        case "version":
            return VersionMoved(UUID(culprit))
        case "guard":
            return GuardMoved(UUID(culprit))
        case "claim":
            return ClaimTaken(claims[int(culprit) - 1].kind)
        case _:
            raise AssertionError(outcome)
