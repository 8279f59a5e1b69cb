"""`python -m tests.campaigns.no_loss --seed N --kills K`: whatever is killed, nothing is lost.

Writers and phones ask; workers of the API, projectors, workers and Postgres are killed and stopped; a reader
tails along. Afterwards every answer and everything seen is held against what is stored.
"""

import argparse
import asyncio
import shutil
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import mkdtemp

from tests.campaigns.loss import checking, ours
from tests.campaigns.loss.checking import Find
from tests.campaigns.loss.duty import LOGS
from tests.campaigns.loss.faults import EVERYBODY, OF_ANY_LOG, plan
from tests.campaigns.loss.house import House
from tests.campaigns.loss.striking import Striking, Watch
from tests.campaigns.loss.stuttering import stuttering
from tests.campaigns.telling import tell, verdict

NAME = "no_loss"
KILLS = 220
WRITERS = 2
TOLD_EVERY = 20


async def run(kind: str, seed: int, kills: int, writers: int, folder: Path) -> int:
    """The whole campaign on one log; the exit code."""
    started = time.monotonic()
    faults = plan(seed, kills, victims=EVERYBODY if kind == "ours" else OF_ANY_LOG)
    planned = Counter(f"{fault.how} {fault.victim}" for fault in faults)
    tell(NAME, "plan", log=kind, seed=seed, kills=kills, writers=writers, blows=dict(sorted(planned.items())))
    house = House(kind, seed, folder, writers)
    striking = Striking(house)
    async with house.running():
        tell(NAME, "open", seconds=round(time.monotonic() - started, 1))
        async with stuttering(house, seed):
            await striking.strike(faults, _progress(house))
        finds = striking.finds + await house.settled()
        tell(NAME, "settled", seconds=round(time.monotonic() - started, 1))
        counts, found = await _look(house)
    tell(NAME, "struck", kills=striking.kills, by_kind=dict(sorted(striking.struck.items())))
    tell(NAME, "counts", **counts)
    return _verdict([*finds, *found], kind, seed, time.monotonic() - started)


def _progress(house: House) -> Watch:
    told = 0

    def watch(kills: int, blows: int, seconds: float) -> None:
        nonlocal told
        if kills // TOLD_EVERY > told:
            told = kills // TOLD_EVERY
            acknowledged = house.acknowledged("writer") + house.acknowledged("phone")
            tell(
                NAME, "progress", kills=kills, blows=blows, acknowledged=acknowledged, seconds=round(seconds)
            )

    return watch


async def _look(house: House) -> tuple[dict[str, object], list[Find]]:
    """The figures, and everything that is wrong."""
    requests = checking.read(duty.journal for duty in (*house.writers, *house.phones))
    rows = await house.log.everything()
    seen = checking.along(house.tail.journal, rows)
    finds = requests.finds + requests.left_open() + checking.acknowledged_once(requests, rows) + seen.finds
    if house.kind == "ours":
        url = house.power.server.url()
        finds += ours.lawful(url) + ours.answers_of_the_api(requests, rows, url)
        finds += await ours.commands(house.environment, house.folder)
    counts = {
        "wanted": len(requests.wanted),
        "acknowledged": len(requests.stored),
        "refused": dict(Counter(refused.why for refused in requests.refused.values())),
        "sent_again": sum(requests.unsure.values()),
        "requests_sent_again": len(requests.unsure),
        "events": len(rows),
        "seen_by_the_reader": seen.seen,
        "lost_by_the_reader": len(seen.lost),
        "starts": {name: sum(kept.starts for kept in group) for name, group in house.kept.items()},
    }
    return counts, finds


def _verdict(finds: Sequence[Find], kind: str, seed: int, seconds: float) -> int:
    by_law = Counter(find.law for find in finds)
    for law in by_law:
        for find in [find for find in finds if find.law == law][: checking.MOST_TOLD]:
            tell(NAME, "find", law=find.law, what=find.what)
    return verdict(NAME, len(finds), log=kind, seed=seed, by_law=dict(by_law), seconds=round(seconds, 1))


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.no_loss", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--writers", type=int, default=WRITERS, help="processes that write without the API")
    parser.add_argument("--log", choices=LOGS, default="ours", help="what the campaign runs on")
    parser.add_argument("--keep", type=Path, help="leave everything in this folder")
    chosen = parser.parse_args(argv)
    folder = chosen.keep or Path(mkdtemp(prefix="tarikh-no-loss-"))
    folder.mkdir(parents=True, exist_ok=True)
    try:
        return asyncio.run(run(chosen.log, chosen.seed, chosen.kills, chosen.writers, folder.resolve()))
    finally:
        if chosen.keep is None:
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
