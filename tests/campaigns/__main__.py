"""`python -m tests.campaigns [--only NAME] [--seed N]`: the long forms, one after the other."""

import argparse
import subprocess
import sys
from collections.abc import Sequence

NAMES = ("tamper", "controls", "erasure", "no_loss")
"""Modules beside this one; each is a command that takes a seed and whose defaults are its long form."""


def main(argv: Sequence[str] | None = None) -> int:
    """0 where none of them found anything."""
    parser = argparse.ArgumentParser(prog="python -m tests.campaigns", description=__doc__)
    parser.add_argument("--only", choices=NAMES)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args(argv)
    codes = [
        subprocess.run(  # noqa: S603  ourselves
            [sys.executable, "-m", f"tests.campaigns.{name}", "--seed", str(chosen.seed)], check=False
        ).returncode
        for name in NAMES
        if chosen.only in {None, name}
    ]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
