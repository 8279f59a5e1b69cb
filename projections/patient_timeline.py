"""Everything that happened to a patient, one item for each fact, as it is known."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any, TypeAlias
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain import feedback, patient
from domain.diagnosis import events as diagnosis
from domain.event import Change, Event
from domain.recommendation import events as recommendation
from projections import timeline_item
from projections.model import ReadModel, Row, Rows, Table, Touch
from projections.timeline_item import ITEM, KINDS, THREAD, Envelope, Item, Thread, item_of, plain


def _fact(_rows: Rows, recorded: Envelope, event: Event) -> Iterator[Row]:
    yield item_of(recorded, event, plain(event))


def _merge(
    _rows: Rows, recorded: Envelope, event: patient.PatientsMerged | patient.PatientMergeReversed
) -> Iterator[Row]:
    """Told on both streams, and so twice in a group, but for a mere proposal that is called off."""
    both = isinstance(event, patient.PatientsMerged) or event.merged
    twin_of = event.survivor_id if both and event.side == "retired" else None
    yield item_of(recorded, event, plain(event), twin_of=twin_of)


def _correct_details(rows: Rows, recorded: Envelope, event: patient.PatientDetailsCorrected) -> Iterator[Row]:
    for item in rows.under(ITEM, recorded.stream_id):
        if item.kind == "registration":
            yield _corrected(item, event.changes)
        elif item.kind == "death" and "died_at" in event.changes:
            died_at = event.changes["died_at"].after
            when = item.occurred_at if died_at is None else msgspec.convert(died_at, datetime)
            yield replace(item, occurred_at=when, corrected=True, removed=died_at is None)


def _corrected(item: Item, changes: dict[str, Change]) -> Item:
    """The item with the new values of the fields it shows; others (a phone number) leave it as it was."""
    shown = {name: change.after for name, change in changes.items() if name in item.data}
    return replace(item, data={**item.data, **shown}, corrected=True) if shown else item


def _diagnose(_rows: Rows, recorded: Envelope, event: diagnosis.DiagnosisRecorded) -> Iterator[Row]:
    data, stream_id = plain(event), recorded.stream_id
    yield Thread(stream_id=stream_id, diagnosis_id=stream_id, condition=data["condition"])
    yield item_of(recorded, event, data, stream_id)


def _examine(_rows: Rows, recorded: Envelope, event: Event) -> Iterator[Row]:
    refs: dict[str, UUID] = {}
    if isinstance(event, diagnosis.FindingRecorded):
        refs["finding_id"] = event.finding_id
    elif isinstance(event, diagnosis.AssessmentAdded):
        refs["assessment_id"] = event.assessment_id
    yield item_of(recorded, event, plain(event), recorded.stream_id, refs)


def _step(rows: Rows, recorded: Envelope, event: Event) -> Iterator[Row]:
    """The course of a diagnosis: it says of which condition."""
    thread = rows.get(THREAD, recorded.stream_id)
    if thread is not None:
        yield item_of(recorded, event, {**plain(event), "condition": thread.condition}, recorded.stream_id)


def _revise_diagnosis(rows: Rows, recorded: Envelope, event: diagnosis.DiagnosisRevised) -> Iterator[Row]:
    renamed = event.changes.get("condition")
    thread = rows.get(THREAD, recorded.stream_id)
    if thread is not None and renamed is not None:
        yield replace(thread, condition=renamed.after)
    for item in rows.under(ITEM, recorded.stream_id):
        if item.tag == "diagnosis.recorded":
            yield _corrected(item, event.changes)
        elif renamed is not None:
            yield _corrected(item, {"condition": renamed})


def _retract_finding(rows: Rows, recorded: Envelope, event: diagnosis.FindingRetracted) -> Iterator[Row]:
    for item in rows.under(ITEM, recorded.stream_id):
        if item.refs.get("finding_id") == event.finding_id:
            yield replace(item, removed=True)


def _withdraw(rows: Rows, recorded: Envelope, _event: Event) -> Iterator[Row]:
    """Nothing of this stream should have been there."""
    for item in rows.under(ITEM, recorded.stream_id):
        yield replace(item, removed=True)
    for thread in rows.under(THREAD, recorded.stream_id):
        yield replace(thread, removed=True)


def _draft(_rows: Rows, recorded: Envelope, event: recommendation.RecommendationDrafted) -> Iterator[Row]:
    line = recorded.stream_id
    yield Thread(stream_id=line, diagnosis_id=event.diagnosis_id, refs={"recommendation_id": line})


def _follow(rows: Rows, recorded: Envelope, event: Event) -> Iterator[Row]:
    """A fact of a line or a feedback, whose head says what it is about."""
    thread = rows.get(THREAD, recorded.stream_id)
    if thread is not None:
        yield item_of(recorded, event, plain(event), thread.diagnosis_id, thread.refs)


Versioned: TypeAlias = (
    recommendation.RecommendationIssued
    | recommendation.RecommendationRevised
    | recommendation.RecommendationPhaseAdvanced
    | recommendation.RecommendationVersionRestored
)


def _raise_version(rows: Rows, recorded: Envelope, event: Versioned) -> Iterator[Row]:
    thread = rows.get(THREAD, recorded.stream_id)
    if thread is None:
        return
    data, items = plain(event), thread.items
    if isinstance(event, recommendation.RecommendationRevised):
        ops = [change.op for change in event.changes]
        items += ops.count("add") - ops.count("remove")
        reasons = list(dict.fromkeys(change.reason_code for change in event.changes))
        data = {**data, "changes": len(ops), "reason_codes": reasons}
    elif not isinstance(event, recommendation.RecommendationPhaseAdvanced):
        items = len(event.items)
    yield replace(thread, items=items)
    yield item_of(recorded, event, {**data, "items": items}, thread.diagnosis_id, thread.refs)


def _answer(_rows: Rows, recorded: Envelope, event: feedback.FeedbackSubmitted) -> Iterator[Row]:
    refs = {"recommendation_id": event.recommendation_id, "feedback_id": recorded.stream_id}
    yield Thread(stream_id=recorded.stream_id, diagnosis_id=event.diagnosis_id, refs=refs)
    yield item_of(recorded, event, plain(event), event.diagnosis_id, refs)


def _amend_feedback(rows: Rows, recorded: Envelope, event: feedback.FeedbackAmended) -> Iterator[Row]:
    for item in rows.under(ITEM, recorded.stream_id):
        if item.tag == "feedback.submitted":
            yield _corrected(item, event.changes)


Fold: TypeAlias = Callable[[Rows, Envelope, Any], Iterable[Row]]
Looks: TypeAlias = tuple[Table[Any], ...]

ALONE: Looks = ()
BY_HEAD: Looks = (THREAD,)
OVER_ITEMS: Looks = (ITEM,)
OVER_BOTH: Looks = (ITEM, THREAD)

FOLDS: dict[type[Event], tuple[Fold, Looks]] = {
    **dict.fromkeys(KINDS, (_fact, ALONE)),
    patient.PatientsMerged: (_merge, ALONE),
    patient.PatientMergeReversed: (_merge, ALONE),
    patient.PatientDetailsCorrected: (_correct_details, OVER_ITEMS),
    diagnosis.DiagnosisRecorded: (_diagnose, ALONE),
    diagnosis.FindingRecorded: (_examine, ALONE),
    diagnosis.AssessmentAdded: (_examine, ALONE),
    diagnosis.SymptomObserved: (_examine, ALONE),
    diagnosis.ReferralAdvised: (_examine, ALONE),
    diagnosis.DiagnosisConfirmed: (_step, BY_HEAD),
    diagnosis.DiagnosisRefuted: (_step, BY_HEAD),
    diagnosis.DiagnosisResolved: (_step, BY_HEAD),
    diagnosis.DiagnosisRecurred: (_step, BY_HEAD),
    diagnosis.DiagnosisRevised: (_revise_diagnosis, OVER_BOTH),
    diagnosis.FindingRetracted: (_retract_finding, OVER_ITEMS),
    diagnosis.DiagnosisEnteredInError: (_withdraw, OVER_BOTH),
    recommendation.RecommendationDrafted: (_draft, ALONE),
    recommendation.RecommendationIssued: (_raise_version, BY_HEAD),
    recommendation.RecommendationRevised: (_raise_version, BY_HEAD),
    recommendation.RecommendationPhaseAdvanced: (_raise_version, BY_HEAD),
    recommendation.RecommendationVersionRestored: (_raise_version, BY_HEAD),
    recommendation.RecommendationSuspended: (_follow, BY_HEAD),
    recommendation.RecommendationResumed: (_follow, BY_HEAD),
    recommendation.RecommendationCompleted: (_follow, BY_HEAD),
    recommendation.RecommendationDiscontinued: (_follow, BY_HEAD),
    recommendation.RecommendationAcknowledged: (_follow, BY_HEAD),
    recommendation.SafetyReviewRequested: (_follow, BY_HEAD),
    recommendation.SafetyReviewClosed: (_follow, BY_HEAD),
    feedback.FeedbackSubmitted: (_answer, ALONE),
    feedback.FeedbackReviewed: (_follow, BY_HEAD),
    feedback.AdverseEventEscalated: (_follow, BY_HEAD),
    feedback.FeedbackAmended: (_amend_feedback, OVER_ITEMS),
    feedback.FeedbackRetracted: (_withdraw, OVER_BOTH),
}


def touches(recorded: Envelope) -> Iterable[Touch]:
    found = FOLDS.get(type(recorded.event))  # type: ignore[arg-type]  # None, the erased, is no key
    return () if found is None else [(table, recorded.stream_id) for table in found[1]]


def evolve(rows: Rows, recorded: Envelope) -> Iterable[Row]:
    found = FOLDS.get(type(recorded.event))  # type: ignore[arg-type]  # as above
    return () if found is None else found[0](rows, recorded, recorded.event)


MODEL = ReadModel(
    name="patient_timeline",
    tables=(ITEM, THREAD),
    touches=touches,
    evolve=evolve,
    of=FOLDS.keys(),
    depends=(timeline_item,),
)
