"""Two versions compared, with the path of reasons between them and what became of the evidence."""

from uuid import UUID

import pytest

from domain import feedback, patient, prediction
from domain.diagnosis import events as diagnosis
from domain.errors import NotFound, Rejected
from domain.event import Change, Coded, Event, EvidenceLink
from domain.items import ItemChange
from domain.recommendation import events as recommendation
from projections.change_view import ComparedVersions, lines_of, versions_of
from projections.evidence import EVIDENCE
from projections.recommendation_changes import MODEL
from tests.domain.spec import an_id
from tests.projections.sample import (
    FINDING_ID,
    GINGER_ID,
    MINT,
    MINT_ID,
    WALK,
    WALK_ID,
    a_year,
    amended,
    answered,
    changed,
    drafted,
    ginger,
    issued,
    on,
    retracted,
    revised,
)
from tests.projections.story import DIAGNOSIS_ID, DOCTOR_ID, FEEDBACK_ID, LINE_ID, PATIENT_ID, Log


def resting_on(version: int, link: EvidenceLink) -> recommendation.RecommendationRevised:
    """A revision that removes an item for this reason."""
    change = ItemChange(op="remove", item_id=WALK_ID, reason_code="OTHER", evidence=(link,))
    return changed(version, 7, change)


def details_corrected() -> patient.PatientDetailsCorrected:
    changes = {"name": Change(before="Mina", after="Minoo")}
    return patient.PatientDetailsCorrected(
        occurred_at=on(1), changes=changes, reason_code="CORRECTION.DATA_ENTRY"
    )


def compared(log: Log, first: int, last: int) -> ComparedVersions:
    return versions_of([log.rows(MODEL)], LINE_ID, first, last)


def test_what_was_added_removed_changed_and_came_and_went() -> None:
    told = compared(a_year(), 1, 3)
    assert (told.added, told.removed) == ((), ())
    (change,) = told.changed
    assert change.item_id == GINGER_ID
    assert (change.fields["dose.amount"].before, change.fields["dose.amount"].after) == (2, 1)
    assert change.fields["item_hash"].after == ginger(1).item_hash
    assert [reason.reason_code for reason in change.reasons] == ["SAFETY.ADVERSE_EVENT"]
    assert told.unchanged == (WALK_ID,)
    assert told.transient == (MINT_ID,)
    assert [(reason.version, reason.reason_code) for reason in told.reasons] == [
        (2, "PROTOCOL.SEASONAL"),
        (3, "SAFETY.ADVERSE_EVENT"),
        (3, "ADHERENCE.COST"),
    ]


def test_one_step_has_only_its_own_reasons() -> None:
    told = compared(a_year(), 1, 2)
    assert [item.item_id for item in told.added] == [MINT_ID]
    assert [reason.version for reason in told.reasons] == [2]


def test_the_order_and_the_versions_must_be_real() -> None:
    with pytest.raises(Rejected, match=r"compare\.order"):
        compared(a_year(), 2, 2)
    with pytest.raises(NotFound, match=r"compare\.unknown_version"):
        compared(a_year(), 1, 4)
    with pytest.raises(NotFound, match=r"compare\.unknown_version"):
        compared(a_year(), 0, 3)
    with pytest.raises(NotFound, match=r"compare\.unknown_version"):
        versions_of([a_year().rows(MODEL)], MINT_ID, 1, 2)


def test_a_restored_version_gives_its_reason_for_all_items_and_a_phase_for_none() -> None:
    log = a_year().add(
        LINE_ID,
        recommendation.RecommendationPhaseAdvanced(
            occurred_at=on(8),
            recommendation_version=4,
            from_phase="cleansing",
            to_phase="balancing",
            decided_by=DOCTOR_ID,
        ),
        recommendation.RecommendationVersionRestored(
            occurred_at=on(9),
            recommendation_version=5,
            restored_version=1,
            items=(ginger(2), WALK),
            reason_code="OTHER",
            decided_by=DOCTOR_ID,
        ),
    )
    told = compared(log, 3, 5)
    assert [reason.reason_code for reason in told.reasons] == ["PROTOCOL.PHASE_TRANSITION", "OTHER"]
    assert [reason.reason_code for reason in told.changed[0].reasons] == ["OTHER"]


FATES: dict[str, tuple[int, Event, str]] = {
    "feedback amended": (0, amended(rating=4), "amended"),
    "feedback retracted": (0, retracted(), "retracted"),
    "finding retracted": (
        1,
        diagnosis.FindingRetracted(
            occurred_at=on(2), finding_id=FINDING_ID, reason_code="CORRECTION.DUPLICATE"
        ),
        "retracted",
    ),
    "diagnosis entered in error": (
        1,
        diagnosis.DiagnosisEnteredInError(occurred_at=on(2), reason_code="CORRECTION.DUPLICATE"),
        "entered_in_error",
    ),
}


@pytest.mark.parametrize("what", FATES)
def test_evidence_that_changed_after_it_was_cited_is_marked(what: str) -> None:
    place, event, fate = FATES[what]
    log = a_year()
    assert [link.changed_since for link in compared(log, 1, 3).reasons[1].evidence] == [None, None]
    log.add(DIAGNOSIS_ID if place else FEEDBACK_ID, event)
    since = compared(log, 1, 3).reasons[1].evidence[place].changed_since
    assert since is not None
    assert (since.fate, since.position) == (fate, len(log.events))
    assert compared(log, 1, 3).reasons[1].evidence[1 - place].changed_since is None


@pytest.mark.parametrize(("looked_at", "marked"), [(None, False), (3, False), (2, True)])
def test_what_had_changed_before_it_was_looked_at_is_not_marked(
    looked_at: int | None, *, marked: bool
) -> None:
    log = Log().add(LINE_ID, drafted()).add(FEEDBACK_ID, answered(), amended(rating=4)).add(LINE_ID, issued())
    cites = EvidenceLink(type="feedback", ref=str(FEEDBACK_ID), pinned_position=looked_at)
    change = ItemChange(op="add", item_id=MINT_ID, after=MINT, reason_code="OTHER", evidence=(cites,))
    log.add(LINE_ID, changed(2, 5, change))
    (link,) = compared(log, 1, 2).reasons[0].evidence
    assert (link.changed_since is not None) == marked


def test_consent_and_background_may_end() -> None:
    log = Log().add(LINE_ID, drafted(), issued())
    evidence = (
        EvidenceLink(type="consent", ref="research_cohort"),
        EvidenceLink(type="background", ref="POL"),
        EvidenceLink(type="background", ref="Dust"),
    )
    log.add(
        LINE_ID,
        changed(
            2, 5, ItemChange(op="add", item_id=MINT_ID, after=MINT, reason_code="OTHER", evidence=evidence)
        ),
    )
    log.add(
        PATIENT_ID,
        patient.ConsentWithdrawn(occurred_at=on(6), scope="research_cohort", policy_version="1"),
        patient.BackgroundRecorded(
            occurred_at=on(6), kind="allergy", code=Coded(text="Pollen", code="POL"), status="ended"
        ),
        patient.BackgroundRecorded(occurred_at=on(6), kind="allergy", code=Coded(text="Dust")),
    )
    fates = [
        link.changed_since and link.changed_since.fate for link in compared(log, 1, 2).reasons[0].evidence
    ]
    assert fates == ["withdrawn", "ended", None]


def test_what_was_retracted_stays_retracted_when_its_diagnosis_is_an_error() -> None:
    log = a_year().add(
        DIAGNOSIS_ID,
        FATES["finding retracted"][1],
        FATES["diagnosis entered in error"][1],
    )
    fates = {one.type: one.fate for one in log.rows(MODEL).all(EVIDENCE) if one.owner_id == DIAGNOSIS_ID}
    assert fates == {
        "event": "entered_in_error",
        "finding": "retracted",
        "assessment": "entered_in_error",
        "symptom_series": "entered_in_error",
    }


CITED_EVENTS: dict[str, tuple[UUID, Event, str]] = {
    "patient.registered": (PATIENT_ID, details_corrected(), "amended"),
    "diagnosis.recorded": (DIAGNOSIS_ID, revised(severity="severe"), "amended"),
    "diagnosis.finding_recorded": (DIAGNOSIS_ID, FATES["finding retracted"][1], "retracted"),
    "feedback.submitted": (FEEDBACK_ID, amended(rating=4), "amended"),
}


@pytest.mark.parametrize("tag", CITED_EVENTS)
def test_an_event_that_was_cited_by_its_position_is_marked_too(tag: str) -> None:
    stream_id, event, fate = CITED_EVENTS[tag]
    log = a_year()
    position = next(one.position for one in log.events if one.tag == tag)
    log.add(LINE_ID, resting_on(4, EvidenceLink(type="event", ref=str(position))))
    assert compared(log, 3, 4).reasons[0].evidence[0].changed_since is None
    log.add(stream_id, event)
    since = compared(log, 3, 4).reasons[0].evidence[0].changed_since
    assert since is not None
    assert (since.fate, since.position) == (fate, len(log.events))


def test_a_series_of_a_diagnosis_that_is_an_error_is_marked() -> None:
    again = diagnosis.SymptomObserved(occurred_at=on(3), symptom_code="headache", score=5)
    log = a_year().add(DIAGNOSIS_ID, again)
    log.add(LINE_ID, resting_on(4, EvidenceLink(type="symptom_series", ref="headache")))
    log.add(DIAGNOSIS_ID, FATES["diagnosis entered in error"][1])
    since = compared(log, 3, 4).reasons[0].evidence[0].changed_since
    assert since is not None
    assert since.fate == "entered_in_error"


SCORED = feedback.SymptomScore(symptom_code="nausea", score=3)


@pytest.mark.parametrize(
    ("event", "fate"),
    [
        (amended(symptom_scores=[]), "amended"),
        (amended(rating=4), None),
        (retracted(), "retracted"),
    ],
)
def test_a_series_that_rests_on_feedback_changes_with_it(event: Event, fate: str | None) -> None:
    log = a_year().add(an_id(33), answered(symptom_scores=(SCORED, SCORED)))
    log.add(LINE_ID, resting_on(4, EvidenceLink(type="symptom_series", ref="nausea")))
    log.add(an_id(33), event)
    since = compared(log, 3, 4).reasons[0].evidence[0].changed_since
    assert (since and since.fate) == fate


def test_a_prediction_that_was_voided_is_marked() -> None:
    made = prediction.PredictionMade(
        occurred_at=on(4),
        patient_id=PATIENT_ID,
        diagnosis_id=DIAGNOSIS_ID,
        recommendation_id=LINE_ID,
        version=1,
        target=prediction.Target(metric="headache", threshold=3, direction="at_most"),
        horizon_days=30,
        probability=0.7,
        baseline=7,
        model_id="tabib",
        model_version="3",
        as_of_position=9,
    )
    log = a_year().add(an_id(34), made)
    log.add(LINE_ID, resting_on(4, EvidenceLink(type="prediction", ref=str(an_id(34)))))
    assert compared(log, 3, 4).reasons[0].evidence[0].changed_since is None
    log.add(an_id(34), prediction.PredictionVoided(occurred_at=on(5), reason="the model was withdrawn"))
    since = compared(log, 3, 4).reasons[0].evidence[0].changed_since
    assert since is not None
    assert since.fate == "voided"


def test_an_id_is_the_same_however_it_was_written() -> None:
    log = a_year().add(LINE_ID, resting_on(4, EvidenceLink(type="finding", ref=str(FINDING_ID).upper())))
    log.add(DIAGNOSIS_ID, FATES["finding retracted"][1])
    assert compared(log, 3, 4).reasons[0].evidence[0].changed_since is not None


def test_what_changed_and_changed_back_left_no_trace() -> None:
    back = ItemChange(op="replace", item_id=GINGER_ID, after=ginger(2), reason_code="OTHER")
    gone = ItemChange(op="remove", item_id=WALK_ID, reason_code="OTHER")
    here = ItemChange(op="add", item_id=WALK_ID, after=WALK, reason_code="OTHER")
    log = a_year().add(LINE_ID, changed(4, 7, back, gone), changed(5, 8, here))
    told = compared(log, 1, 5)
    assert (told.added, told.removed, told.changed, told.unchanged) == ((), (), (), ())
    assert set(told.transient) == {GINGER_ID, WALK_ID, MINT_ID}
    assert compared(log, 4, 5).transient == ()
    assert compared(log, 2, 3).unchanged == (WALK_ID,)


def test_two_lines_of_one_diagnosis() -> None:
    other_id, another_id = an_id(22), an_id(23)
    log = a_year().add(other_id, drafted(), issued()).add(another_id, drafted(an_id(12)), issued())
    told = lines_of([log.rows(MODEL)], DIAGNOSIS_ID, (LINE_ID, 3), (other_id, 1))
    assert [one.item_id for one in told.changed] == [GINGER_ID]
    assert {reason.recommendation_id for reason in told.reasons} == {LINE_ID, other_id}
    with pytest.raises(NotFound):
        lines_of([log.rows(MODEL)], DIAGNOSIS_ID, (LINE_ID, 3), (other_id, 2))
    for left, right in ((LINE_ID, another_id), (another_id, LINE_ID), (LINE_ID, an_id(24))):
        with pytest.raises(NotFound, match=r"compare\.unknown_version"):
            lines_of([log.rows(MODEL)], DIAGNOSIS_ID, (left, 1), (right, 1))
