"""`python -m tests.campaigns.tamper --seed N --mutations M`: whatever is altered is found and named.

The log as it stands in the database, its tree and its heads; and its export on the way to an auditor. Each
mutation follows from the seed and its number alone: `--only NUMBER` repeats one.
"""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random

import msgspec

from infra.notary.export import Incomplete
from infra.notary.findings import Problem
from tests.bench.harness import house
from tests.campaigns.tampering import by_command, of_database, of_export
from tests.campaigns.tampering.expecting import Expected
from tests.campaigns.tampering.signed import KEPT, SIZE, Signed
from tests.campaigns.telling import tell, verdict
from tests.infra.notary.logs import Connection

NAME = "tamper"
MUTATIONS = 4_600
TOLD_EVERY = 500
CLASSES = [
    *(("database", name) for name in of_database.TAMPERINGS),
    *(("export", name) for name in of_export.TAMPERINGS),
]
"""In turn, so that every class has its share."""


class Unnoticed(msgspec.Struct, frozen=True):
    """A mutation that a verifier passed over, or named elsewhere."""

    number: int
    by: str
    of: str
    what: str
    expected: Expected
    problems: list[str]


class Campaign:
    """One signed log and what is done to it."""

    def __init__(self, log: Signed, seed: int, folder: Path) -> None:
        self.log = log
        self.seed = seed
        self.file = folder / "altered.export"
        self.done: Counter[str] = Counter()
        self.unnoticed: list[Unnoticed] = []

    def untouched(self) -> list[str]:
        """What is found where nothing was done: that must be nothing."""
        with self.log.altered() as owner:
            found = self.log.online(owner, self.log.kept).problems
        found += self.log.offline(self.log.export_, self.log.kept, self.file).problems
        return list(map(str, found))

    def mutate(self, number: int) -> None:
        """The mutation of this number."""
        chance = Random(f"{self.seed} {number}")  # noqa: S311  repeatable is what it must be
        of, name = CLASSES[number % len(CLASSES)]
        self.done[f"{of}: {name}"] += 1
        if of == "export":
            altered, what, expected = of_export.TAMPERINGS[name](self.log.export_, chance)
            report = self.log.offline(altered, self.log.kept, self.file)
            self._note(Unnoticed(number, "offline", f"{of} {name}", what, expected, []), report.problems)
        else:
            self._in_the_database(number, name, chance)

    def _in_the_database(self, number: int, name: str, chance: Random) -> None:
        with self.log.altered() as owner:
            what, expected = of_database.TAMPERINGS[name](owner, chance)
            mutation = Unnoticed(number, "online", f"database {name}", what, expected, [])
            self._note(mutation, self.log.online(owner, self.log.kept).problems)
            if name in of_database.OF_EVENTS:
                self._by_export(msgspec.structs.replace(mutation, by="export of it"), owner)

    def _by_export(self, mutation: Unnoticed, owner: Connection) -> None:
        """What was altered in the log is seen in its export, or is why there is none."""
        try:
            export = self.log.exported(owner)
        except Incomplete as refused:
            if not mutation.expected.told_by_exporting(str(refused)):
                self.unnoticed.append(msgspec.structs.replace(mutation, problems=[str(refused)]))
            return
        report = self.log.offline(export, self.log.kept, self.file)
        self._note(mutation, report.problems, loosely=True)

    def _note(self, mutation: Unnoticed, problems: Sequence[Problem], *, loosely: bool = False) -> None:
        """Keep it where it was not told; an export knows no tiles, so it may name a range."""
        expected = mutation.expected
        told = expected.told(problems) or (
            loosely and msgspec.structs.replace(expected, exactly=False).told(problems)
        )
        if not told:
            self.unnoticed.append(msgspec.structs.replace(mutation, problems=list(map(str, problems))))

    async def by_command(
        self, classes: Sequence[tuple[str, str]], environment: Mapping[str, str]
    ) -> list[str]:
        """One of each class for good, told by `tarikh log verify`; what that says of the untouched log."""
        desk = by_command.Desk(self.log, environment, self.file)
        control = list(map(str, await desk.untouched()))
        for number, (of, name) in enumerate(classes):
            chance = Random(f"{self.seed} command {number}")  # noqa: S311  as above
            what, expected, problems = await desk.asked(of, name, chance)
            self.done[f"command on {of}"] += 1
            self._note(Unnoticed(number, "command", f"{of} {name}", what, expected, []), problems)
        return control


async def run(seed: int, numbers: Sequence[int], commands: int) -> int:
    """The whole campaign; the exit code."""
    started = time.monotonic()
    tell(NAME, "plan", seed=seed, mutations=len(numbers), classes=len(CLASSES), events=SIZE, kept=KEPT)
    with house() as (settings, servers):
        log = await Signed.made(servers.database_url, settings.data_dir, seed)
        campaign = Campaign(log, seed, settings.data_dir)
        control = campaign.untouched()
        for done, number in enumerate(numbers, 1):
            campaign.mutate(number)
            if done % TOLD_EVERY == 0:
                seconds = round(time.monotonic() - started, 1)
                tell(NAME, "progress", mutations=done, unnoticed=len(campaign.unnoticed), seconds=seconds)
        if commands:
            chosen = CLASSES[:: max(1, len(CLASSES) // commands)]
            control += await campaign.by_command(chosen, {"TARIKH_DATA_DIR": str(settings.data_dir)})
    return _told(campaign, control, seed, started)


def _told(campaign: Campaign, control: list[str], seed: int, started: float) -> int:
    tell(NAME, "counts", by_class=dict(sorted(campaign.done.items())))
    for problem in control:
        tell(NAME, "find", untouched=problem)
    for one in campaign.unnoticed:
        tell(NAME, "find", **msgspec.to_builtins(one))
    return verdict(
        NAME,
        len(campaign.unnoticed) + len(control),
        seed=seed,
        mutations=sum(campaign.done.values()),
        untouched="passes" if not control else "fails",
        seconds=round(time.monotonic() - started, 1),
    )


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.tamper", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--mutations", type=int, default=MUTATIONS)
    parser.add_argument("--only", type=int, help="repeat the mutation of this number")
    parser.add_argument(
        "--commands", type=int, default=len(CLASSES), help="classes put to `tarikh log verify` too"
    )
    chosen = parser.parse_args(argv)
    if chosen.only is not None:
        return asyncio.run(run(chosen.seed, [chosen.only], 0))
    return asyncio.run(run(chosen.seed, range(chosen.mutations), chosen.commands))


if __name__ == "__main__":
    sys.exit(main())
