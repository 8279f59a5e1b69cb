"""`tarikh token`: let somebody in."""

import argparse
from datetime import timedelta
from typing import get_args
from uuid import UUID

from domain.event import Actor, Role
from infra.cli.command import Subparsers, add, add_group, settings
from infra.errors import CommandMisused

SECONDS_OF_A_TOKEN = 8 * 60 * 60
MOST_SECONDS = 366 * 24 * 60 * 60


def register(subparsers: Subparsers) -> None:
    group = add_group(subparsers, "token", "Let somebody in.")
    parser = add(group, "issue", issue, "Issue a bearer token; it stands on the last line.")
    parser.add_argument("--role", required=True, choices=get_args(Role), help="in which role")
    parser.add_argument("--patient", type=UUID, metavar="ID", help="the patient who signs in")
    parser.add_argument("--account", type=UUID, metavar="ID", help="whose it is (default: a new account)")
    parser.add_argument(
        "--ttl",
        type=_seconds,
        default=SECONDS_OF_A_TOKEN,
        metavar="SECONDS",
        help="how long it holds (default: %(default)s)",
    )


def issue(arguments: argparse.Namespace) -> int:
    from infra.ids import new_id
    from infra.tokens import Tokens

    if arguments.patient is not None and arguments.role != "patient":
        raise CommandMisused("--patient goes with --role patient")
    if arguments.role == "patient" and arguments.patient is None and arguments.account is None:
        raise CommandMisused("--role patient needs --patient, or the --account of a guardian or proxy")
    actor = Actor(account_id=arguments.account or new_id(), role=arguments.role, patient_id=arguments.patient)
    token = Tokens(settings().token_key).issue(actor, timedelta(seconds=arguments.ttl))
    print(f"account {actor.account_id}")
    print(token)
    return 0


def _seconds(text: str) -> int:
    seconds = int(text)
    if not 1 <= seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"between 1 and {MOST_SECONDS}")
    return seconds
