"""How the versions of a recommendation came one after the other, and what became of the evidence for it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias
from uuid import UUID

from domain.event import Event
from domain.items import Item, ItemChange
from domain.recommendation import events as recommendation
from domain.recorded import Recorded
from projections import evidence, version_row
from projections.evidence import EVIDENCE
from projections.model import ReadModel, Row, Rows, Table, Touch
from projections.version_row import VERSION_EVENTS, Reason, VersionEvent, reasons


class Step(Row, frozen=True, kw_only=True):
    """From one version to the next: all items where they are given anew, else what changed.

    Step 0 is the draft, and says for which diagnosis.
    """

    recommendation_id: UUID
    recommendation_version: int
    items: tuple[Item, ...] | None
    changes: tuple[ItemChange, ...]
    reasons: tuple[Reason, ...]
    diagnosis_id: UUID | None = None


STEP = Table("step", Step, key=("recommendation_id", "recommendation_version"))

Envelope: TypeAlias = Recorded[Event]


def _draft(_rows: Rows, recorded: Envelope, event: recommendation.RecommendationDrafted) -> Iterator[Row]:
    yield Step(
        recommendation_id=recorded.stream_id,
        recommendation_version=0,
        items=(),
        changes=(),
        reasons=(),
        diagnosis_id=event.diagnosis_id,
    )


def _step(_rows: Rows, recorded: Envelope, event: VersionEvent) -> Iterator[Row]:
    yield Step(
        recommendation_id=recorded.stream_id,
        recommendation_version=event.recommendation_version,
        items=getattr(event, "items", None),
        changes=getattr(event, "changes", ()),
        reasons=reasons(recorded, event),
    )


FOLDS: dict[type[Event], Callable[[Rows, Envelope, Any], Iterable[Row]]] = {
    recommendation.RecommendationDrafted: _draft,
    **dict.fromkeys(VERSION_EVENTS, _step),
}


def touches(recorded: Envelope) -> Iterable[Touch]:
    return ((EVIDENCE, recorded.stream_id),) if isinstance(recorded.event, evidence.LOOKS_BACK) else ()


def evolve(rows: Rows, recorded: Envelope) -> Iterable[Row]:
    fold = FOLDS.get(type(recorded.event))  # type: ignore[arg-type]  # None, the erased, is no key
    return evidence.evolve(rows, recorded) if fold is None else fold(rows, recorded, recorded.event)


MODEL = ReadModel(
    name="recommendation_changes",
    tables=(STEP, EVIDENCE),
    touches=touches,
    evolve=evolve,
    of=FOLDS.keys() | evidence.FOLDS.keys(),
    depends=(evidence, version_row),
)
