"""`tarikh replay`: a patient's record as it was known then, as of then, folded anew from the log."""

import argparse
import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from infra.cli.command import Subparsers, add, print_json, settings
from infra.errors import CommandFailed, CommandMisused

if TYPE_CHECKING:
    from infra.embedded import Servers
    from infra.replaying import Replay
    from infra.settings import Settings

TIMELINE = "patient_timeline"


def register(subparsers: Subparsers) -> None:
    parser = add(subparsers, "replay", run, "Tell a patient's record as it was, folded anew from the log.")
    parser.add_argument("--patient", type=UUID, required=True, metavar="ID", help="the patient")
    parser.add_argument("--known-at", metavar="TIME|POSITION", help="as we knew it then")
    parser.add_argument("--as-of", metavar="DATE", help="as it was true then")
    parser.add_argument("--read-model", default=TIMELINE, metavar="NAME", help=f"by default {TIMELINE}")
    parser.add_argument("--side-by-side", action="store_true", help="and beside it what is known of it today")
    parser.add_argument("--proofs", action="store_true", help="with the proof of every event of it")


def run(arguments: argparse.Namespace) -> int:
    """Write JSON: of the timeline the very items that its route answers, in the settings' language."""
    from infra.running import ready

    chosen = settings()
    with ready(chosen) as servers:
        print_json(asyncio.run(_replay(chosen, servers, arguments)))
    return 0


async def _replay(chosen: "Settings", servers: "Servers", arguments: argparse.Namespace) -> "Replay":
    from domain.errors import NotFound, Rejected
    from infra.attesting import Asked, replayed
    from infra.notary.signing import Refused
    from infra.replaying import moment_of
    from infra.services import opened
    from locales import translate
    from projections.timeline_words import Words

    async with opened(chosen, servers) as found:
        if arguments.read_model not in found.models:
            raise CommandMisused(
                f"there is no read model {arguments.read_model}; there are {', '.join(found.models)}"
            )
        words = Words(chosen.locale, str(chosen.time_zone))
        try:
            moment = await moment_of(found.reader, chosen.time_zone, arguments.known_at, arguments.as_of)
            asked = Asked(
                read_model=arguments.read_model,
                side_by_side=arguments.side_by_side,
                proofs=arguments.proofs,
            )
            return await replayed(found, arguments.patient, moment, words, asked)
        except NotFound as error:
            raise CommandFailed(f"there is nothing of patient {arguments.patient} then") from error
        except Refused as error:
            raise CommandFailed(str(error)) from error
        except Rejected as error:
            wrong = "; ".join(f"{e.path}: {translate('en', f'problem.{e.code}')}" for e in error.errors)
            raise CommandMisused(wrong or error.code) from error
