"""Stories of a revision: its entries, what each must be like, and the reasons they give."""

import msgspec
import pytest

from domain.event import (
    EvidenceLink,
    Narrative,
    Origin,
)
from domain.items import ItemChange, recorded_item
from domain.reasons import IMPORTED
from domain.recommendation import (
    ProposeRevision,
    RecommendationRevised,
    SafetyCheck,
)
from tests.domain.lines import (
    FEEDBACK,
    MINT,
    MINT_TEA,
    PREDICTION,
    RECOMMENDATION,
    STRONGER_TEA,
    THYME,
    THYME_TEA,
    WALK,
    WALKING,
    WORDS,
    a_line,
    drafted,
    entry,
    issued,
    items_of,
    mint,
    new,
    revise,
    revised,
    severe_review,
    suspended,
    thyme,
)
from tests.domain.spec import (
    BY_IMPORT,
    BY_MODEL,
    NOW,
    PRACTITIONER,
    SERVICE,
    ago,
    an_id,
)


def test_a_revision_makes_the_next_version() -> None:
    story = a_line.when(
        revise(
            entry("add", after=new(WALKING), index=0),
            entry("replace", item_id=THYME, before_hash=thyme.item_hash, after=new(STRONGER_TEA)),
            entry("remove", item_id=MINT),
        )
    ).then(
        RecommendationRevised(
            occurred_at=NOW,
            recommendation_version=2,
            base_version=1,
            changes=(
                ItemChange(
                    op="add",
                    item_id=an_id(51),
                    after=recorded_item(WALKING, an_id(51)),
                    index=0,
                    reason_code="ADHERENCE.PREFERENCE",
                ),
                ItemChange(
                    op="replace",
                    item_id=THYME,
                    before_hash=thyme.item_hash,
                    after=recorded_item(STRONGER_TEA, THYME),
                    reason_code="ADHERENCE.PREFERENCE",
                ),
                ItemChange(
                    op="remove",
                    item_id=MINT,
                    before_hash=mint.item_hash,
                    reason_code="ADHERENCE.PREFERENCE",
                ),
            ),
            decided_by=PRACTITIONER.account_id,
            safety_check=SafetyCheck(),
        )
    )
    assert items_of(story.state) == ["پیاده‌روی", "دمنوش آویشن"]


def test_an_item_moves() -> None:
    story = a_line.when(revise(entry("reorder", item_id=MINT, index=0))).then_done()
    assert items_of(story.state) == ["نعناع", "دمنوش آویشن"]


def test_a_removed_item_may_come_back_under_its_id() -> None:
    gone = a_line.when(revise(entry("remove", item_id=MINT))).then_done()
    back = revise(entry("add", item_id=MINT, after=new(MINT_TEA)), base_version=2)
    assert items_of(gone.when(back).then_done().state) == ["دمنوش آویشن", "نعناع"]


def test_who_revises_has_seen_the_version_in_force() -> None:
    RECOMMENDATION.given(drafted, issued, revised).when(revise(entry("remove", item_id=MINT))).then_conflict(
        "recommendation.version_moved"
    )


def test_a_revision_without_entries_changes_nothing() -> None:
    a_line.when(revise()).then_nothing()


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (entry("add"), "after recommendation.field_required"),
        (entry("replace", item_id=MINT), "after recommendation.field_required"),
        (entry("replace", after=new(MINT_TEA)), "item_id recommendation.field_required"),
        (entry("remove"), "item_id recommendation.field_required"),
        (entry("reorder", item_id=MINT), "index recommendation.field_required"),
        (entry("reorder", index=0), "item_id recommendation.field_required"),
        (entry("add", after=new(WALKING), before_hash="x"), "before_hash recommendation.field_meaningless"),
        (
            entry("replace", item_id=THYME, after=new(STRONGER_TEA), index=0),
            "index recommendation.field_meaningless",
        ),
        (entry("remove", item_id=MINT, after=new(MINT_TEA)), "after recommendation.field_meaningless"),
        (entry("remove", item_id=MINT, index=0), "index recommendation.field_meaningless"),
        (
            entry("reorder", item_id=MINT, index=0, after=new(MINT_TEA)),
            "after recommendation.field_meaningless",
        ),
        (
            entry("add", item_id=WALK, after=new(WALKING, item_id=str(MINT))),
            "after.item_id recommendation.item_id_mismatch",
        ),
        (entry("add", item_id=MINT, after=new(WALKING)), "item_id recommendation.item_exists"),
        (entry("add", after=new(WALKING), index=3), "index recommendation.index_out_of_range"),
        (entry("remove", item_id=WALK), "item_id recommendation.item_unknown"),
        (entry("replace", item_id=WALK, after=new(WALKING)), "item_id recommendation.item_unknown"),
        (
            entry("remove", item_id=MINT, before_hash=thyme.item_hash),
            "before_hash recommendation.before_hash_mismatch",
        ),
        (entry("reorder", item_id=MINT, index=2), "index recommendation.index_out_of_range"),
        (
            entry("replace", item_id=THYME, after=new(STRONGER_TEA, remedy={"text": "\u200c"})),
            "after.remedy.text text.blank",
        ),
        (entry("remove", item_id=MINT, reason_code="WHIM"), "reason_code reason.unknown"),
        (entry("remove", item_id=MINT, reason_code="INITIAL"), "reason_code reason.not_for_this_change"),
        (
            entry("reorder", item_id=MINT, index=0, reason_code="OUTCOME.GOAL_MET"),
            "reason_code reason.not_for_this_change",
        ),
        (
            entry("remove", item_id=MINT, reason_code="OUTCOME.INEFFECTIVE"),
            "evidence reason.evidence_required",
        ),
    ],
)
def test_each_wrong_entry_is_named(wrong: object, error: str) -> None:
    a_line.when(revise(wrong)).then_rejected(error.split()[1], f"changes.0.{error}")


def test_a_replaced_item_may_be_named_in_its_body() -> None:
    named = entry("replace", after=new(STRONGER_TEA, item_id=str(THYME)))
    a_line.when(revise(named)).then_done()


@pytest.mark.parametrize(
    "empty",
    [
        entry("replace", item_id=THYME, after=new(THYME_TEA)),
        entry("reorder", item_id=THYME, index=0),
    ],
)
def test_an_entry_that_changes_nothing_is_an_error_of_its_author(empty: object) -> None:
    a_line.when(revise(empty, entry("remove", item_id=MINT))).then_rejected(
        "recommendation.change_empty", "changes.0 recommendation.change_empty"
    )


def test_entries_that_undo_each_other_change_nothing_either() -> None:
    to_and_fro = revise(entry("reorder", item_id=MINT, index=0), entry("reorder", item_id=THYME, index=0))
    a_line.when(to_and_fro).then_rejected(
        "recommendation.change_empty", "changes recommendation.change_empty"
    )


def test_an_item_is_named_once() -> None:
    twice = revise(entry("replace", item_id=THYME, after=new(STRONGER_TEA)), entry("remove", item_id=THYME))
    a_line.when(twice).then_rejected(
        "recommendation.item_twice", "changes.1.item_id recommendation.item_twice"
    )
    changed_and_moved = revise(
        entry("replace", item_id=THYME, after=new(STRONGER_TEA)), entry("reorder", item_id=THYME, index=1)
    )
    a_line.when(changed_and_moved).then_done()
    gone = revise(entry("remove", item_id=MINT), entry("reorder", item_id=MINT, index=0))
    a_line.when(gone).then_rejected(
        "recommendation.item_unknown", "changes.1.item_id recommendation.item_unknown"
    )


def test_what_leaves_nothing_to_do_is_no_revision() -> None:
    everything = revise(entry("remove", item_id=MINT), entry("remove", item_id=THYME))
    a_line.when(everything).then_rejected(
        "recommendation.items_required", "changes recommendation.items_required"
    )


def test_all_wrong_entries_are_named_at_once() -> None:
    missing = EvidenceLink(type="feedback", ref="f-2")
    wrong = revise(
        entry("add"),
        entry("remove", item_id=MINT, reason_code="SAFETY.ADVERSE_EVENT", evidence=[missing]),
        entry("remove", item_id=THYME, reason_code="SAFETY.ADVERSE_EVENT"),
        safety_check=SafetyCheck(result="not_applicable"),
    )
    a_line.when(wrong, unresolved=frozenset({("feedback", "f-2")})).then_rejected(
        "request.rejected",
        "safety_check.result recommendation.safety_check_required",
        "narrative reason.narrative_required",
        "changes.1.evidence.0.ref evidence.unresolved",
        "changes.2.evidence reason.evidence_required",
        "changes.0.after recommendation.field_required",
    )


def test_a_change_rests_on_what_its_code_asks() -> None:
    command = revise(
        entry("remove", item_id=MINT, reason_code="SAFETY.ADVERSE_EVENT", evidence=[FEEDBACK]),
        narrative=WORDS,
    )
    a_line.when(command).then_done()
    a_line.when(msgspec.structs.replace(command, narrative=Narrative(text=" "))).then_rejected(
        "reason.narrative_required", "narrative reason.narrative_required"
    )


def test_revisions_do_not_run_backwards() -> None:
    story = RECOMMENDATION.given(drafted, issued, revised)
    command = revise(entry("remove", item_id=MINT), base_version=2)
    story.when(msgspec.structs.replace(command, occurred_at=ago(days=6))).then_rejected("time.backwards")
    story.when(msgspec.structs.replace(command, occurred_at=ago(days=5))).then_done()


def test_the_practitioner_who_revises_for_a_model_has_approved_it() -> None:
    update = revise(entry("remove", item_id=MINT, reason_code="EVIDENCE.MODEL_UPDATE", evidence=[PREDICTION]))
    (event,) = a_line.when(update).events
    assert isinstance(event, RecommendationRevised)
    assert event.approved_by == PRACTITIONER.account_id
    a_line.when(update, origin=BY_IMPORT, actor=SERVICE).then_rejected(
        "recommendation.approval_required", "approved_by recommendation.approval_required"
    )
    approved = msgspec.structs.replace(update, approved_by=an_id(99))
    a_line.when(approved).then_rejected("approval.not_yours", "approved_by approval.not_yours")
    a_line.when(msgspec.structs.replace(update, approved_by=PRACTITIONER.account_id)).then_done()
    a_line.when(approved, origin=BY_IMPORT, actor=SERVICE).then_done()


def test_an_import_tells_a_change_whose_reason_only_its_source_knows() -> None:
    command = revise(
        entry("remove", item_id=MINT, reason_code=IMPORTED), safety_check=SafetyCheck(result="not_applicable")
    )
    a_line.when(command, origin=BY_IMPORT, actor=SERVICE).then_done()
    a_line.when(msgspec.structs.replace(command, safety_check=SafetyCheck())).then_rejected(
        "reason.only_for_imports"
    )


@pytest.mark.parametrize("source", ["model", "engine", "import"])
def test_nobodys_item_passes_for_a_models_or_an_imports(source: str) -> None:
    command = revise(entry("add", after=new(WALKING, source=source)))
    a_line.when(command).then_rejected("provenance.not_yours", "changes.0.after.source provenance.not_yours")
    a_line.when(command, origin=BY_IMPORT, actor=SERVICE).then_done()
    theirs = recorded_item(msgspec.structs.replace(WALKING, source=source), WALK)
    added = msgspec.structs.replace(
        revised,
        changes=(ItemChange(op="add", item_id=WALK, after=theirs, reason_code="ADHERENCE.PREFERENCE"),),
    )
    story = RECOMMENDATION.given(drafted, issued, added)
    less = new(WALKING, source=source, duration_days=7)
    story.when(revise(entry("replace", item_id=WALK, after=less), base_version=2)).then_done()
    again = entry("replace", item_id=MINT, after=new(MINT_TEA, source=source))
    story.when(revise(again, base_version=2)).then_rejected("provenance.not_yours")


def test_a_model_proposes_an_item_as_its_own() -> None:
    by_model = entry("add", after=new(WALKING, source="model"))
    propose = ProposeRevision(base_version=1, changes=(by_model,))
    a_line.when(propose, origin=BY_MODEL, actor=SERVICE).then_done()
    a_line.when(propose, origin=Origin(channel="engine", method="rule"), actor=SERVICE).then_done()
    a_line.when(propose).then_rejected("provenance.not_yours")


def test_what_is_suspended_may_be_revised() -> None:
    story = RECOMMENDATION.given(drafted, issued, suspended)
    story.when(revise(entry("remove", item_id=MINT))).then_done()


def test_a_severe_review_comes_before_the_next_revision() -> None:
    story = RECOMMENDATION.given(drafted, issued, severe_review)
    story.when(revise(entry("remove", item_id=MINT))).then_rejected("recommendation.safety_review_open")
    safe = entry("remove", item_id=MINT, reason_code="SAFETY.ADVERSE_EVENT", evidence=[FEEDBACK])
    story.when(revise(safe, narrative=WORDS)).then_done()
    story.when(revise(safe, entry("add", after=new(WALKING)), narrative=WORDS)).then_rejected(
        "recommendation.safety_review_open"
    )
    mild = msgspec.structs.replace(severe_review, severity="moderate")
    RECOMMENDATION.given(drafted, issued, mild).when(revise(entry("remove", item_id=MINT))).then_done()
