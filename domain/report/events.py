"""What is to be reported, to whom and when: codes, ids and times, and no words."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from domain.event import Change, Fact, Locale, Value

Subject = Literal["statistics", "change_reasons", "effectiveness", "cohorts", "prediction_accuracy"]
Span = Literal["day", "week", "month", "quarter", "year"]
Format = Literal["xlsx", "csv", "pdf"]
Cadence = Literal["daily", "weekly", "monthly"]
Weekday = Literal["saturday", "sunday", "monday", "tuesday", "wednesday", "thursday", "friday"]
Hour = Annotated[int, msgspec.Meta(ge=0, le=23)]
DayOfMonth = Annotated[int, msgspec.Meta(ge=1, le=28)]
ZoneName = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Recurrence(Value, frozen=True, kw_only=True, omit_defaults=True):
    """At an hour of a zone's clock: every day, on a day of the week, or on one that every month has."""

    cadence: Cadence
    hour: Hour
    weekday: Weekday | None = None
    day_of_month: DayOfMonth | None = None
    time_zone: ZoneName
    locale: Locale


class ReportDefined(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="report.defined"):
    """`span` is how much of the past it tells, to the moment when it is run."""

    report_on: Subject
    span: Span
    formats: tuple[Format, ...]


class ReportRevised(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="report.revised"):
    changes: dict[str, Change]


class ReportArchived(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="report.archived"):
    pass


class ReportScheduled(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="report.scheduled"):
    schedule_id: UUID
    recurrence: Recurrence
    recipients: tuple[UUID, ...]


class ReportScheduleChanged(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="report.schedule_changed"
):
    schedule_id: UUID
    recurrence: Recurrence
    recipients: tuple[UUID, ...]


class ReportSchedulePaused(Fact, frozen=True, kw_only=True, omit_defaults=True, tag="report.schedule_paused"):
    schedule_id: UUID


class ReportScheduleResumed(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="report.schedule_resumed"
):
    schedule_id: UUID


class ReportScheduleCancelled(
    Fact, frozen=True, kw_only=True, omit_defaults=True, tag="report.schedule_cancelled"
):
    schedule_id: UUID


ReportEvent = (
    ReportDefined
    | ReportRevised
    | ReportArchived
    | ReportScheduled
    | ReportScheduleChanged
    | ReportSchedulePaused
    | ReportScheduleResumed
    | ReportScheduleCancelled
)
