"""Opaque cursors of keyset pages: the shard and the numbers of the last row shown, as base64url."""

import base64
import binascii

from domain.errors import Rejected


def encode(shard: int, *numbers: int) -> str:
    """A cursor that says nothing to its holder; `decode` gives the numbers back."""
    text = ":".join(map(str, (shard, *numbers)))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str, shard: int, count: int) -> tuple[int, ...]:
    """The numbers of a cursor made for this shard. Raises Rejected("cursor.invalid") for anything else."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        of, *numbers = map(int, text.decode("ascii").split(":"))
    except (binascii.Error, ValueError) as error:
        raise Rejected("cursor.invalid") from error
    # Only what `encode` makes is accepted: int() also reads "+1", "1_0" and blanks; no column holds more.
    if of != shard or len(numbers) != count or encode(of, *numbers) != cursor or max(map(abs, numbers)) >> 63:
        raise Rejected("cursor.invalid")
    return tuple(numbers)
