"""Old shapes of stored events, brought up to today's: `dict -> dict`, one for each schema left behind."""

from collections.abc import Callable
from typing import Any

Shape = dict[str, Any]
UPCASTERS: dict[str, tuple[Callable[[Shape], Shape], ...]] = {}
"""By tag: the n-th brings schema n to schema n + 1."""


def current_schema(tag: str) -> int:
    """The number under which this release stores events of a tag."""
    return 1 + len(UPCASTERS.get(tag, ()))


def upcast(tag: str, schema: int, shape: Shape) -> Shape:
    """Bring a stored shape to the current schema."""
    for step in UPCASTERS.get(tag, ())[schema - 1 :]:
        shape = step(shape)
    return shape
