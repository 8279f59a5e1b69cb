"""Requests made ready for the log ahead of the call: encoded, sealed under the keys of their patients."""

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from uuid import UUID

import msgspec

from domain.catalog import UNSEALED, tag_of
from domain.patient import PatientErased
from infra.event_log import arrays
from infra.event_log.append import Append, NewEvent, SubjectErased
from infra.event_log.codec import NONCE_BYTES, DataKey, address, encode_event, encode_meta

Elements = tuple[bytes, ...]
"""One row of the arrays of a call, in the order of its columns."""
STREAM, SUBJECT, STATE = 0, 4, 7
"""Where these stand in the row of an event."""

NOISE_BYTES = 2 * NONCE_BYTES
"""Of chance for each event: state and meta are sealed apart."""


class Sealed(msgspec.Struct, frozen=True):
    """A request as it is sent.

    `writes` names what others of its call may not touch, `reads` what they may not write.
    """

    request: Append
    events: Sequence[Elements]
    guards: Sequence[Elements]
    claims: Sequence[Elements]
    writes: Sequence[bytes]
    reads: Sequence[bytes]
    length: int
    """In bytes, of its events' payloads."""


def subjects(requests: Iterable[Append]) -> set[UUID]:
    """Whose keys are needed to seal these requests."""
    return {
        event.subject_id
        for request in requests
        for event in request.events
        if event.subject_id is not None and tag_of(type(event.event)) not in UNSEALED
    }


def seal(
    requests: Sequence[Append], keys: Mapping[UUID, DataKey], house_key: bytes
) -> list[Sealed | Exception]:
    """Each request ready to send, or why it never will be: its author's fault, or a key destroyed."""
    noise = os.urandom(NOISE_BYTES * sum(len(request.events) for request in requests))
    ready: list[Sealed | Exception] = []
    start = 0
    for request in requests:
        end = start + NOISE_BYTES * len(request.events)
        try:
            ready.append(sealed(request, keys, house_key, noise[start:end]))
        except Exception as error:  # noqa: BLE001  whatever is wrong with one, the others go on
            ready.append(error)
        start = end
    return ready


def sealed(request: Append, keys: Mapping[UUID, DataKey], house_key: bytes, noise: bytes = b"") -> Sealed:
    """One request ready to send; `noise` is NOISE_BYTES for each event, or nothing: then it is drawn here.

    Raises SubjectErased where the key was destroyed, and what encoding raises.
    """
    events: list[Elements] = []
    writes, reads, length = [request.request_id], [], 0
    for number, new in enumerate(request.events):
        row = _event(new, keys, noise[number * NOISE_BYTES : (number + 1) * NOISE_BYTES])
        events.append(row)
        writes.append(row[STREAM])
        length += len(row[STATE])
        if new.subject_id is not None:
            subject = b"subject" + row[SUBJECT]
            reads.append(subject)
            if isinstance(new.event, PatientErased):
                writes.append(subject)
    guards = [(arrays.of_uuid(g.stream_id), arrays.of_bigint(g.version)) for g in request.guards]
    claims = [
        (arrays.of_bytes(c.digest(house_key)), arrays.of_boolean(c.take), arrays.of_uuid(c.owner_id))
        for c in request.claims
    ]
    reads += [stream for stream, _ in guards]
    writes += [digest for digest, *_ in claims]
    return Sealed(request, events, guards, claims, writes, reads, length)


def _event(new: NewEvent, keys: Mapping[UUID, DataKey], noise: bytes) -> Elements:
    """Stream, version, topic, schema, subject, actor, key, state, meta."""
    where = address(new.stream_id, new.version, new.event)
    key = None
    if new.subject_id is not None and where.tag not in UNSEALED:
        key = keys.get(new.subject_id)
        if key is None:
            raise SubjectErased(new.subject_id)
    return (
        arrays.of_uuid(new.stream_id),
        arrays.of_bigint(new.version),
        _topic(where.tag),
        arrays.of_smallint(where.schema),
        arrays.of_uuid(new.subject_id),
        arrays.of_uuid(new.actor_id),
        arrays.of_uuid(key.key_id if key else None),
        arrays.of_bytes(encode_event(new.event, where, key, noise[:NONCE_BYTES])),
        arrays.of_bytes(encode_meta(new.meta, where, key, noise[NONCE_BYTES:])),
    )


@cache
def _topic(tag: str) -> bytes:
    return arrays.of_bytes(tag.encode())
