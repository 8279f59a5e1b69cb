"""Who decided what about a patient's treatment, when, why and on which evidence."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

from msgspec.structs import replace

from domain.diagnosis import events as diagnosis
from domain.event import Event, EvidenceLink, Method, Narrative, Precision
from domain.recommendation import events as recommendation
from domain.recorded import Recorded
from projections import evidence, version_row
from projections.evidence import EVIDENCE
from projections.model import ReadModel, Row, Rows, Table, Touch
from projections.version_row import VERSION_EVENTS, VersionEvent, reasons


class Decision(Row, frozen=True, kw_only=True):
    """One decision; `recommendation_id` is None where it is about the diagnosis itself.

    `outcome` is what a closed safety review came to. `method` says whether a person decided.
    """

    stream_id: UUID
    version: int
    recommendation_id: UUID | None
    diagnosis_id: UUID | None
    tag: str
    recommendation_version: int | None = None
    reason_codes: tuple[str, ...] = ()
    narrative: Narrative | None = None
    evidence: tuple[EvidenceLink, ...] = ()
    outcome: str | None = None
    decided_by: UUID
    approved_by: UUID | None = None
    method: Method | None
    occurred_at: datetime
    precision: Precision
    recorded_at: datetime
    position: int


class Line(Row, frozen=True, kw_only=True):
    """For which diagnosis a recommendation is."""

    recommendation_id: UUID
    diagnosis_id: UUID | None


DECISION = Table("decision", Decision, key=("stream_id", "version"))
LINE = Table("line", Line, key=("recommendation_id",))

Envelope: TypeAlias = Recorded[Event]


def _draft(_rows: Rows, recorded: Envelope, event: recommendation.RecommendationDrafted) -> Iterator[Row]:
    yield Line(recommendation_id=recorded.stream_id, diagnosis_id=event.diagnosis_id)


def _version(rows: Rows, recorded: Envelope, event: VersionEvent) -> Iterator[Row]:
    given = reasons(recorded, event)
    yield _of_line(
        rows,
        recorded,
        event,
        recommendation_version=event.recommendation_version,
        reason_codes=tuple(reason.reason_code for reason in given),
        narrative=given[0].narrative if given else None,
        evidence=tuple(dict.fromkeys(link for reason in given for link in reason.evidence)),
        decided_by=event.decided_by,
        approved_by=getattr(event, "approved_by", None),
    )


Course: TypeAlias = (
    recommendation.RecommendationSuspended
    | recommendation.RecommendationResumed
    | recommendation.RecommendationCompleted
    | recommendation.RecommendationDiscontinued
)


def _course(rows: Rows, recorded: Envelope, event: Course) -> Iterator[Row]:
    yield _of_line(
        rows,
        recorded,
        event,
        reason_codes=(event.reason_code,),
        narrative=event.narrative,
        evidence=event.evidence,
    )


def _reject(rows: Rows, recorded: Envelope, event: recommendation.ProposalRejected) -> Iterator[Row]:
    yield _of_line(rows, recorded, event)


def _close(rows: Rows, recorded: Envelope, event: recommendation.SafetyReviewClosed) -> Iterator[Row]:
    yield _of_line(rows, recorded, event, outcome=event.decision)


def _of_line(rows: Rows, recorded: Envelope, event: Event, **said: Any) -> Decision:  # noqa: ANN401  fields
    line = rows.get(LINE, recorded.stream_id)
    return _decision(
        recorded,
        event,
        recommendation_id=recorded.stream_id,
        diagnosis_id=None if line is None else line.diagnosis_id,
        **said,
    )


def _confirm(_rows: Rows, recorded: Envelope, event: diagnosis.DiagnosisConfirmed) -> Iterator[Row]:
    yield _of_diagnosis(recorded, event, evidence=event.evidence)


def _refute(_rows: Rows, recorded: Envelope, event: diagnosis.DiagnosisRefuted) -> Iterator[Row]:
    yield _of_diagnosis(
        recorded,
        event,
        reason_codes=(event.reason_code,),
        narrative=event.narrative,
        evidence=event.evidence,
    )


def _of_diagnosis(recorded: Envelope, event: Event, **said: Any) -> Decision:  # noqa: ANN401  fields
    return _decision(recorded, event, recommendation_id=None, diagnosis_id=recorded.stream_id, **said)


def _decision(recorded: Envelope, event: Event, **said: Any) -> Decision:  # noqa: ANN401  as above
    """Who recorded it decided it, where the event names nobody else."""
    return Decision(
        stream_id=recorded.stream_id,
        version=recorded.version,
        tag=recorded.tag,
        method=None if recorded.meta is None else recorded.meta.origin.method,
        occurred_at=event.occurred_at,
        precision=event.precision,
        recorded_at=recorded.recorded_at,
        position=recorded.position,
        **{"decided_by": recorded.actor_id, **said},
    )


def _enter_in_error(
    rows: Rows, recorded: Envelope, _event: diagnosis.DiagnosisEnteredInError
) -> Iterator[Row]:
    """Nothing was decided about what should not have been there."""
    for decision in rows.under(DECISION, recorded.stream_id):
        yield replace(decision, removed=True)
    yield from evidence.evolve(rows, recorded)


ON_THE_LINE: Mapping[type[Event], Callable[[Rows, Envelope, Any], Iterable[Row]]] = {
    **dict.fromkeys(VERSION_EVENTS, _version),
    recommendation.RecommendationSuspended: _course,
    recommendation.RecommendationResumed: _course,
    recommendation.RecommendationCompleted: _course,
    recommendation.RecommendationDiscontinued: _course,
    recommendation.ProposalRejected: _reject,
    recommendation.SafetyReviewClosed: _close,
}
FOLDS: Mapping[type[Event], Callable[[Rows, Envelope, Any], Iterable[Row]]] = {
    recommendation.RecommendationDrafted: _draft,
    **ON_THE_LINE,
    diagnosis.DiagnosisConfirmed: _confirm,
    diagnosis.DiagnosisRefuted: _refute,
    diagnosis.DiagnosisEnteredInError: _enter_in_error,
}


def touches(recorded: Envelope) -> Iterator[Touch]:
    kind = type(recorded.event)
    if kind in ON_THE_LINE:
        yield LINE, recorded.stream_id
    if kind is diagnosis.DiagnosisEnteredInError:
        yield DECISION, recorded.stream_id
    if kind in evidence.LOOKS_BACK:
        yield EVIDENCE, recorded.stream_id


def evolve(rows: Rows, recorded: Envelope) -> Iterable[Row]:
    fold = FOLDS.get(type(recorded.event))  # type: ignore[arg-type]  # None, the erased, is no key
    return evidence.evolve(rows, recorded) if fold is None else fold(rows, recorded, recorded.event)


MODEL = ReadModel(
    name="decisions",
    tables=(DECISION, LINE, EVIDENCE),
    touches=touches,
    evolve=evolve,
    of=FOLDS.keys() | evidence.FOLDS.keys(),
    depends=(evidence, version_row),
)
