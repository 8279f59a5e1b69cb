"""Which way an event may say that it came in, by the role of who sends it.

An import is not asked for the reasons and checks that a practitioner is asked for, and a model is trusted
less than a person: so nobody but a machine says either, and no machine says that it is a person.
"""

from collections.abc import Iterator

from domain.errors import FieldError, Rejected
from domain.event import Channel, Command, Method, Origin, Role

PEOPLE: frozenset[Channel] = frozenset({"mobile", "web", "api"})
MACHINES: frozenset[Channel] = frozenset({"api", "import", "engine", "scheduler"})

CHANNELS: dict[Role, frozenset[Channel]] = {
    "patient": PEOPLE,
    "practitioner": PEOPLE,
    "auditor": PEOPLE,
    "admin": PEOPLE,
    "service": MACHINES,
}

METHODS: dict[Role, tuple[Method, ...]] = {
    "patient": ("self_report", "device"),
    "practitioner": ("practitioner", "self_report", "device"),
    "auditor": ("practitioner",),
    "admin": ("practitioner",),
    "service": ("rule", "device", "model", "imported"),
}
"""The first one is meant where nothing is said."""


def of(wanted: Command, role: Role) -> Origin:
    """What the command says of its origin, else that of such a role at the API. Raises Rejected."""
    if wanted.origin is None:
        return Origin(channel="api", method=METHODS[role][0])
    if wrong := tuple(_beyond(wanted.origin, role)):
        raise Rejected("origin.not_for_role", errors=wrong)
    return wanted.origin


def _beyond(origin: Origin, role: Role) -> Iterator[FieldError]:
    if origin.channel not in CHANNELS[role]:
        yield FieldError(path="origin.channel", code="origin.not_for_role")
    if origin.method not in METHODS[role]:
        yield FieldError(path="origin.method", code="origin.not_for_role")
