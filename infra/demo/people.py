"""Who works in the demo: accounts whose ids are the same on every machine."""

from uuid import UUID

from domain.event import Actor, Role


def _account(number: int, role: Role) -> Actor:
    """The account of this number: a uuid7 of the first millisecond, in shard 0."""
    return Actor(account_id=UUID(int=0x7000 << 64 | 1 << 63 | number << 16), role=role)


LOADER = _account(1, "service").account_id
"""The account whose requests load the demo."""
TEHRAN = _account(2, "practitioner")
SHIRAZ = _account(3, "practitioner")
LONDON = _account(4, "practitioner")
BEIRUT = _account(5, "practitioner")
AUDITOR = _account(6, "auditor")
ADMIN = _account(7, "admin")
ENGINE = _account(8, "service")
