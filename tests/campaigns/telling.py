"""What every campaign says and how it ends: JSON lines, a verdict, an exit code."""

import sys

import msgspec

FOUND, NOTHING_FOUND = 1, 0


def tell(campaign: str, what: str, /, **fields: object) -> None:
    """One line: which campaign, what it is about, and the figures."""
    line = msgspec.json.encode({"campaign": campaign, "told": what, **fields}, enc_hook=str)
    sys.stdout.write(line.decode() + "\n")
    sys.stdout.flush()


def verdict(campaign: str, finds: int, **fields: object) -> int:
    """The last line; the exit code that it comes to."""
    tell(campaign, "verdict", ok=not finds, finds=finds, **fields)
    return FOUND if finds else NOTHING_FOUND
