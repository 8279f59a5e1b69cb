"""`tarikh log`: sign, prove, export and verify the log."""

import argparse
import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from uuid import UUID

import msgspec

from infra.cli.command import Subparsers, add, add_group, print_json, settings
from infra.cli.record import export_record
from infra.cli.writing import bar, replaced
from infra.errors import CommandFailed, CommandMisused

if TYPE_CHECKING:
    from infra.notary.export import Watch
    from infra.notary.findings import Report
    from infra.notary.note import Verifier
    from infra.notary.signing import Notary

T = TypeVar("T")
MOST_DIGITS = 18


def register(subparsers: Subparsers) -> None:
    group = add_group(subparsers, "log", "Prove that nobody altered the log.")
    checkpointing = add(
        group, "checkpoint", checkpoint, "Sign the head of the log and print the signed note."
    )
    checkpointing.add_argument(
        "--new-key", action="store_true", help="the notary's key was replaced on purpose"
    )
    proving = add(group, "prove", prove, "Prove that the event of a position is in the log.")
    proving.add_argument("position", type=_count, metavar="POSITION")
    growing = add(group, "consistency", consistency, "Prove that the log has only grown since it had a size.")
    growing.add_argument(
        "--from", dest="old", type=_count, required=True, metavar="SIZE", help="the old size"
    )
    growing.add_argument("--to", dest="new", type=_count, metavar="SIZE", help="the new size (default: now)")
    exporting = add(group, "export", export, "Write everything that is stored of each event into a file.")
    exporting.add_argument("file", type=Path, metavar="FILE")
    exporting.add_argument(
        "--patient", type=UUID, metavar="ID", help="only this patient's events, decoded, each with its proof"
    )
    verifying = add(group, "verify", verify, "Recompute everything; exit 1 names the first bad position.")
    verifying.add_argument(
        "--checkpoint", type=Path, metavar="FILE", help="a checkpoint that was kept outside"
    )
    verifying.add_argument("--export", type=Path, metavar="FILE", help="verify this file; needs no database")
    verifying.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="KEY",
        help="trust this verifier key (default: those known here)",
    )
    for parser in (checkpointing, proving, growing, exporting, verifying):
        parser.add_argument("--json", action="store_true", help="answer for programs")


def checkpoint(arguments: argparse.Namespace) -> int:
    signed = _ask(lambda notary: notary.checkpoint(new_key=arguments.new_key))
    head = signed.checkpoint
    if arguments.json:
        about = {"origin": head.origin, "size": head.size, "root": head.root.hex()}
        print_json({**about, "key": str(signed.verifier), "checkpoint": signed.note})
    else:
        sys.stdout.write(signed.note)
        sys.stdout.flush()
        print(f"key: {signed.verifier}", file=sys.stderr)
    return 0


def prove(arguments: argparse.Namespace) -> int:
    """A proof is for programs; it is JSON in any case."""
    print_json(_ask(lambda notary: notary.prove(arguments.position)))
    return 0


def consistency(arguments: argparse.Namespace) -> int:
    print_json(_ask(lambda notary: notary.consistency(arguments.old, arguments.new)))
    return 0


def export(arguments: argparse.Namespace) -> int:
    import psycopg

    from infra.notary.export import Incomplete, of_log, write
    from infra.running import ready
    from infra.services import as_app

    if not arguments.file.parent.is_dir():
        raise CommandMisused(f"there is no folder {arguments.file.parent}")
    if arguments.patient:
        return export_record(arguments)
    signed = _ask(lambda notary: notary.checkpoint())
    size = signed.checkpoint.size
    try:
        with (
            ready(settings()) as servers,
            psycopg.connect(as_app(servers.database_url), autocommit=True) as connection,
            bar(shown=not arguments.json) as watch,
            replaced(arguments.file) as file,
        ):
            write(file, str(signed.verifier), signed.note, of_log(connection, 0, size, watch))
    except (Incomplete, OSError) as error:
        raise CommandFailed(f"nothing was exported: {error}") from error
    about = {"file": str(arguments.file), "size": size, "root": signed.checkpoint.root.hex()}
    if arguments.json:
        print_json({**about, "key": str(signed.verifier)})
    else:
        print(f"{size} events, root {about['root']}, signed by {signed.verifier}")
    return 0


def verify(arguments: argparse.Namespace) -> int:
    kept = _text(arguments.checkpoint) if arguments.checkpoint else None
    with bar(shown=not arguments.json) as watch:
        if arguments.export:
            report = _verify_export(arguments.export, _keys(arguments.key), kept, watch)
        else:
            report = _verify_log(_keys(arguments.key), kept, watch)
    if arguments.json:
        found = {"ok": not report.problems, "first_bad_position": report.first_bad_position}
        print_json({**found, **msgspec.structs.asdict(report)})
    else:
        _print(report)
    return 1 if report.problems else 0


def _verify_export(path: Path, keys: "list[Verifier]", kept: str | None, watch: "Watch") -> "Report":
    """No settings are read, and none are made: this runs where nothing of Tarikh is but the program."""
    from infra.notary.keys import Known
    from infra.notary.note import NoteRefused
    from infra.notary.offline import verify_export
    from infra.notary.offline_record import verify_record
    from infra.notary.record import BEGINNING

    data_dir = Path(os.environ.get("TARIKH_DATA_DIR") or ".tarikh").expanduser()
    try:
        trusted = keys or Known(data_dir).verifiers()
        with path.open("rb") as file:
            if file.peek(len(BEGINNING)).startswith(BEGINNING):
                if kept is not None:
                    raise CommandMisused("a record is held against a checkpoint by `tarikh log consistency`")
                return verify_record(file, trusted, watch)
            return verify_export(file, trusted, kept, watch)
    except NoteRefused as error:
        raise CommandFailed(str(error)) from error
    except OSError as error:
        raise CommandMisused(f"{path} cannot be read: {error.strerror}") from error


def _verify_log(keys: "list[Verifier]", kept: str | None, watch: "Watch") -> "Report":
    import psycopg

    from infra.notary.keys import Known
    from infra.notary.live import house_keys, verify_log
    from infra.notary.note import NoteRefused
    from infra.running import ready
    from infra.services import as_app

    chosen = settings()
    try:
        with (
            ready(chosen) as servers,
            psycopg.connect(as_app(servers.database_url), autocommit=True) as connection,
        ):
            trusted, problem = house_keys(connection, chosen.notary_key, Known(chosen.data_dir))
            report = verify_log(connection, keys or trusted, kept, watch=watch)
    except NoteRefused as error:
        raise CommandFailed(str(error)) from error
    except (psycopg.ProgrammingError, psycopg.DataError) as error:
        raise CommandFailed(f"the tables of the log are not as they were made: {error}") from error
    if problem and not keys:
        report.problems.append(problem)
    return report


def _ask(question: "Callable[[Notary], Awaitable[T]]") -> T:
    """Put one question to the notary of this environment."""
    from psycopg_pool import AsyncConnectionPool

    from infra.embedded import Servers
    from infra.notary.keys import Known
    from infra.notary.signing import NoSuchPosition, Notary, Refused
    from infra.running import ready
    from infra.services import as_app

    chosen = settings()

    async def asked(servers: Servers) -> T:
        url, kwargs = as_app(servers.database_url), {"autocommit": True}
        async with AsyncConnectionPool(url, min_size=1, max_size=1, kwargs=kwargs, open=False) as pool:
            return await question(Notary(pool, chosen.notary_key, Known(chosen.data_dir)))

    with ready(chosen) as servers:
        try:
            return asyncio.run(asked(servers))
        except NoSuchPosition as error:
            raise CommandFailed("the log is not that long") from error
        except Refused as error:
            raise CommandFailed(str(error)) from error


def _keys(texts: list[str]) -> "list[Verifier]":
    from infra.notary.note import NoteRefused, Verifier

    try:
        return [Verifier.parse(text) for text in texts]
    except NoteRefused as error:
        raise CommandMisused(f"--key: {error}") from error


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandMisused(f"{path} cannot be read") from error


def _print(report: "Report") -> None:
    for problem in report.problems:
        print(f"wrong: {problem}")
    if not report.problems:
        print(f"ok: {report.size} events, root {report.root}")
    if report.key:
        whence = "a key that stands in the file itself; compare it" if report.key_from_file else "a known key"
        print(f"signed by {report.key}, {whence}")


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
        raise argparse.ArgumentTypeError("a number, not negative")
    return int(text)
