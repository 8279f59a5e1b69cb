"""An event in its envelope, as the log gives it back."""

from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from domain.event import Event, Locale, Origin, Role

E = TypeVar("E", bound=Event)


class RequestMark(msgspec.Struct, frozen=True, kw_only=True):
    """On the first event of a request: the digest of its body and how many events it made."""

    digest: str
    events: int


class Meta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sealed half of the envelope: who, how and why it came in."""

    role: Role
    origin: Origin
    correlation_id: UUID
    on_behalf_of: UUID | None = None
    causation_id: UUID | None = None
    locale: Locale = "fa"
    request: RequestMark | None = None


class Recorded(msgspec.Struct, Generic[E], frozen=True, kw_only=True):
    """One stored event; `event` and `meta` are None where the seal of an erased patient cannot be opened.

    `unreadable` says why they are None of a patient whom nobody erased; only a lenient reader goes on then.
    """

    shard: int
    position: int
    stream_id: UUID
    version: int
    tag: str
    schema: int
    recorded_at: datetime
    subject_id: UUID | None
    actor_id: UUID
    meta: Meta | None
    event: E | None
    leaf_hash: bytes = b""
    unreadable: Exception | None = None
