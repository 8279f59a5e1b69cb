"""A timeline: one item for each fact, in the state that was known when one asks."""

from datetime import datetime
from uuid import UUID

import pytest

from domain import patient
from domain.diagnosis import events as diagnosis
from domain.errors import Rejected
from domain.event import Change
from domain.recommendation import events as recommendation
from projections.patient_timeline import MODEL
from projections.timeline_item import ITEM
from projections.timeline_page import Asked, Page, page_of
from projections.timeline_words import Words
from tests.projections.sample import (
    FINDING_ID,
    REVIEW_ID,
    a_year,
    amended,
    answered,
    drafted,
    found,
    merged,
    on,
    recorded,
    registered,
    retracted,
    reversed_merge,
    revised,
)
from tests.projections.story import (
    DIAGNOSIS_ID,
    FEEDBACK_ID,
    LINE_ID,
    OTHER_PATIENT_ID,
    PATIENT_ID,
    Log,
)

EN = Words("en")


def page(
    log: Log,
    asked: Asked | None = None,
    *,
    group: tuple[UUID, ...] = (PATIENT_ID,),
    known_at: int | None = None,
    as_of: datetime | None = None,
) -> Page:
    folded = [(member, log.rows(MODEL, member, known_at, as_of)) for member in group]
    return page_of(folded, asked or Asked(), EN, 0, 1)


def tags(found: Page) -> list[str]:
    return [item.tag for item in found.items]


def test_items_come_newest_first_in_words() -> None:
    told = page(a_year(), Asked(limit=6))
    assert [item.title for item in told.items] == [
        "Condition recurred",
        "Condition resolved",
        "Recommendation acknowledged",
        "Recommendation revised",
        "Recommendation revised",
        "Feedback",
    ]
    assert told.items[0].summary == "Migraine came back."
    assert told.items[3].data["reason_codes"] == ["SAFETY.ADVERSE_EVENT", "ADHERENCE.COST"]
    assert (told.items[3].data["items"], told.items[3].data["changes"]) == (2, 2)
    assert told.items[3].refs == {"diagnosis_id": DIAGNOSIS_ID, "recommendation_id": LINE_ID}


def test_a_draft_is_no_item_and_a_phone_number_is_in_none() -> None:
    told = page(a_year())
    assert "recommendation.drafted" not in tags(told)
    assert "0912" not in str(told)


def test_pages_follow_each_other() -> None:
    log = a_year()
    first = page(log, Asked(limit=4))
    assert first.next is not None
    second = page(log, Asked(limit=100, before=first.next))
    assert second.next is None
    assert first.items + second.items == page(log, Asked(limit=100)).items


@pytest.mark.parametrize("cursor", ["", "x", "MDoxOjI6Mw", "MTo1OjY", "MDo5OTk5OTk5OTk5OTk5OTk5OTk6MQ", "ا"])
def test_a_cursor_that_we_did_not_give_is_refused(cursor: str) -> None:
    with pytest.raises(Rejected, match=r"cursor\.invalid"):
        page(a_year(), Asked(before=cursor))


def test_filters() -> None:
    log = a_year().add(PATIENT_ID, patient.PatientDied(occurred_at=on(10)))
    assert tags(page(log, Asked(kinds=("finding", "symptom")))) == [
        "diagnosis.symptom_observed",
        "diagnosis.finding_recorded",
    ]
    assert tags(page(log, Asked(start=on(9), end=on(10)))) == ["diagnosis.recurred"]
    assert len(page(log, Asked(diagnosis_id=DIAGNOSIS_ID)).items) == len(page(log).items) - 4
    assert tags(page(log, Asked(diagnosis_id=LINE_ID))) == []


def test_a_revised_diagnosis_is_corrected_today_and_was_not_before() -> None:
    log = a_year()
    before = len(log.events)
    log.add(DIAGNOSIS_ID, revised(condition={"text": "Cluster headache"}, severity="severe"))
    told = {item.tag: item for item in page(log).items}
    assert told["diagnosis.recorded"].corrected
    assert told["diagnosis.recorded"].summary == "Cluster headache (provisional); severity: severe"
    assert told["diagnosis.recurred"].summary == "Cluster headache came back."
    log.add(DIAGNOSIS_ID, diagnosis.DiagnosisConfirmed(occurred_at=on(11)))
    assert page(log).items[0].data["condition"] == {"text": "Cluster headache"}
    then = {item.tag: item for item in page(log, known_at=before).items}
    assert then["diagnosis.recorded"].summary == "Migraine (provisional); severity: mild"
    assert not then["diagnosis.recorded"].corrected


def test_a_revision_of_severity_alone_leaves_the_course_as_it_was() -> None:
    log = a_year().add(DIAGNOSIS_ID, revised(severity="severe"))
    assert [item.tag for item in page(log).items if item.corrected] == ["diagnosis.recorded"]


def test_as_of_an_earlier_day_todays_knowledge_of_that_day_is_shown() -> None:
    log = a_year().add(DIAGNOSIS_ID, revised(severity="severe"))
    told = page(log, as_of=on(2, 1))
    assert tags(told)[0] == "diagnosis.recorded"
    assert told.items[0].data["severity"] == "severe"


def test_a_retracted_finding_is_a_tombstone() -> None:
    log = a_year().add(
        DIAGNOSIS_ID,
        found_again := diagnosis.FindingRecorded(
            occurred_at=on(2, 9), finding_id=REVIEW_ID, modality="pulse", attributes={}
        ),
    )
    log.add(
        DIAGNOSIS_ID,
        diagnosis.FindingRetracted(
            occurred_at=on(2, 2), finding_id=FINDING_ID, reason_code="CORRECTION.DUPLICATE"
        ),
    )
    told = page(log, Asked(kinds=("finding",)))
    assert [item.refs["finding_id"] for item in told.items] == [found_again.finding_id]
    assert sum(item.removed for item in log.rows(MODEL).all(ITEM)) == 1


def test_a_diagnosis_entered_in_error_disappears_with_all_that_was_recorded_for_it() -> None:
    log = a_year().add(
        DIAGNOSIS_ID, diagnosis.DiagnosisEnteredInError(occurred_at=on(2), reason_code="CORRECTION.DUPLICATE")
    )
    assert not [tag for tag in tags(page(log)) if tag.startswith("diagnosis.")]
    assert "recommendation.issued" in tags(page(log))


def test_feedback_can_be_amended_and_taken_back() -> None:
    log = Log().add(FEEDBACK_ID, answered(), amended(rating=4))
    told = page(log).items[0]
    assert (told.corrected, told.data["rating"]) == (True, 4)
    assert told.refs == {
        "diagnosis_id": DIAGNOSIS_ID,
        "recommendation_id": LINE_ID,
        "feedback_id": FEEDBACK_ID,
    }
    assert page(log.add(FEEDBACK_ID, retracted())).items == ()


def test_corrected_details_change_what_is_shown() -> None:
    change = {"name": Change(before="Mina", after="Mina R."), "phone": Change(before=None, after="0913")}
    correct = patient.PatientDetailsCorrected(
        occurred_at=on(1), changes=change, reason_code="CORRECTION.DATA_ENTRY"
    )
    told = page(Log().add(PATIENT_ID, registered(), correct)).items[0]
    assert (told.data["name"], told.corrected) == ("Mina R.", True)
    del change["name"]
    unseen = page(Log().add(PATIENT_ID, registered(), correct)).items[0]
    assert (unseen.data["name"], unseen.corrected) == ("Mina", False)


@pytest.mark.parametrize(("died_at", "shown"), [("2025-05-04T12:00:00Z", [on(5, 4)]), (None, [])])
def test_a_death_can_be_corrected_or_taken_back(died_at: str | None, shown: list[datetime]) -> None:
    correct = patient.PatientDetailsCorrected(
        occurred_at=on(5),
        changes={"died_at": Change(before=None, after=died_at)},
        reason_code="CORRECTION.DATA_ENTRY",
    )
    log = Log().add(PATIENT_ID, registered(), patient.PatientDied(occurred_at=on(5)), found(), correct)
    assert [item.occurred_at for item in page(log, Asked(kinds=("death",))).items] == shown


def test_a_merge_is_told_once_in_the_group_and_on_each_side_after_its_reversal() -> None:
    log = Log().add(PATIENT_ID, registered())
    log.add(OTHER_PATIENT_ID, registered("Mina R.", "P-2"), subject_id=OTHER_PATIENT_ID)
    log.add(PATIENT_ID, merged(PATIENT_ID, OTHER_PATIENT_ID, "survivor"))
    log.add(OTHER_PATIENT_ID, merged(PATIENT_ID, OTHER_PATIENT_ID, "retired"), subject_id=OTHER_PATIENT_ID)
    group = (PATIENT_ID, OTHER_PATIENT_ID)
    assert tags(page(log, group=group)) == ["patient.merged", "patient.registered", "patient.registered"]
    log.add(PATIENT_ID, reversed_merge(PATIENT_ID, OTHER_PATIENT_ID, "survivor"))
    log.add(
        OTHER_PATIENT_ID, reversed_merge(PATIENT_ID, OTHER_PATIENT_ID, "retired"), subject_id=OTHER_PATIENT_ID
    )
    alone = ["patient.merge_reversed", "patient.merged", "patient.registered"]
    assert tags(page(log)) == alone
    assert tags(page(log, group=(OTHER_PATIENT_ID,))) == alone
    assert len(page(log, group=group).items) == 4


def test_a_past_that_does_not_know_the_beginning_of_a_stream_shows_nothing_of_it() -> None:
    later = on(12)
    log = Log().add(DIAGNOSIS_ID, recorded(), diagnosis.DiagnosisRecurred(occurred_at=on(1)))
    log.add(LINE_ID, drafted(), recommendation.RecommendationResumed(occurred_at=on(1), reason_code="OTHER"))
    log.add(
        LINE_ID,
        recommendation.RecommendationPhaseAdvanced(
            occurred_at=on(1),
            recommendation_version=2,
            from_phase=None,
            to_phase="balancing",
            decided_by=LINE_ID,
        ),
    )
    log.add(DIAGNOSIS_ID, revised(condition={"text": "Other"}))
    assert page(log, as_of=on(1)).items == ()
    assert len(page(log, as_of=later).items) == 4
