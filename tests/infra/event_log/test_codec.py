"""Events to bytes and back: what went in comes out, and only in its own place and under its own key."""

from dataclasses import dataclass

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.catalog import EVENTS, UNSEALED
from domain.errors import Rejected
from domain.event import Event
from domain.patient import PatientRegistered
from domain.recorded import Meta
from infra.event_log.codec import (
    Address,
    DataKey,
    Unreadable,
    address,
    decode_event,
    decode_meta,
    encode_event,
    encode_meta,
    storable,
)
from infra.event_log.upcasters import upcast
from tests.domain.spec import NOW, an_id
from tests.domain.strategies import anything
from tests.golden.samples import full

KEY = DataKey(an_id(1), AESGCM(bytes(range(32))))
OTHER_KEY = DataKey(an_id(1), AESGCM(bytes(32)))
PERSONAL = sorted(set(EVENTS) - UNSEALED)
META = full(Meta)

anything_that_happens = st.sampled_from(sorted(EVENTS)).flatmap(lambda tag: anything(EVENTS[tag]))


@settings(deadline=None, max_examples=200)
@given(anything_that_happens)
def test_what_went_in_comes_out(event: Event) -> None:
    where = address(an_id(2), 3, event)
    stored = encode_event(event, where, KEY)
    again = decode_event(stored, where, KEY)
    assert type(again) is type(event)
    assert msgspec.json.encode(again) == msgspec.json.encode(event)
    assert len(stored) - len(msgspec.json.encode(event)) in {0, 28}


@settings(deadline=None)
@given(anything(Meta))
def test_so_does_the_envelope(meta: Meta) -> None:
    where = Address(an_id(2), 3, "patient.registered", 1)
    assert decode_meta(encode_meta(meta, where, KEY), where, KEY) == meta


@dataclass(frozen=True)
class Moved:
    """A place that is not quite where the event was stored."""

    name: str
    stream: int = 2
    version: int = 3
    tag: str = "patient.registered"
    schema: int = 1


@pytest.mark.parametrize(
    "moved",
    [
        Moved("another stream", stream=4),
        Moved("another version", version=4),
        Moved("another tag", tag="patient.died"),
        Moved("another schema", schema=2),
    ],
    ids=lambda moved: moved.name,
)
def test_bytes_that_were_moved_do_not_open(moved: Moved) -> None:
    event = full(EVENTS["patient.registered"])
    stored = encode_event(event, address(an_id(2), 3, event), KEY)
    elsewhere = Address(an_id(moved.stream), moved.version, moved.tag, moved.schema)
    with pytest.raises(Unreadable):
        decode_event(stored, elsewhere, KEY)


@pytest.mark.parametrize("tag", PERSONAL)
def test_a_personal_event_is_closed_to_everybody_without_its_key(tag: str) -> None:
    event = full(EVENTS[tag])
    where = address(an_id(2), 3, event)
    stored = encode_event(event, where, KEY)
    for key in (None, OTHER_KEY):
        with pytest.raises(Unreadable):
            decode_event(stored, where, key)
    with pytest.raises(Unreadable):
        encode_event(event, where, None)


@given(st.integers(0, 40), st.integers(1, 255))
def test_one_changed_byte_is_noticed(place: int, difference: int) -> None:
    event = full(EVENTS["patient.registered"])
    where = address(an_id(2), 3, event)
    stored = bytearray(encode_event(event, where, KEY))
    stored[place] ^= difference
    with pytest.raises(Unreadable):
        decode_event(bytes(stored), where, KEY)


def test_an_event_and_its_envelope_cannot_change_places() -> None:
    where = Address(an_id(2), 3, "patient.registered", 1)
    with pytest.raises(Unreadable):
        decode_event(encode_meta(META, where, KEY), where, KEY)


@pytest.mark.parametrize("tag", sorted(UNSEALED))
def test_what_is_never_sealed_needs_no_key(tag: str) -> None:
    event = full(EVENTS[tag])
    where = address(an_id(2), 3, event)
    assert decode_event(encode_event(event, where, None), where, None) == event
    assert decode_meta(encode_meta(META, where, None), where, None) == META


def test_nothing_personal_goes_unsealed() -> None:
    """An event without a seal holds codes, ids, times and flags, and no words."""
    allowed = {"occurred_at", "precision", "legal_basis", "roles", "role", "patient_id", "locale"}
    allowed |= {"report_on", "span", "formats", "changes", "schedule_id", "recurrence", "recipients"}
    for tag in UNSEALED:
        assert {field.name for field in msgspec.structs.fields(EVENTS[tag])} <= allowed


def test_bytes_too_short_for_a_seal_are_unreadable() -> None:
    where = Address(an_id(2), 3, "patient.registered", 1)
    for stored in (b"", b"short", bytes(12), bytes(20)):
        with pytest.raises(Unreadable):
            decode_event(stored, where, KEY)


def test_a_tag_of_a_later_release_is_unreadable() -> None:
    where = Address(an_id(2), 3, "patient.cloned", 1)
    stored = bytes(12) + KEY.cipher.encrypt(bytes(12), b"{}", where.bound(b"s"))
    with pytest.raises(Unreadable):
        decode_event(stored, where, KEY)


def test_a_shape_is_brought_up_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = (lambda shape: {**shape, "two": True}, lambda shape: {**shape, "three": "two" in shape})
    monkeypatch.setattr("infra.event_log.upcasters.UPCASTERS", {"a.tag": steps})
    assert upcast("a.tag", 1, {}) == {"two": True, "three": True}
    assert upcast("a.tag", 2, {}) == {"three": False}
    assert upcast("a.tag", 3, {}) == {}
    assert upcast("another.tag", 1, {}) == {}


def test_a_nul_is_refused_and_a_backslash_is_not() -> None:
    for text in ("a\0b", "\\\0"):
        with pytest.raises(Rejected, match=r"text\.nul"):
            storable(_named(text))
    assert b"u0000" in storable(_named("a\\u0000b"))


def _named(name: str) -> Event:
    return PatientRegistered(occurred_at=NOW, patient_no="1", name=name)
