"""Many requests as one call of `log.append`: which may go together, how they are sent and answered."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from domain.catalog import UNSEALED, tag_of
from domain.patient import PatientErased
from infra.event_log.append import (
    Append,
    Appended,
    ClaimTaken,
    GuardMoved,
    SubjectErased,
    VersionMoved,
)
from infra.event_log.codec import DataKey, address, encode_event, encode_meta, encoded_length

Outcome = Appended | Exception

_ARRAYS = """%b::integer[], %b::uuid[], %b::bigint[], %b::text[], %b::smallint[], %b::uuid[], %b::uuid[],
    %b::uuid[], %b::bytea[], %b::bytea[], %b::integer[], %b::uuid[], %b::bigint[],
    %b::integer[], %b::bytea[], %b::boolean[], %b::uuid[]"""
APPEND = f"SELECT * FROM log.append(%b::integer, %b::timestamptz, %b::bytea[], {_ARRAYS})"
BACKFILL = f"SELECT * FROM log.backfill(%b::integer, %b::timestamptz[], %b::bytea[], {_ARRAYS})"


def independent(requests: Iterable[tuple[Append, int]], most_events: int, most_bytes: int) -> list[Append]:
    """The longest run of requests, first come, that may stand in one call: none touches what another writes.

    Each comes with its length in bytes. Requests that must wait are left out, and so is all behind them
    that touches the same. One that is too large for any call goes alone.
    """
    chosen: list[Append] = []
    written: set[object] = set()
    events = total = 0
    for request, bytes_long in requests:
        writes, reads = _touched(request)
        if written.isdisjoint(reads):
            events, total = events + len(request.events), total + bytes_long
            if chosen and (events > most_events or total > most_bytes):
                break
            chosen.append(request)
        written |= writes
    return chosen


def length(request: Append) -> int:
    """How many bytes a request's events take."""
    return sum(encoded_length(new.event) for new in request.events)


def _touched(request: Append) -> tuple[set[object], set[object]]:
    writes: set[object] = {event.stream_id for event in request.events}
    writes.update((claim.kind, claim.value) for claim in request.claims)
    writes.add(request.request_id)
    reads = writes | {guard.stream_id for guard in request.guards}
    for event in request.events:
        if event.subject_id is not None:
            reads.add(("subject", event.subject_id))
            if isinstance(event.event, PatientErased):
                writes.add(("subject", event.subject_id))
    return writes, reads


def subjects(requests: Iterable[Append]) -> set[UUID]:
    """Whose keys are needed to seal these requests."""
    return {
        event.subject_id
        for request in requests
        for event in request.events
        if event.subject_id is not None and tag_of(type(event.event)) not in UNSEALED
    }


def without_key(request: Append, keys: Collection[UUID]) -> SubjectErased | None:
    """Why a request cannot even be sealed: its patient's key was destroyed."""
    missing = subjects([request]) - set(keys)
    return SubjectErased(missing.pop()) if missing else None


def arguments(
    requests: Sequence[Append], keys: dict[UUID, DataKey], house_key: bytes, shard: int
) -> tuple[Any, ...]:
    """The arguments of APPEND, or of BACKFILL where the requests name their times."""
    events, guards, claims = _Columns(10), _Columns(3), _Columns(4)
    for number, request in enumerate(requests, 1):
        for new in request.events:
            where = address(new.stream_id, new.version, new.event)
            key = None if new.subject_id is None or where.tag in UNSEALED else keys[new.subject_id]
            events.add(
                number,
                new.stream_id,
                new.version,
                where.tag,
                where.schema,
                new.subject_id,
                new.actor_id,
                key.key_id if key else None,
                encode_event(new.event, where, key),
                encode_meta(new.meta, where, key),
            )
        for guard in request.guards:
            guards.add(number, guard.stream_id, guard.version)
        for claim in request.claims:
            claims.add(number, claim.digest(house_key), claim.take, claim.owner_id)
    clock: object = datetime.now(UTC)
    if requests[0].recorded_at is not None:
        clock = [request.recorded_at for request in requests]
    ids = [request.request_id for request in requests]
    return shard, clock, ids, *events.lists, *guards.lists, *claims.lists


class _Columns:
    """Rows given one by one, kept as the arrays of an `unnest`."""

    def __init__(self, width: int) -> None:
        self.lists: list[list[Any]] = [[] for _ in range(width)]

    def add(self, *values: object) -> None:
        for column, value in zip(self.lists, values, strict=True):
            column.append(value)


def outcomes(requests: Sequence[Append], answers: Iterable[tuple[Any, ...]]) -> list[Outcome]:
    """What became of each request, in their order."""
    claims = [claim for request in requests for claim in request.claims]
    by_number = {number: rest for number, *rest in answers}
    return [_outcome(claims, *by_number[number]) for number in range(1, len(requests) + 1)]


def _outcome(
    claims: Sequence[Any], outcome: str, position: int, recorded_at: datetime | None, culprit: str
) -> Outcome:
    match outcome:
        case "appended":
            return Appended(first_position=position, recorded_at=recorded_at)
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
