"""What every event carries: when it was true, and whether it states a new fact or corrects an old one."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

Precision = Literal["exact", "day", "unknown"]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=4000)]
ShortText = Annotated[str, msgspec.Meta(min_length=1, max_length=400)]
Code = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Confidence = Annotated[float, msgspec.Meta(ge=0, le=1)]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]
Locale = Literal["fa", "en", "ar"]


class Value(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A part of an event or a command that is equal by its content."""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Past tense, true for ever; `occurred_at` is clinical time (UTC), `precision` how well it is known."""

    occurred_at: Instant
    precision: Precision = "exact"


class Fact(Event, frozen=True, kw_only=True, omit_defaults=True):
    """Something that happened, with a time of its own."""


class Correction(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A better knowledge of something that happened: it takes the time of what it corrects."""


class Change(Value, frozen=True, kw_only=True, omit_defaults=False, rename={"before": "from", "after": "to"}):
    """One field's old and new value, as JSON values."""

    before: Any
    after: Any


class Coded(Value, frozen=True, kw_only=True, omit_defaults=True):
    """A concept: words always, a code of a terminology where one is known."""

    text: ShortText
    system: Code | None = None
    code: Code | None = None


class Narrative(Value, frozen=True, kw_only=True, omit_defaults=False):
    """Free words in one language."""

    text: Text
    lang: Locale = "fa"


EvidenceType = Literal[
    "feedback",
    "symptom_series",
    "finding",
    "assessment",
    "measurement",
    "prediction",
    "cohort_snapshot",
    "background",
    "consent",
    "catalogue",
    "literature",
    "event",
]


class EvidenceLink(Value, frozen=True, kw_only=True, omit_defaults=True):
    """What a decision rests on.

    `ref` is read by type: the id of a feedback, finding, assessment or prediction; a symptom, background or
    consent code; a position for `event`; a citation for `literature`; for `cohort_snapshot` what names its
    release and cell, ending in the number of patients, `n=12`.
    """

    type: EvidenceType
    ref: Code
    pinned_position: int | None = None
    relation: Literal["supports", "contradicts", "context"] = "supports"
    note: Text | None = None


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller asks for, exactly as the body of the request says it."""

    occurred_at: Instant | None = None
    precision: Precision = "exact"
    origin: "Origin | None" = None


Channel = Literal["mobile", "web", "api", "import", "engine", "scheduler"]
Method = Literal["practitioner", "self_report", "device", "model", "rule", "imported"]
Role = Literal["patient", "practitioner", "auditor", "admin", "service"]


class Origin(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Which way an event came in."""

    channel: Channel = "api"
    method: Method = "practitioner"
    device_id: Code | None = None
    client_event_id: Code | None = None
    captured_offline_at: Instant | None = None
    model_id: Code | None = None
    model_version: Code | None = None
    source_ref: Annotated[str, msgspec.Meta(max_length=400)] | None = None


class Actor(Value, frozen=True, kw_only=True, omit_defaults=True):
    """Who acts, in which role, and for whom where it is not for themselves."""

    account_id: UUID
    role: Role
    patient_id: UUID | None = None
    on_behalf_of: UUID | None = None


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the house knows and the caller cannot say: the time, who asks, and one fresh id.

    Aggregates extend it with what their rules need from other streams.
    """

    now: Instant
    actor: Actor
    origin: Origin
    new_id: UUID
    unresolved: frozenset[tuple[str, str]] = frozenset()
    """(type, ref) of the evidence that does not exist or is another patient's."""

    def minted(self, n: int) -> UUID:
        """The n-th id (0 is `new_id`) of this command: a uuid7 of the same shard, the same on every run."""
        return UUID(int=self.new_id.int + (n << 16))
