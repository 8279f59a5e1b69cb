"""`tarikh import`: bring records of other systems in."""

import argparse
import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infra.cli import import_events
from infra.cli.command import Subparsers, add, add_group, print_json, settings
from infra.errors import CommandFailed, CommandMisused

if TYPE_CHECKING:
    from infra.embedded import Servers
    from infra.fhir.importing import Watch
    from infra.fhir.report import Kind, Named, Report
    from infra.settings import Settings

MOST_NAMED = 20
"""Of what was skipped with a reason, so many are named on a terminal; problems always all."""


def register(subparsers: Subparsers) -> None:
    group = add_group(subparsers, "import", "Bring records of other systems in.")
    parser = add(group, "fhir", fhir, "Import FHIR R4 resources; again, it brings in what has changed.")
    parser.add_argument(
        "paths", nargs="+", type=Path, metavar="PATH", help=".json or .ndjson, also .gz; or a folder of them"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="say what would be recorded, and record nothing"
    )
    parser.add_argument("--json", action="store_true", help="answer for programs")
    import_events.register(group)


def fhir(arguments: argparse.Namespace) -> int:
    """Exit 1 where a file or a resource was wrong; what was right is recorded all the same."""
    missing = [str(path) for path in arguments.paths if not path.exists()]
    if missing:
        raise CommandMisused(f"there is no {', '.join(missing)}")
    from infra.running import ready

    chosen = settings()
    with ready(chosen) as servers, _bar(shown=not arguments.json and sys.stderr.isatty()) as watch:
        report = asyncio.run(_import(chosen, servers, arguments, watch))
    if arguments.json:
        print_json(report)
    else:
        _print(report)
    return 1 if report.problems else 0


async def _import(
    chosen: "Settings", servers: "Servers", arguments: argparse.Namespace, watch: "Watch"
) -> "Report":
    from psycopg import OperationalError

    from infra.event_log.append import OutcomeUnknown, StorageUnavailable
    from infra.fhir.importing import Import
    from infra.services import opened

    lost = (StorageUnavailable, OutcomeUnknown, OperationalError)
    try:
        async with opened(chosen, servers) as services:
            bringing_in = Import(
                services.reader, services.writer, chosen, dry_run=arguments.dry_run, watch=watch
            )
            return await bringing_in.run(arguments.paths)
    except ExceptionGroup as errors:
        if errors.split(lost)[1] is not None:
            raise
        raise CommandFailed("the log cannot be reached; run it again to go on from here") from errors


@contextmanager
def _bar(*, shown: bool) -> "Iterator[Watch]":
    """A progress bar on stderr, first of the files and then of the patients."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown, transient=True) as progress:
        files, patients = (progress.add_task(name, total=None) for name in ("files", "patients"))

        def watch(report: "Report", done: int, total: int) -> None:
            progress.update(patients if report.patients else files, completed=done, total=total)

        yield watch


def _print(report: "Report") -> None:
    print(f"{'':<22}{'read':>8}{'imported':>10}{'events':>8}{'unchanged':>11}{'skipped':>9}{'problems':>10}")
    for name in sorted(report.types, key=lambda name: (-report.types[name].imported, name)):
        _print_kind(name, report.types[name])
    for title, named in (
        ("skipped", report.skipped),
        ("vanished", report.vanished),
        ("problem", report.problems),
    ):
        for one in named if title == "problem" else named[:MOST_NAMED]:
            _print_named(title, one)
        if title != "problem" and len(named) > MOST_NAMED:
            print(f"{title}:  and {len(named) - MOST_NAMED} more: --json names them all")
    done = "would be recorded" if report.dry_run else "recorded"
    print(
        f"{report.files} files, {report.patients} patients, {report.events} events {done} "
        f"in {report.seconds:.1f} s, {len(report.problems)} problems, peak memory {report.peak_memory_mb} MB"
    )


def _print_kind(name: str, kind: "Kind") -> None:
    skipped = sum(kind.skipped.values())
    reasons = ", ".join(f"{code} {count}" for code, count in sorted(kind.skipped.items()))
    brought_in = f"{kind.read:>8}{kind.imported:>10}{kind.events:>8}{kind.unchanged:>11}"
    print(f"{name:<22}{brought_in}{skipped:>9}{kind.problems:>10}  {reasons}".rstrip())


def _print_named(title: str, one: "Named") -> None:
    print("  ".join(part for part in (f"{title}:", one.ref, one.code, one.detail, one.place) if part))
