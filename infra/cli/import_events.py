"""`tarikh import events`: bring a table of cases, activities and times in."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli.command import Subparsers, add, print_json, settings
from infra.errors import CommandFailed, CommandMisused

if TYPE_CHECKING:
    from infra.embedded import Servers
    from infra.event_logs.importing import Watch
    from infra.event_logs.mapping import EventMap
    from infra.event_logs.report import Report
    from infra.settings import Settings

MAP = """\
the map (TOML, or JSON of the same shape):

  source = "ward"                 names the log in every reference
  case = "case_id"                these columns: whose, what, when;
  activity = "activity"           a case is a patient, whatever it is called ("NA" too)
  time = "timestamp"
  id = "row_id"                   optional: tells the rows of a case apart; else all cells do
  time_zone = "Asia/Tehran"       optional: of times without a zone (TARIKH_TIME_ZONE)
  time_format = "%d/%m/%Y %H:%M"  optional: where times are not ISO 8601
  delimiter = ";"                 optional (,)
  missing = ["NULL"]              optional: cells that say nothing, beside empty ones
  ignored = ["Lunch"]             optional: activities that are left out

  [columns]                       optional: text (the default), integer, number, boolean
  crp = "number"

  [patient]                       optional: fields of the patient; {column} is the cell's value
  patient_no = "W-{case_id}"
  [diagnosis]                     optional: an episode for each case, begun with its first row
  condition = { text = "Sepsis" }

  [activities.CRP]                what each activity is: an event by its tag, and its fields
  event = "diagnosis.finding_recorded"
  fields = { modality = "lab", attributes = { test = "CRP", value = "{crp}" } }

A field that is one {column} alone has its type, and is left out where the cell says nothing.
diagnosis.recorded and recommendation.issued begin a new stream each time, the others go on with the last.
Rows at one time keep the order of the table. A row that is wrong is named with its line, and nothing of it
is recorded; a second run adds nothing.

events: """


def register(group: Subparsers) -> None:
    from infra.event_logs.commands import COMMANDS

    parser = add(group, "events", events, "Import a generic event log; again, it brings in what is new.")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = MAP + ", ".join(COMMANDS)
    parser.add_argument("table", type=Path, metavar="CSV", help="with a head line; also .gz")
    parser.add_argument(
        "--map", type=Path, required=True, metavar="FILE", help="what its columns and activities mean"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be recorded, and record nothing"
    )
    parser.add_argument("--json", action="store_true", help="answer for programs")


def events(arguments: argparse.Namespace) -> int:
    """Exit 1 where a row was wrong; what was right is recorded all the same."""
    from infra.event_logs.mapping import read_map
    from infra.running import ready

    missing = [str(path) for path in (arguments.table, arguments.map) if not path.exists()]
    if missing:
        raise CommandMisused(f"there is no {', '.join(missing)}")
    found, chosen = read_map(arguments.map), settings()
    with ready(chosen) as servers, _bar(shown=not arguments.json and sys.stderr.isatty()) as watch:
        report = asyncio.run(_import(chosen, servers, arguments, found, watch))
    if arguments.json:
        print_json(report)
    else:
        _print(report)
    return 1 if report.problems else 0


async def _import(
    chosen: "Settings",
    servers: "Servers",
    arguments: argparse.Namespace,
    found: "EventMap",
    watch: "Watch",
) -> "Report":
    from psycopg import OperationalError

    from infra.event_log.append import OutcomeUnknown, StorageUnavailable
    from infra.event_logs.importing import EventLogImport
    from infra.services import opened

    lost = (StorageUnavailable, OutcomeUnknown, OperationalError)
    try:
        async with opened(chosen, servers) as services:
            bringing_in = EventLogImport(
                services.reader, services.writer, chosen, dry_run=arguments.dry_run, watch=watch
            )
            return await bringing_in.run(arguments.table, found)
    except ExceptionGroup as errors:
        if errors.split(lost)[1] is not None:
            raise
        raise CommandFailed("the log cannot be reached; run it again to go on from here") from errors


@contextmanager
def _bar(*, shown: bool) -> "Iterator[Watch]":
    """A progress bar on stderr, first of the rows and then of the cases."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown, transient=True) as progress:
        rows, cases = (progress.add_task(name, total=None) for name in ("rows", "cases"))

        def watch(report: "Report", total: int | None) -> None:
            progress.update(rows, completed=report.rows)
            progress.update(cases, completed=report.cases, total=total)

        yield watch


def _print(report: "Report") -> None:
    for wrong in report.problems:
        said = (wrong.case, wrong.activity, wrong.code, wrong.detail)
        print("  ".join([f"problem:  line {wrong.line}", *(part for part in said if part)]))
    for code, count in sorted(report.skipped.items()):
        print(f"skipped:  {count}  {code}")
    if report.vanished:
        print(f"vanished:  {len(report.vanished)} rows that an earlier run brought in")
    done = "would be recorded" if report.dry_run else "recorded"
    print(
        f"{report.rows} rows, {report.cases} cases, {report.imported} imported, {report.unchanged} "
        f"unchanged, {report.events} events {done} in {report.seconds:.1f} s, "
        f"{len(report.problems)} problems, peak memory {report.peak_memory_mb} MB"
    )
