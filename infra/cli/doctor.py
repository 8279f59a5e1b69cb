"""`tarikh doctor`: what runs, from where, which versions, and what is wrong."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from infra.cli.command import Subparsers, add, print_json, settings
from infra.errors import CommandFailed
from infra.settings import Settings, SettingsError, redacted


class Report(msgspec.Struct, kw_only=True):
    """What was found; a value of None could not be learned, and a problem says why."""

    database_url: str | None = None
    vault_url: str | None = None
    cache_url: str | None = None
    postgres_version: str | None = None
    cache_version: str | None = None
    data_dir: str | None = None
    head: int | None = None
    checkpoints: dict[str, int] = {}
    problems: list[str] = []


def register(subparsers: Subparsers) -> None:
    parser = add(subparsers, "doctor", run, "Say what runs, from where, which versions, and what is wrong.")
    parser.add_argument("--json", action="store_true", help="answer for programs")


def run(arguments: argparse.Namespace) -> int:
    report = examined()
    if arguments.json:
        print_json(report)
    else:
        _print(report)
    return 1 if report.problems else 0


def examined() -> Report:
    report = Report()
    try:
        found = settings()
    except SettingsError as error:
        report.problems.extend(error.problems)
        return report
    report.data_dir = str(found.data_dir)
    from infra import checkup

    report.problems.extend(checkup.of_settings(found))
    with _noting(report):
        _look_inside(found, report)
    return report


def _look_inside(found: Settings, report: Report) -> None:
    from infra import checkup, embedded
    from infra.master_keys import id_of

    with embedded.servers(found) as servers:
        report.database_url = redacted(servers.database_url)
        report.vault_url = redacted(servers.vault_url)
        report.cache_url = redacted(servers.cache_url) if servers.cache_url else None
        with _noting(report):
            database = checkup.of_database(servers.database_url, found.env)
            report.postgres_version, report.head = database.version, database.head
            report.checkpoints = database.checkpoints
            report.problems.extend(database.problems)
            report.problems.extend(checkup.of_migrations(servers.database_url, servers.vault_url))
            report.problems.extend(checkup.of_vault(servers.vault_url, id_of(found.master_key)))
        with _noting(report):
            report.cache_version = checkup.of_cache(servers.cache_url)


@contextmanager
def _noting(report: Report) -> Iterator[None]:
    """Turn what stops one look into a problem, so that the others still happen."""
    try:
        yield
    except CommandFailed as error:
        report.problems.append(str(error))


def _print(report: Report) -> None:
    for name, value in msgspec.structs.asdict(report).items():
        if name != "problems":
            print(f"{name:<17} {_readable(value)}")
    for problem in report.problems:
        print(f"problem: {problem}")
    if not report.problems:
        print("no problems")


def _readable(value: object) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{name} {position}" for name, position in value.items()) or "-"
    return "-" if value is None else value
