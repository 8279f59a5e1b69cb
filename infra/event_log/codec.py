"""Events to bytes and back: JSON by msgspec, sealed with AES-256-GCM under the patient's key."""

import os
import re
from functools import cache
from struct import Struct
from typing import Any
from uuid import UUID

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.catalog import EVENTS, UNSEALED
from domain.errors import Rejected
from domain.event import Event
from domain.recorded import Meta
from infra.event_log.upcasters import current_schema, upcast

NONCE_BYTES = 12
STATE = b"s"
META = b"m"
_numbers = Struct(">QH").pack

_encode = msgspec.json.Encoder().encode
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL as JSON writes it, and not a backslash followed by these letters."""
_meta_decoder = msgspec.json.Decoder(Meta)


class Unreadable(Exception):
    """Stored bytes that cannot be opened or decoded though their key is there: altered, or of the future."""


class DataKey(msgspec.Struct, frozen=True):
    """A patient's key, ready for use."""

    key_id: UUID
    cipher: AESGCM


class Address(msgspec.Struct, frozen=True):
    """Where an event stands: authenticated with its bytes, so that none can be moved to another place."""

    stream_id: UUID
    version: int
    tag: str
    schema: int

    def bound(self, part: bytes) -> bytes:
        """The additional data of the seal: part, stream, version, schema, tag."""
        place = self.stream_id.int.to_bytes(16, "big") + _numbers(self.version, self.schema)
        return part + place + self.tag.encode()


def address(stream_id: UUID, version: int, event: Event) -> Address:
    """Where a new event will stand."""
    tag = str(event.__struct_config__.tag)
    return Address(stream_id, version, tag, current_schema(tag))


def encode_event(event: Event, where: Address, key: DataKey | None, nonce: bytes | None = None) -> bytes:
    """The bytes to store; raises as `storable`, and Unreadable where a personal event has no key.

    `nonce` is fresh chance of NONCE_BYTES, for who draws that of many events at once.
    """
    return _sealed(storable(event), where, STATE, key, nonce)


def storable(event: Event) -> bytes:
    """The event in JSON. Raises Rejected where a text holds a NUL: no table could ever take it."""
    encoded = _encode(event)
    if b"u0000" in encoded and _NUL.search(encoded):
        raise Rejected("text.nul")
    return encoded


def encode_meta(meta: Meta, where: Address, key: DataKey | None, nonce: bytes | None = None) -> bytes:
    """The sealed half of the envelope, as bytes; `nonce` as above."""
    return _sealed(_encode(meta), where, META, key, nonce)


def decode_event(stored: bytes, where: Address, key: DataKey | None) -> Event:
    """The event of these bytes, in today's shape. Raises Unreadable."""
    opened = _opened(stored, where, STATE, key)
    try:
        if where.schema == current_schema(where.tag):
            return _decoder(where.tag).decode(opened)
        shape: dict[str, Any] = msgspec.json.decode(opened)
        return msgspec.convert(upcast(where.tag, where.schema, shape), EVENTS[where.tag])
    except (msgspec.MsgspecError, KeyError) as error:
        raise Unreadable(f"{where.tag} at version {where.version} of {where.stream_id}") from error


def decode_meta(stored: bytes, where: Address, key: DataKey | None) -> Meta:
    """The sealed half of the envelope. Raises Unreadable."""
    try:
        return _meta_decoder.decode(_opened(stored, where, META, key))
    except msgspec.MsgspecError as error:
        raise Unreadable(f"meta of {where.tag} at version {where.version} of {where.stream_id}") from error


@cache
def _decoder(tag: str) -> msgspec.json.Decoder[Event]:
    return msgspec.json.Decoder(EVENTS[tag])


def _sealed(plain: bytes, where: Address, part: bytes, key: DataKey | None, nonce: bytes | None) -> bytes:
    if where.tag in UNSEALED:
        return plain
    if key is None:
        raise Unreadable(f"{where.tag} is personal and has no key")
    nonce = nonce or os.urandom(NONCE_BYTES)
    return nonce + key.cipher.encrypt(nonce, plain, where.bound(part))


def _opened(stored: bytes, where: Address, part: bytes, key: DataKey | None) -> bytes:
    if where.tag in UNSEALED:
        return stored
    if key is None:
        raise Unreadable(f"{where.tag} is sealed and its key was not given")
    try:
        return key.cipher.decrypt(stored[:NONCE_BYTES], stored[NONCE_BYTES:], where.bound(part))
    except (InvalidTag, ValueError) as error:  # a ValueError says that it is too short for a seal
        raise Unreadable(f"{where.tag} at version {where.version} of {where.stream_id}") from error
