"""The `eventsourcing` library's mapper for Tarikh's events: tags as topics, the codec's bytes as state."""

from collections.abc import Callable
from typing import cast
from uuid import UUID

import msgspec
from eventsourcing.domain import DomainEventProtocol
from eventsourcing.persistence import Cipher, Compressor, Mapper, StoredEvent, Transcoder

from domain.event import Event
from infra.event_log.codec import Address, DataKey, address, decode_event, encode_event
from infra.event_log.upcasters import current_schema


class Enveloped(msgspec.Struct, frozen=True):
    """An event and the place where it stands, under the names by which the library asks for it."""

    originator_id: UUID
    originator_version: int
    event: Event


KeyOf = Callable[[UUID], DataKey | None]
"""The data key for a stream: its patient's, or None where it has none."""


def keyless(_: UUID) -> None:
    """Give no key: enough for what is never sealed."""


class LibraryMapper(Mapper[UUID]):
    """Enveloped events to StoredEvents and back.

    The codec seals, so transcoder, compressor and cipher are taken and never used. The library knows no
    schema numbers: an event of an older one is `Unreadable` here, and read by `infra.event_log.reader`.
    """

    def __init__(
        self,
        transcoder: Transcoder,
        compressor: Compressor | None = None,
        cipher: Cipher | None = None,
        *,
        key_of: KeyOf = keyless,
    ) -> None:
        super().__init__(transcoder, compressor, cipher)
        self._key_of = key_of

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Encode and seal. Raise `Unreadable` when a personal event has no key."""
        enveloped = cast(Enveloped, domain_event)
        stream_id, version = enveloped.originator_id, enveloped.originator_version
        where = address(stream_id, version, enveloped.event)
        state = encode_event(enveloped.event, where, self._key_of(stream_id))
        return StoredEvent(stream_id, version, where.tag, state)

    def to_domain_event(self, stored_event: StoredEvent) -> Enveloped:
        """Open and decode. Raise `Unreadable`."""
        stream_id = cast(UUID, stored_event.originator_id)
        version, tag = stored_event.originator_version, stored_event.topic
        where = Address(stream_id, version, tag, current_schema(tag))
        event = decode_event(stored_event.state, where, self._key_of(stream_id))
        return Enveloped(stream_id, version, event)
