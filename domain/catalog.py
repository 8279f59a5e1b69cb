"""Every event type there is, by its stored tag."""

from typing import get_args

from domain.account import AccountEvent
from domain.diagnosis import DiagnosisEvent
from domain.event import Event
from domain.feedback import FeedbackEvent
from domain.patient import PatientErased, PatientEvent
from domain.prediction import PredictionEvent
from domain.recommendation import RecommendationEvent
from domain.report import ReportEvent

UNIONS = {
    "patient": PatientEvent,
    "diagnosis": DiagnosisEvent,
    "recommendation": RecommendationEvent,
    "feedback": FeedbackEvent,
    "prediction": PredictionEvent,
    "account": AccountEvent,
    "report": ReportEvent,
}
"""The union of each category's events; a tag's first word is its category."""


def tag_of(event_type: type[Event]) -> str:
    """The short stable name under which a type is stored."""
    return str(event_type.__struct_config__.tag)


EVENTS: dict[str, type[Event]] = {
    tag_of(event_type): event_type for union in UNIONS.values() for event_type in get_args(union)
}

UNSEALED = frozenset(tag_of(t) for t in (PatientErased, *get_args(AccountEvent), *get_args(ReportEvent)))
"""Tags that hold nothing personal and are therefore never sealed. The only such list."""
