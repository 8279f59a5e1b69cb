"""`tarikh predictions`: whether what models foretold rests on nothing that was recorded later."""

import argparse
import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

from infra.cli.command import Subparsers, add, add_group, print_json, settings

if TYPE_CHECKING:
    from infra.leakage import Checked


def register(subparsers: Subparsers) -> None:
    group = add_group(subparsers, "predictions", "Look into what models foretold.")
    checking = add(
        group,
        "check",
        check,
        "Prove by replay that predictions cite what was known; exit 1 names the others.",
    )
    checking.add_argument("--patient", type=UUID, metavar="ID", help="one patient; by default all")
    checking.add_argument("--json", action="store_true", help="answer for programs")


def check(arguments: argparse.Namespace) -> int:
    """Tell each prediction that leaks, by what it cites and since when that was there to be known."""
    checked = asyncio.run(_check(arguments.patient))
    if arguments.json:
        print_json(checked)
    else:
        for leak in checked.leaks:
            since = leak.recorded_at_position
            when = "which is nowhere in the record" if since is None else f"which was recorded at {since}"
            print(
                f"prediction {leak.prediction_id} speaks from position {leak.as_of_position} "
                f"and cites {leak.cites}, {when}"
            )
        print(f"{checked.predictions} predictions, {checked.cited} cited, {len(checked.leaks)} leaks")
    return 1 if checked.leaks else 0


async def _check(patient_id: UUID | None) -> "Checked":
    from infra.leakage import check as checked
    from infra.running import ready
    from infra.services import opened

    chosen = settings()
    with ready(chosen) as servers:
        async with opened(chosen, servers) as found:
            return await checked(found, patient_id)
