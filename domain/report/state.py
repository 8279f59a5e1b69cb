"""What deciding needs to know of a report, and how each event changes it."""

from datetime import datetime
from typing import assert_never
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.changes import changed
from domain.errors import NotFound, Rejected
from domain.report.events import (
    Format,
    Recurrence,
    ReportArchived,
    ReportDefined,
    ReportEvent,
    ReportRevised,
    ReportScheduleCancelled,
    ReportScheduleChanged,
    ReportScheduled,
    ReportSchedulePaused,
    ReportScheduleResumed,
    Span,
    Subject,
)


class Definition(msgspec.Struct, frozen=True, kw_only=True):
    report_on: Subject
    span: Span
    formats: tuple[Format, ...]


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    recurrence: Recurrence
    recipients: tuple[UUID, ...]
    paused: bool = False


class MissingReport(msgspec.Struct, frozen=True):
    pass


class DefinedReport(msgspec.Struct, frozen=True, kw_only=True):
    """`since` is the last change of anything."""

    definition: Definition
    since: datetime
    schedules: dict[UUID, Schedule] = {}


class ArchivedReport(msgspec.Struct, frozen=True):
    pass


ReportState = MissingReport | DefinedReport | ArchivedReport
INITIAL: ReportState = MissingReport()


def defined(state: ReportState) -> DefinedReport:
    """A report that is in use; raises NotFound, or Rejected for an archived one."""
    match state:
        case MissingReport():
            raise NotFound("not_found")
        case ArchivedReport():
            raise Rejected("report.archived")
        case DefinedReport():
            return state
        case _:
            assert_never(state)


def evolve(state: ReportState, event: ReportEvent) -> ReportState:
    """The state after one more event; one that cannot follow changes nothing."""
    match state:
        case MissingReport():
            return _begun(event) if isinstance(event, ReportDefined) else state
        case DefinedReport():
            return _gone_on(replace(state, since=event.occurred_at), event)
        case ArchivedReport():
            return state
        case _:
            assert_never(state)


def _begun(event: ReportDefined) -> DefinedReport:
    definition = msgspec.convert(event, Definition, from_attributes=True)
    return DefinedReport(definition=definition, since=event.occurred_at)


def _gone_on(state: DefinedReport, event: ReportEvent) -> ReportState:
    match event:
        case ReportDefined():
            return state
        case ReportRevised():
            return replace(state, definition=changed(state.definition, event.changes))
        case ReportArchived():
            return ArchivedReport()
        case ReportScheduled() | ReportScheduleChanged():
            before = state.schedules.get(event.schedule_id)
            paused = before is not None and before.paused
            schedule = Schedule(recurrence=event.recurrence, recipients=event.recipients, paused=paused)
            return replace(state, schedules={**state.schedules, event.schedule_id: schedule})
        case ReportSchedulePaused() | ReportScheduleResumed():
            return _paused(state, event.schedule_id, paused=isinstance(event, ReportSchedulePaused))
        case ReportScheduleCancelled():
            left = {key: one for key, one in state.schedules.items() if key != event.schedule_id}
            return replace(state, schedules=left)
        case _:
            assert_never(event)


def _paused(state: DefinedReport, schedule_id: UUID, *, paused: bool) -> DefinedReport:
    schedule = state.schedules.get(schedule_id)
    if schedule is None:
        return state
    return replace(state, schedules={**state.schedules, schedule_id: replace(schedule, paused=paused)})
