"""The command line `tarikh`: one module for each group of commands, each of which registers itself.

A command returns 0 (ok) or 1 (it found something wrong); 2 says that it was misused.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from infra.cli import (
    demo,
    doctor,
    events,
    import_,
    log,
    patient,
    predictions,
    projections,
    replay,
    serving,
    token,
    vault,
    working,
)
from infra.errors import CommandFailed, CommandMisused
from infra.settings import SettingsError

COMMANDS = (
    serving,
    working,
    demo,
    doctor,
    import_,
    projections,
    replay,
    events,
    log,
    patient,
    predictions,
    vault,
    token,
)

OK, WRONG, MISUSED, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; what an operator can put right is said in one line."""
    try:
        arguments = _parser().parse_args(argv)
        return int(arguments.run(arguments))
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else OK
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`tarikh … | head`); the interpreter must not try to flush to it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WRONG
    except Exception as error:  # noqa: BLE001  a traceback would print what was being worked on
        code = _code(error)
        if code is None:
            return _bug(error)
        for line in str(error).strip().splitlines():
            print(f"tarikh: {line}", file=sys.stderr)
        return code


def _bug(error: Exception) -> int:
    """Say what broke and where; never the message, which may quote what a patient said."""
    from infra.logging import places

    for one in error.exceptions if isinstance(error, ExceptionGroup) else (error,):
        print(f"tarikh: a bug: {type(one).__qualname__}", file=sys.stderr)
        for place in places(one):
            print(f"  at {place}", file=sys.stderr)
    return WRONG


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="tarikh", description="The record behind a health app.")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in COMMANDS:
        module.register(subparsers)
    return parser


def _code(error: Exception) -> int | None:
    """Return the exit code of an error that an operator can put right; None for a bug."""
    if isinstance(error, SettingsError | CommandMisused):
        return MISUSED
    return WRONG if isinstance(error, CommandFailed) or _lost_connection(error) else None


def _lost_connection(error: Exception) -> bool:
    """Tell whether a server could not be reached; drivers are asked only where a command has loaded them."""
    drivers = (("psycopg", "OperationalError"), ("redis", "ConnectionError"))
    kinds = (getattr(sys.modules.get(name), kind, None) for name, kind in drivers)
    return any(kind is not None and isinstance(error, kind) for kind in kinds)
