"""The account of a practitioner of another system: the same for the same identity, in every run and house."""

import hashlib
from uuid import UUID

from infra.ids import SHARD_BITS

_VERSION_8 = 0x8 << 76
_VARIANT = 0b10 << 62
_CHOSEN = ~(0xF << 76 | 0b11 << 62 | (1 << SHARD_BITS) - 1)
"""Without version and variant (RFC 9562), and in shard 0, as all accounts are."""


def account_of(ref: str) -> UUID:
    """The id for `Practitioner/17`. Nobody signs in as it until the house opens an account of this id."""
    digest = hashlib.sha256(f"tarikh practitioner {ref}".encode()).digest()
    return UUID(int=int.from_bytes(digest[:16], "big") & _CHOSEN | _VERSION_8 | _VARIANT)
