"""A command with everything that is known about who sent it, and what it is answered with."""

from typing import Literal
from uuid import UUID

import msgspec

from domain.account import InviteAccount
from domain.diagnosis import RecordDiagnosis
from domain.event import Actor, Command, Locale, Origin
from domain.feedback import SubmitFeedback
from domain.patient import RegisterPatient
from domain.prediction import MakePrediction
from domain.recommendation import IssueRecommendation
from domain.report import DefineReport
from infra.event_log.append import request_id

BEGINNING = frozenset(
    {
        RegisterPatient,
        RecordDiagnosis,
        IssueRecommendation,
        SubmitFeedback,
        MakePrediction,
        InviteAccount,
        DefineReport,
    }
)
"""The commands that begin a stream."""


class RequestKey(msgspec.Struct, frozen=True):
    """What makes a resend known: an Idempotency-Key, a device's event id, a resource's identity, a cause."""

    kind: Literal["idempotency", "device", "import", "reaction"]
    key: str


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """A command and its circumstances.

    `target_id` is the stream that it is for, or what a new stream belongs to: the patient of a diagnosis, the
    diagnosis of a recommendation, the recommendation of a feedback or a prediction; None for a new patient.
    """

    command: Command
    target_id: UUID | None
    actor: Actor
    origin: Origin
    correlation_id: UUID
    causation_id: UUID | None = None
    locale: Locale = "fa"
    key: RequestKey | None = None
    digest: str = ""
    expected_version: int | None = None

    @property
    def begins_stream(self) -> bool:
        """Whether what comes of it is not the target's, but a stream of its own."""
        return type(self.command) in BEGINNING

    @property
    def request_id(self) -> bytes | None:
        """The id under which its first event is stored, where the sender gave a key."""
        if self.key is None:
            return None
        return request_id(self.actor.account_id, self.key.kind, self.key.key)


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a command is answered with: `version` and `position` are those of its last event."""

    id: UUID
    version: int
    position: int
    recommendation_version: int | None = None
    created: bool = False
