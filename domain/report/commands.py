"""What may be asked of a report, and what the house must know to answer."""

from uuid import UUID

import msgspec

from domain.event import Command, Facts
from domain.report.events import Format, Recurrence, Span, Subject


class DefineReport(Command, frozen=True, kw_only=True):
    report_on: Subject
    span: Span
    formats: tuple[Format, ...]


class ReportDetails(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """What is to be otherwise; what is not named stays."""

    report_on: Subject | msgspec.UnsetType = msgspec.UNSET
    span: Span | msgspec.UnsetType = msgspec.UNSET
    formats: tuple[Format, ...] | msgspec.UnsetType = msgspec.UNSET


class ReviseReport(Command, frozen=True, kw_only=True):
    changes: ReportDetails


class ArchiveReport(Command, frozen=True, kw_only=True):
    """Its schedules end with it."""


class ScheduleReport(Command, frozen=True, kw_only=True):
    """`recipients` are accounts; the id of the schedule is told by the report."""

    recurrence: Recurrence
    recipients: tuple[UUID, ...]
    schedule_id: UUID | None = None


class ChangeSchedule(Command, frozen=True, kw_only=True):
    schedule_id: UUID
    recurrence: Recurrence
    recipients: tuple[UUID, ...]


class PauseSchedule(Command, frozen=True, kw_only=True):
    schedule_id: UUID


class ResumeSchedule(Command, frozen=True, kw_only=True):
    schedule_id: UUID


class CancelSchedule(Command, frozen=True, kw_only=True):
    schedule_id: UUID


ReportCommand = (
    DefineReport
    | ReviseReport
    | ArchiveReport
    | ScheduleReport
    | ChangeSchedule
    | PauseSchedule
    | ResumeSchedule
    | CancelSchedule
)


class ReportFacts(Facts, frozen=True, kw_only=True):
    """`strangers` are the recipients that are no account, or none that is in use."""

    zone_known: bool = True
    strangers: frozenset[UUID] = frozenset()
