"""`python -m tests.campaigns.controls --seed N`: *no loss* on logs that lose; it must report that they do.

One has an unlocked sequence, one is the library's recorder with `POSTGRES_ENABLE_DB_FUNCTIONS=y`.
"""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from tests.campaigns.telling import tell, verdict

NAME = "controls"
LOSING = ("unlocked", "library")
KILLS = 20
WRITERS = 3


class Reported(msgspec.Struct, frozen=True):
    """What *no loss* said of a log that loses."""

    log: str
    code: int
    events: int
    lost: int

    @property
    def convicted(self) -> bool:
        """It said so, and for the right reason."""
        return self.code == 1 and self.lost > 0


async def reported(log: str, seed: int, kills: int, folder: Path) -> Reported:
    """Run the campaign on this log."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.campaigns.no_loss", "--log", log, "--seed", str(seed), "--kills", str(kills)),
        *("--writers", str(WRITERS), "--keep", str(folder)),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    lines = [msgspec.json.decode(line) for line in out.splitlines()]
    counts = next(line for line in lines if line["told"] == "counts")
    found = [line["what"] for line in lines if line["told"] == "find" and line["law"] == "tail"]
    events, lost = counts["events"], counts["lost_by_the_reader"]
    tell(NAME, "reported", log=log, code=process.returncode, lost=lost, of=events, for_instance=found[:3])
    return Reported(log, process.returncode or 0, events, lost)


async def run(seed: int, kills: int) -> int:
    """Both; the exit code is 1 where one of them was not convicted."""
    acquitted = []
    for log in LOSING:
        with TemporaryDirectory(prefix=f"tarikh-{log}-") as folder:
            if not (await reported(log, seed, kills, Path(folder))).convicted:
                acquitted.append(log)
    return verdict(NAME, len(acquitted), seed=seed, acquitted=acquitted)


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns.controls", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=KILLS)
    chosen = parser.parse_args(argv)
    return asyncio.run(run(chosen.seed, chosen.kills))


if __name__ == "__main__":
    sys.exit(main())
