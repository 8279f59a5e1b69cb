"""A report: what admins want to be told, as a definition and its schedules; running it is another matter."""

from domain.report.commands import (
    ArchiveReport,
    CancelSchedule,
    ChangeSchedule,
    DefineReport,
    PauseSchedule,
    ReportCommand,
    ReportDetails,
    ReportFacts,
    ResumeSchedule,
    ReviseReport,
    ScheduleReport,
)
from domain.report.deciding import (
    decide,
)
from domain.report.events import (
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
    INITIAL,
    ArchivedReport,
    DefinedReport,
    MissingReport,
    ReportState,
    evolve,
)

__all__ = [
    "INITIAL",
    "ArchiveReport",
    "ArchivedReport",
    "CancelSchedule",
    "ChangeSchedule",
    "DefineReport",
    "DefinedReport",
    "MissingReport",
    "PauseSchedule",
    "Recurrence",
    "ReportArchived",
    "ReportCommand",
    "ReportDefined",
    "ReportDetails",
    "ReportEvent",
    "ReportFacts",
    "ReportRevised",
    "ReportScheduleCancelled",
    "ReportScheduleChanged",
    "ReportSchedulePaused",
    "ReportScheduleResumed",
    "ReportScheduled",
    "ReportState",
    "ResumeSchedule",
    "ReviseReport",
    "ScheduleReport",
    "decide",
    "evolve",
]
