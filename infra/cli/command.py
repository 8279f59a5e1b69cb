"""What all commands share: how they are added, where settings come from, how programs are answered."""

import argparse
import os
import sys
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from infra.settings import Settings

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # noqa: SLF001  it has no public name
Run: TypeAlias = Callable[[argparse.Namespace], int]


def add(subparsers: Subparsers, name: str, run: Run, summary: str) -> argparse.ArgumentParser:
    """Add the command `name`, which `run` carries out; the caller adds its arguments to what is returned."""
    parser = subparsers.add_parser(name, help=summary, description=summary)
    parser.set_defaults(run=run)
    return parser


def add_group(subparsers: Subparsers, name: str, summary: str) -> Subparsers:
    """Add a group (`tarikh log …`) and return where its commands are added."""
    parser = subparsers.add_parser(name, help=summary, description=summary)
    return parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def settings() -> Settings:
    """Read the settings of this process and log as they say; raise `SettingsError`, which `main` prints."""
    from infra import logging

    chosen = Settings.from_environment(os.environ)
    logging.configure(chosen)
    return chosen


def print_json(value: object) -> None:
    """Write one JSON document to stdout for the program that asked for it."""
    encoded = msgspec.json.format(msgspec.json.encode(value), indent=2)
    sys.stdout.write(encoded.decode() + "\n")
