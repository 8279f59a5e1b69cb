"""Figures of the house by day: sums of what each patient adds, so that what is undone is subtracted."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, TypeAlias
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec.structs import replace

from domain import feedback, patient
from domain.diagnosis import events as diagnosis
from domain.event import Event
from domain.recommendation import events as recommendation
from domain.recorded import Recorded
from projections.model import ReadModel, Rollup, Row, Rows, Table, Touch


class Contribution(Row, frozen=True, kw_only=True):
    """What a stream adds to a figure on a day; `slot` tells apart what it adds to the same figure.

    A figure of what is there at a time (active diagnoses, consents) rises and falls by `n`.
    """

    source_id: UUID
    figure: str
    slot: str = ""
    day: date
    dimension: str = ""
    n: int = 1


CONTRIBUTION = Table("contribution", Contribution, key=("source_id", "figure", "slot"))
BY_DAY = Rollup("figure_by_day", over=CONTRIBUTION, by=("day", "figure", "dimension"), sums=("n",))

Envelope: TypeAlias = Recorded[Event]
Day: TypeAlias = Callable[[datetime], date]
Fold: TypeAlias = Callable[[Rows, Envelope, Any, Day], Iterable[Row]]

UNKNOWN = "unknown"
HEADCOUNT = frozenset({"patients.registered", "patients.by_sex"})
UNCODED = "uncoded"
"""What a condition without a code counts as: its words are clinical, and figures are for admins."""
ACTIVE = ("diagnoses.active_by_condition", "diagnoses.active_by_severity")
ENDED = frozenset({diagnosis.DiagnosisRefuted, diagnosis.DiagnosisResolved})


def _register(_rows: Rows, recorded: Envelope, event: patient.PatientRegistered, day: Day) -> Iterator[Row]:
    source_id, on = recorded.stream_id, day(event.occurred_at)
    yield Contribution(source_id=source_id, figure="patients.registered", day=on)
    yield Contribution(source_id=source_id, figure="patients.by_sex", day=on, dimension=event.sex)


def _correct_details(
    rows: Rows, recorded: Envelope, event: patient.PatientDetailsCorrected, day: Day
) -> Iterator[Row]:
    for found in rows.under(CONTRIBUTION, recorded.stream_id):
        if found.figure == "patients.by_sex" and "sex" in event.changes:
            yield replace(found, dimension=event.changes["sex"].after)
        if found.figure == "patients.died" and "died_at" in event.changes:
            died_at = event.changes["died_at"].after
            on = found.day if died_at is None else day(msgspec.convert(died_at, datetime))
            yield replace(found, day=on, n=int(died_at is not None))


def _merge(
    rows: Rows, recorded: Envelope, event: patient.PatientsMerged | patient.PatientMergeReversed, _day: Day
) -> Iterator[Row]:
    """Two records of one person are one patient: the retired one does not count until the reversal."""
    counts = isinstance(event, patient.PatientMergeReversed)
    for found in rows.under(CONTRIBUTION, recorded.stream_id) if event.side == "retired" else ():
        if found.figure in HEADCOUNT:
            yield replace(found, n=int(counts))


def _diagnose(_rows: Rows, recorded: Envelope, event: diagnosis.DiagnosisRecorded, day: Day) -> Iterator[Row]:
    dimensions = (event.condition.code or UNCODED, event.severity or UNKNOWN)
    for figure, dimension in zip(ACTIVE, dimensions, strict=True):
        yield Contribution(
            source_id=recorded.stream_id,
            figure=figure,
            slot=str(recorded.version),
            day=day(event.occurred_at),
            dimension=dimension,
        )


def _turn(rows: Rows, recorded: Envelope, event: Event, day: Day) -> Iterator[Row]:
    """A diagnosis ends or comes back; one that is over cannot end again."""
    ends = type(event) in ENDED
    found = rows.under(CONTRIBUTION, recorded.stream_id)
    for figure in ACTIVE:
        so_far = [row for row in found if row.figure == figure]
        if so_far and sum(row.n for row in so_far) == int(ends):
            yield replace(
                so_far[-1], slot=str(recorded.version), day=day(event.occurred_at), n=-1 if ends else 1
            )


def _revise_diagnosis(
    rows: Rows, recorded: Envelope, event: diagnosis.DiagnosisRevised, _day: Day
) -> Iterator[Row]:
    renamed: dict[str, str] = {}
    if "condition" in event.changes:
        condition = event.changes["condition"].after
        renamed[ACTIVE[0]] = condition.get("code") or UNCODED
    if "severity" in event.changes:
        renamed[ACTIVE[1]] = event.changes["severity"].after or UNKNOWN
    for found in rows.under(CONTRIBUTION, recorded.stream_id):
        yield replace(found, dimension=renamed.get(found.figure, found.dimension))


def _withdraw(rows: Rows, recorded: Envelope, _event: Event, _day: Day) -> Iterator[Row]:
    for found in rows.under(CONTRIBUTION, recorded.stream_id):
        yield replace(found, n=0)


def _revise(
    _rows: Rows, recorded: Envelope, event: recommendation.RecommendationRevised, day: Day
) -> Iterator[Row]:
    for code in dict.fromkeys(change.reason_code for change in event.changes):
        yield Contribution(
            source_id=recorded.stream_id,
            figure="recommendations.revised",
            slot=f"{recorded.version} {code}",
            day=day(event.occurred_at),
            dimension=code,
        )


def _submit(_rows: Rows, recorded: Envelope, event: feedback.FeedbackSubmitted, day: Day) -> Iterator[Row]:
    source_id, on = recorded.stream_id, day(event.occurred_at)
    yield Contribution(source_id=source_id, figure="feedback.submitted", day=on)
    if event.rating is not None:
        yield _rated(source_id, on, event.rating)
    yield from _suffered(source_id, on, Counter(effect.severity for effect in event.side_effects))


def _amend(rows: Rows, recorded: Envelope, event: feedback.FeedbackAmended, day: Day) -> Iterator[Row]:
    source_id, on = recorded.stream_id, day(event.occurred_at)
    if "rating" in event.changes:
        yield _rated(source_id, on, event.changes["rating"].after)
    if "side_effects" in event.changes:
        found = rows.under(CONTRIBUTION, source_id)
        severities = Counter({row.slot: 0 for row in found if row.figure == "feedback.side_effects"})
        severities.update(effect["severity"] for effect in event.changes["side_effects"].after)
        yield from _suffered(source_id, on, severities)


def _rated(source_id: UUID, on: date, rating: int | None) -> Contribution:
    n = int(rating is not None)
    dimension = str(rating or UNKNOWN)
    return Contribution(source_id=source_id, figure="feedback.rating", day=on, dimension=dimension, n=n)


def _suffered(source_id: UUID, on: date, severities: Mapping[str, int]) -> Iterator[Contribution]:
    for severity, n in severities.items():
        yield Contribution(
            source_id=source_id,
            figure="feedback.side_effects",
            slot=severity,
            day=on,
            dimension=severity,
            n=n,
        )


def _counting(figure: str, by: str | None = None, n: int = 1) -> Fold:
    """One more, or one less, for every event of a type, by one of its fields."""

    def count(_rows: Rows, recorded: Envelope, event: Event, day: Day) -> Iterator[Row]:
        yield Contribution(
            source_id=recorded.stream_id,
            figure=figure,
            slot=str(recorded.version),
            day=day(event.occurred_at),
            dimension=getattr(event, by) if by else "",
            n=n,
        )

    return count


FOLDS: dict[type[Event], Fold] = {
    patient.PatientRegistered: _register,
    patient.PatientDied: _counting("patients.died"),
    patient.ConsentGranted: _counting("consents.active", by="scope"),
    patient.ConsentWithdrawn: _counting("consents.active", by="scope", n=-1),
    recommendation.RecommendationIssued: _counting("recommendations.issued"),
    recommendation.RecommendationRevised: _revise,
    recommendation.RecommendationVersionRestored: _counting("recommendations.restored", by="reason_code"),
    recommendation.RecommendationSuspended: _counting("recommendations.suspended", by="reason_code"),
    recommendation.RecommendationCompleted: _counting("recommendations.completed", by="reason_code"),
    recommendation.RecommendationDiscontinued: _counting("recommendations.discontinued", by="reason_code"),
    diagnosis.DiagnosisRecorded: _diagnose,
    feedback.FeedbackSubmitted: _submit,
}
CORRECTIONS: dict[type[Event], Fold] = {
    patient.PatientDetailsCorrected: _correct_details,
    patient.PatientsMerged: _merge,
    patient.PatientMergeReversed: _merge,
    diagnosis.DiagnosisRevised: _revise_diagnosis,
    diagnosis.DiagnosisRefuted: _turn,
    diagnosis.DiagnosisResolved: _turn,
    diagnosis.DiagnosisRecurred: _turn,
    diagnosis.DiagnosisEnteredInError: _withdraw,
    feedback.FeedbackAmended: _amend,
    feedback.FeedbackRetracted: _withdraw,
}
"""Folds that look at what their stream has contributed so far."""


def touches(recorded: Envelope) -> Iterable[Touch]:
    return ((CONTRIBUTION, recorded.stream_id),) if type(recorded.event) in CORRECTIONS else ()


def model(time_zone: str) -> ReadModel:
    """The statistics of a house whose days are days of this zone."""
    zone = ZoneInfo(time_zone)
    folds = {**FOLDS, **CORRECTIONS}

    def day(when: datetime) -> date:
        return when.astimezone(zone).date()

    def evolve(rows: Rows, recorded: Envelope) -> Iterable[Row]:
        fold = folds.get(type(recorded.event))  # type: ignore[arg-type]  # None, the erased, is no key
        return () if fold is None else fold(rows, recorded, recorded.event, day)

    return ReadModel(
        name="statistics",
        tables=(CONTRIBUTION,),
        touches=touches,
        evolve=evolve,
        of=folds.keys(),
        rollups=(BY_DAY,),
        parameters=(time_zone,),
    )
