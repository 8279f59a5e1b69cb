"""Why recommendations were changed: a count of reason codes by month, condition and author.

A reason counts once for each version that it was given for, under the condition that its line treats, also
where that is corrected later. First versions have no reason to count.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from domain.diagnosis import events as diagnosis
from domain.event import Event
from domain.recommendation import events as recommendation
from domain.recorded import Recorded
from projections import version_row
from projections.model import ReadModel, Rollup, Row, Rows, Table, Touch
from projections.version_row import VersionEvent, reasons

UNCODED = "uncoded"
"""What a condition without a code counts as: its words are clinical, and figures are for admins."""


class Given(Row, frozen=True, kw_only=True):
    """A reason of a version. `month` is the first day of a Gregorian month, as the house counts days."""

    recommendation_id: UUID
    recommendation_version: int
    reason_code: str
    diagnosis_id: UUID | None
    month: date
    condition: str
    author_id: UUID
    n: int = 1


class Treated(Row, frozen=True, kw_only=True):
    """What a line treats, or (of the diagnosis' own id) what the diagnosis is called by now."""

    stream_id: UUID
    diagnosis_id: UUID | None
    condition: str


GIVEN = Table("given", Given, key=("recommendation_id", "recommendation_version", "reason_code"))
TREATED = Table("treated", Treated, key=("stream_id",))
BY_MONTH = Rollup(
    "reason_by_month", over=GIVEN, by=("month", "condition", "author_id", "reason_code"), sums=("n",)
)

Envelope: TypeAlias = Recorded[Event]
Month: TypeAlias = Callable[[datetime], date]


def _diagnose(_rows: Rows, recorded: Envelope, event: diagnosis.DiagnosisRecorded, _: Month) -> Iterator[Row]:
    yield Treated(
        stream_id=recorded.stream_id,
        diagnosis_id=recorded.stream_id,
        condition=event.condition.code or UNCODED,
    )


def _draft(
    rows: Rows, recorded: Envelope, event: recommendation.RecommendationDrafted, _: Month
) -> Iterator[Row]:
    treated = None if event.diagnosis_id is None else rows.get(TREATED, event.diagnosis_id)
    yield Treated(
        stream_id=recorded.stream_id,
        diagnosis_id=event.diagnosis_id,
        condition=UNCODED if treated is None else treated.condition,
    )


def _give(rows: Rows, recorded: Envelope, event: VersionEvent, month: Month) -> Iterator[Row]:
    treated = rows.get(TREATED, recorded.stream_id)
    for reason in reasons(recorded, event):
        yield Given(
            recommendation_id=recorded.stream_id,
            recommendation_version=reason.version,
            reason_code=reason.reason_code,
            diagnosis_id=None if treated is None else treated.diagnosis_id,
            month=month(event.occurred_at),
            condition=UNCODED if treated is None else treated.condition,
            author_id=reason.decided_by,
        )


def _rename(rows: Rows, recorded: Envelope, event: diagnosis.DiagnosisRevised, _: Month) -> Iterator[Row]:
    if "condition" in event.changes:
        condition = event.changes["condition"].after.get("code") or UNCODED
        for row in _of_diagnosis(rows, recorded.stream_id):
            yield replace(row, condition=condition)


def _withdraw(rows: Rows, recorded: Envelope, _event: Event, _: Month) -> Iterator[Row]:
    """What was decided for a diagnosis that should not have been there says nothing about why one decides."""
    for row in _of_diagnosis(rows, recorded.stream_id):
        yield replace(row, condition=UNCODED, removed=True)


def _of_diagnosis(rows: Rows, diagnosis_id: UUID) -> list[Given | Treated]:
    found: list[Given | Treated] = [*rows.all(GIVEN), *rows.all(TREATED)]
    return [row for row in found if row.diagnosis_id == diagnosis_id and not row.removed]


Fold: TypeAlias = Callable[[Rows, Envelope, Any, Month], Iterable[Row]]

ON_THE_LINE: Mapping[type[Event], Fold] = {
    recommendation.RecommendationRevised: _give,
    recommendation.RecommendationPhaseAdvanced: _give,
    recommendation.RecommendationVersionRestored: _give,
}
ON_THE_DIAGNOSIS: Mapping[type[Event], Fold] = {
    diagnosis.DiagnosisRevised: _rename,
    diagnosis.DiagnosisEnteredInError: _withdraw,
}
FOLDS: Mapping[type[Event], Fold] = {
    diagnosis.DiagnosisRecorded: _diagnose,
    recommendation.RecommendationDrafted: _draft,
    **ON_THE_LINE,
    **ON_THE_DIAGNOSIS,
}


def touches(recorded: Envelope) -> Iterable[Touch]:
    event = recorded.event
    if isinstance(event, recommendation.RecommendationDrafted):
        return () if event.diagnosis_id is None else ((TREATED, event.diagnosis_id),)
    if type(event) in ON_THE_LINE:
        return ((TREATED, recorded.stream_id),)
    return ((TREATED,), (GIVEN,)) if type(event) in ON_THE_DIAGNOSIS else ()


def model(time_zone: str) -> ReadModel:
    """The reasons of a house whose months are months of this zone."""
    zone = ZoneInfo(time_zone)

    def month(when: datetime) -> date:
        return when.astimezone(zone).date().replace(day=1)

    def evolve(rows: Rows, recorded: Envelope) -> Iterable[Row]:
        fold = FOLDS.get(type(recorded.event))  # type: ignore[arg-type]  # None, the erased, is no key
        return () if fold is None else fold(rows, recorded, recorded.event, month)

    return ReadModel(
        name="change_reasons",
        tables=(GIVEN, TREATED),
        touches=touches,
        evolve=evolve,
        of=FOLDS.keys(),
        rollups=(BY_MONTH,),
        depends=(version_row,),
        parameters=(time_zone,),
    )
