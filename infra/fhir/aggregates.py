"""The three aggregates that an import writes, each with its fold and its decider, by category."""

from collections.abc import Mapping
from typing import Any, Protocol, cast

from domain import diagnosis, patient, recommendation

Category = str


class Aggregate(Protocol):
    """What a module of the domain offers; which types go together, the category says."""

    INITIAL: Any

    def evolve(self, state: Any, event: Any, /) -> Any: ...  # noqa: ANN401  each aggregate has its own

    def decide(self, command: Any, state: Any, facts: Any, /) -> list[Any]: ...  # noqa: ANN401  as above


AGGREGATES: Mapping[Category, Aggregate] = {
    "patient": cast("Aggregate", patient),
    "diagnosis": cast("Aggregate", diagnosis),
    "recommendation": cast("Aggregate", recommendation),
}
