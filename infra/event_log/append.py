"""What an append asks for and what it answers: requests, and how each of them ended."""

import hashlib
import hmac
from datetime import datetime
from uuid import UUID

import msgspec

from domain.event import Event
from domain.recorded import Meta


class NewEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event and the place where it is to stand: `version` is one more than the expected version."""

    stream_id: UUID
    version: int
    subject_id: UUID | None
    actor_id: UUID | None
    event: Event
    meta: Meta


class Guard(msgspec.Struct, frozen=True):
    """Another stream that must still be at this version (0: must not exist)."""

    stream_id: UUID
    version: int


class Claim(msgspec.Struct, frozen=True):
    """A unique value to take for its owner, or to release; only its keyed digest is stored."""

    kind: str
    value: str
    owner_id: UUID
    take: bool = True

    def digest(self, house_key: bytes) -> bytes:
        """HMAC-SHA-256 of kind and value: what the log keeps."""
        return hmac.digest(house_key, f"{self.kind}\0{self.value}".encode(), "sha256")


class Append(msgspec.Struct, frozen=True, kw_only=True):
    """One request: stored whole or not at all. `recorded_at` is for backfill only."""

    events: tuple[NewEvent, ...]
    request_id: bytes
    guards: tuple[Guard, ...] = ()
    claims: tuple[Claim, ...] = ()
    recorded_at: datetime | None = None


class Appended(msgspec.Struct, frozen=True, kw_only=True):
    """It is stored, now or (`duplicate`) by an earlier request of the same id. Positions are consecutive."""

    first_position: int
    recorded_at: datetime | None
    duplicate: bool = False


class VersionMoved(Exception):
    """A stream has moved since it was read; `stream_id` says which."""

    def __init__(self, stream_id: UUID) -> None:
        super().__init__(str(stream_id))
        self.stream_id = stream_id


class GuardMoved(VersionMoved):
    """A guarded stream has moved since it was read."""


class ClaimTaken(Exception):
    """Another stream holds the value; `kind` says which one, never the value."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class SubjectErased(Exception):
    """Nothing is recorded for this patient any more."""

    def __init__(self, subject_id: UUID) -> None:
        super().__init__(str(subject_id))
        self.subject_id = subject_id


class StorageUnavailable(Exception):
    """The log cannot be reached, or its queue is full; nothing was or will be stored."""


class QueueFull(StorageUnavailable):
    """More appends are waiting than the writer takes."""


class ClocksApart(StorageUnavailable):
    """This machine's clock and the log's stand more than a minute apart; nothing was stored."""


class TimesRefused(Exception):
    """A backfill's time runs backwards, or ahead of the clock."""


class OutcomeUnknown(Exception):
    """The connection was lost in the middle and did not come back: a resend of the same request tells."""


def request_id(account_id: UUID, kind: str, key: str) -> bytes:
    """The id of a request: SHA-256 over (account, kind of key, key)."""
    return hashlib.sha256(b"%b\0%b\0%b" % (account_id.bytes, kind.encode(), key.encode())).digest()
