"""A command with everything that is known about who sent it, and what it is answered with."""

from typing import Literal
from uuid import UUID

import msgspec

from domain.event import Actor, Command, Locale, Origin
from infra.event_log.append import request_id


class RequestKey(msgspec.Struct, frozen=True):
    """What makes a resend recognisable: an Idempotency-Key, a device's event id, an import's resource identity."""

    kind: Literal["idempotency", "device", "import"]
    key: str


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """`target_id` is the stream that the command is for, or what a new stream belongs to: the patient of a diagnosis,
    the diagnosis of a recommendation, the recommendation of a feedback; None for a new patient.
    """

    command: Command
    target_id: UUID | None
    actor: Actor
    origin: Origin
    correlation_id: UUID
    locale: Locale = "fa"
    key: RequestKey | None = None
    digest: str = ""
    expected_version: int | None = None

    @property
    def request_id(self) -> bytes | None:
        """The id under which its first event is stored, where the sender gave a key."""
        return self.key and request_id(self.actor.account_id, self.key.kind, self.key.key)


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a command is answered with: `version` and `position` are those of its last event."""

    id: UUID
    version: int
    position: int
    recommendation_version: int | None = None
    created: bool = False
