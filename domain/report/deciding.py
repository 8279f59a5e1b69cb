"""What comes of a command for a report."""

from collections.abc import Iterator
from typing import assert_never
from uuid import UUID

from domain.changes import changes_between
from domain.errors import Conflict, FieldError, NotFound
from domain.report.commands import (
    ArchiveReport,
    CancelSchedule,
    ChangeSchedule,
    DefineReport,
    PauseSchedule,
    ReportCommand,
    ReportFacts,
    ResumeSchedule,
    ReviseReport,
    ScheduleReport,
)
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
)
from domain.report.state import (
    ArchivedReport,
    DefinedReport,
    MissingReport,
    ReportState,
    Schedule,
    defined,
)
from domain.rules import a_person_decides, not_before, refuse, well_told, when

Told = ChangeSchedule | PauseSchedule | ResumeSchedule | CancelSchedule


def decide(command: ReportCommand, state: ReportState, facts: ReportFacts) -> list[ReportEvent]:
    """The events to append, none where nothing would change; raises NotFound, Rejected or Conflict."""
    if isinstance(command, DefineReport):
        return _define(command, state, facts)
    if isinstance(command, ArchiveReport) and isinstance(state, ArchivedReport):
        return []
    known = defined(state)
    refuse(well_told(command, facts), a_person_decides(facts), not_before(command, known.since))
    match command:
        case ReviseReport():
            return _revise(command, known, facts)
        case ArchiveReport():
            return [
                ReportArchived(occurred_at=when(command, facts, known.since), precision=command.precision)
            ]
        case ScheduleReport():
            return _schedule(command, known, facts)
        case ChangeSchedule() | PauseSchedule() | ResumeSchedule() | CancelSchedule():
            return _follow(command, known, facts)
        case _:
            assert_never(command)


def _define(command: DefineReport, state: ReportState, facts: ReportFacts) -> list[ReportEvent]:
    if not isinstance(state, MissingReport):
        raise Conflict("report.defined_already")
    refuse(well_told(command, facts), a_person_decides(facts), _has_a_format("formats", command.formats))
    return [
        ReportDefined(
            occurred_at=when(command, facts),
            precision=command.precision,
            report_on=command.report_on,
            span=command.span,
            formats=tuple(dict.fromkeys(command.formats)),
        )
    ]


def _revise(command: ReviseReport, known: DefinedReport, facts: ReportFacts) -> list[ReportEvent]:
    changes = changes_between(known.definition, command.changes)
    if not changes:
        return []
    if "formats" in changes:
        refuse(_has_a_format("changes.formats", changes["formats"].after))
    at = when(command, facts, known.since)
    return [ReportRevised(occurred_at=at, precision=command.precision, changes=changes)]


def _schedule(command: ScheduleReport, known: DefinedReport, facts: ReportFacts) -> list[ReportEvent]:
    schedule_id = command.schedule_id or facts.minted(1)
    if schedule_id in known.schedules:
        raise Conflict("report.schedule_exists")
    refuse(_comes_round(command.recurrence, facts), _reaches(command.recipients, facts))
    return [
        ReportScheduled(
            occurred_at=when(command, facts, known.since),
            precision=command.precision,
            schedule_id=schedule_id,
            recurrence=command.recurrence,
            recipients=tuple(dict.fromkeys(command.recipients)),
        )
    ]


def _follow(command: Told, known: DefinedReport, facts: ReportFacts) -> list[ReportEvent]:
    """Of a schedule that there is. Raises NotFound."""
    schedule = known.schedules.get(command.schedule_id)
    if schedule is None:
        raise NotFound("not_found")
    at, precision, schedule_id = when(command, facts, known.since), command.precision, command.schedule_id
    match command:
        case ChangeSchedule():
            return _change(command, schedule, known, facts)
        case PauseSchedule() if not schedule.paused:
            return [ReportSchedulePaused(occurred_at=at, precision=precision, schedule_id=schedule_id)]
        case ResumeSchedule() if schedule.paused:
            return [ReportScheduleResumed(occurred_at=at, precision=precision, schedule_id=schedule_id)]
        case CancelSchedule():
            return [ReportScheduleCancelled(occurred_at=at, precision=precision, schedule_id=schedule_id)]
        case _:
            return []


def _change(
    command: ChangeSchedule, schedule: Schedule, known: DefinedReport, facts: ReportFacts
) -> list[ReportEvent]:
    recipients = tuple(dict.fromkeys(command.recipients))
    if (command.recurrence, recipients) == (schedule.recurrence, schedule.recipients):
        return []
    refuse(_comes_round(command.recurrence, facts), _reaches(recipients, facts))
    return [
        ReportScheduleChanged(
            occurred_at=when(command, facts, known.since),
            precision=command.precision,
            schedule_id=command.schedule_id,
            recurrence=command.recurrence,
            recipients=recipients,
        )
    ]


def _has_a_format(path: str, formats: tuple[Format, ...]) -> Iterator[FieldError]:
    if not formats:
        yield FieldError(path=path, code="report.format_required")


def _comes_round(recurrence: Recurrence, facts: ReportFacts) -> Iterator[FieldError]:
    """A week names its day, a month its day, and a day neither; the clock is one that there is."""
    needed = {"daily": "", "weekly": "weekday", "monthly": "day_of_month"}[recurrence.cadence]
    for name in ("weekday", "day_of_month"):
        said = getattr(recurrence, name) is not None
        if said != (name == needed):
            code = "report.day_meaningless" if said else "report.day_required"
            yield FieldError(path=f"recurrence.{name}", code=code)
    if not facts.zone_known:
        yield FieldError(path="recurrence.time_zone", code="report.zone_unknown")


def _reaches(recipients: tuple[UUID, ...], facts: ReportFacts) -> Iterator[FieldError]:
    if not recipients:
        yield FieldError(path="recipients", code="report.recipient_required")
    for index, account_id in enumerate(recipients):
        if account_id in facts.strangers:
            yield FieldError(path=f"recipients.{index}", code="report.recipient_unknown")
