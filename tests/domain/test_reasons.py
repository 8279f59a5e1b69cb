"""The matrix of reason codes: where each is legal, and what it must rest on."""

from typing import get_args

import pytest

from domain.event import EvidenceLink, EvidenceType, Narrative
from domain.reasons import GROUPS, IMPORTED, REASONS, Occasion, Op, cohort_size, group, unfit, violations

OPS: tuple[Op, ...] = get_args(Op)
WORDS = Narrative(text="Heartburn after the third dose, gone within a day.")


def link(of: EvidenceType = "literature", ref: str = "n=12") -> EvidenceLink:
    return EvidenceLink(type=of, ref=ref)


ALL_EVIDENCE = tuple(link(of) for of in get_args(EvidenceType))

R_AND_X = {"replace", "remove"}
LEGAL: dict[str, set[str]] = {
    "INITIAL": set(),
    "SAFETY.ADVERSE_EVENT": R_AND_X,
    "SAFETY.CONTRAINDICATION": R_AND_X,
    "OUTCOME.INEFFECTIVE": R_AND_X,
    "OUTCOME.GOAL_MET": R_AND_X,
    "DIAGNOSIS.REFUTED": {"remove"},
}
EVIDENCE: dict[str, set[str]] = {
    "SAFETY.ADVERSE_EVENT": {"feedback"},
    "SAFETY.CONTRAINDICATION": set(),
    "SAFETY.INTERACTION": set(),
    "SAFETY.ALLERGY": {"background"},
    "SAFETY.PREGNANCY_LACTATION": {"background"},
    "SAFETY.CATALOGUE_ALERT": set(),
    "OUTCOME.INEFFECTIVE": {"feedback", "symptom_series"},
    "OUTCOME.PARTIAL_RESPONSE": set(),
    "OUTCOME.WORSENED": set(),
    "OUTCOME.GOAL_MET": set(),
    "ADHERENCE.NOT_TAKEN": set(),
    "DIAGNOSIS.REVISED": set(),
    "DIAGNOSIS.SEVERITY_CHANGED": set(),
    "DIAGNOSIS.CONSTITUTION_REASSESSED": set(),
    "DIAGNOSIS.COMORBIDITY": set(),
    "DIAGNOSIS.REFUTED": set(),
    "PROTOCOL.GUIDELINE_UPDATE": set(),
    "EVIDENCE.NEW_LITERATURE": set(),
    "EVIDENCE.COHORT_OUTCOME": {"cohort_snapshot"},
    "EVIDENCE.MODEL_UPDATE": {"prediction"},
    "PATIENT.CONSENT_WITHDRAWN": set(),
    "CORRECTION.DUPLICATE": set(),
    "CORRECTION.MERGE": set(),
}
"""The codes that need evidence, and its types where not any will do."""
LETTERS = {
    "SAFETY.ADVERSE_EVENT": 10,
    "OUTCOME.WORSENED": 10,
    "PATIENT.REQUEST": 10,
    "PATIENT.SECOND_OPINION": 10,
    "CORRECTION.DATA_ENTRY": 10,
    "OTHER": 30,
}
REVISING = sorted(set(REASONS) - {"INITIAL"})


def legal_op(code: str) -> Op:
    return REASONS[code].ops[-1]


def codes(
    code: str, evidence: tuple[EvidenceLink, ...] = (), narrative: Narrative | None = None
) -> list[str]:
    found = violations(legal_op(code), code, evidence, narrative, "changes.0", imported=True)
    return [f"{error.path} {error.code}" for error in found]


@pytest.mark.parametrize("code", sorted(REASONS))
def test_is_legal_for_its_ops_and_no_others(code: str) -> None:
    legal = {op for op in OPS if not violations(op, code, ALL_EVIDENCE, WORDS, "changes.0", imported=True)}
    assert legal == LEGAL.get(code, set(OPS))


@pytest.mark.parametrize("code", REVISING)
def test_rests_on_evidence_where_the_code_demands(code: str) -> None:
    lacking = [error for error in codes(code, (), WORDS) if "evidence" in error]
    assert lacking == (["changes.0.evidence reason.evidence_required"] if code in EVIDENCE else [])


@pytest.mark.parametrize("code", sorted(code for code, types in EVIDENCE.items() if types))
def test_rests_on_the_evidence_the_code_names(code: str) -> None:
    assert codes(code, (link("literature"),), WORDS) == ["changes.0.evidence reason.evidence_of_another_type"]
    for of in EVIDENCE[code]:
        assert codes(code, (link("literature"), *[e for e in ALL_EVIDENCE if e.type == of]), WORDS) == []


@pytest.mark.parametrize("code", REVISING)
def test_is_told_in_words_where_the_code_demands(code: str) -> None:
    needed = LETTERS.get(code, 0)
    required = ["narrative reason.narrative_required"] if needed else []
    assert codes(code, ALL_EVIDENCE, None) == required
    assert codes(code, ALL_EVIDENCE, Narrative(text=f" {'x' * (needed - 1)} ")) == required
    assert codes(code, ALL_EVIDENCE, Narrative(text="x" * max(needed, 1))) == []


def test_invisible_letters_are_no_words() -> None:
    assert codes("PATIENT.REQUEST", (), Narrative(text="\u200c " * 20)) == [
        "narrative reason.narrative_required"
    ]


def test_says_how_many_letters_are_needed() -> None:
    (error,) = violations("add", "OTHER", (), None, "changes.0")
    assert error.arguments == {"least": 30}


def test_no_narrative_is_longer_than_two_thousand() -> None:
    assert codes("ADHERENCE.COST", (), Narrative(text="x" * 2000)) == []
    assert codes("ADHERENCE.COST", (), Narrative(text="x" * 2001)) == ["narrative reason.narrative_too_long"]


def test_titration_rests_on_evidence_or_on_words() -> None:
    assert codes("PROTOCOL.TITRATION", (link(),)) == []
    assert codes("PROTOCOL.TITRATION", (), WORDS) == []
    assert codes("PROTOCOL.TITRATION") == [
        "changes.0.evidence reason.evidence_required",
        "narrative reason.narrative_required",
    ]


@pytest.mark.parametrize(
    ("ref", "n"), [("2026-03-20/hot_dry/n=12", 12), ("n=5", 5), ("in=5", 0), ("n=5/x", 0), ("", 0)]
)
def test_a_cohort_tells_its_size_at_the_end_of_its_reference(ref: str, n: int) -> None:
    assert cohort_size(link("cohort_snapshot", ref)) == n


def test_a_cohort_has_at_least_five_patients() -> None:
    small = link("cohort_snapshot", "2026-03-20/hot_dry/n=4")
    assert codes("EVIDENCE.COHORT_OUTCOME", (link(), small)) == [
        "changes.0.evidence.1.ref reason.cohort_too_small"
    ]
    assert codes("EVIDENCE.COHORT_OUTCOME", (link("cohort_snapshot", "a/n=5"),)) == []


def test_an_unknown_code_is_named() -> None:
    (error,) = violations("add", "SAFETY.WHIM", (), None, "changes.3")
    assert (error.path, error.code) == ("changes.3.reason_code", "reason.unknown")
    (error,) = violations("add", "SAFETY.WHIM", (), None, "")
    assert error.path == "reason_code"


def test_only_an_import_says_that_its_source_knows_why() -> None:
    (error,) = violations("add", IMPORTED, (), None, "changes.0")
    assert error.code == "reason.only_for_imports"
    assert violations("add", IMPORTED, (), None, "changes.0", imported=True) == ()


@pytest.mark.parametrize("occasion", get_args(Occasion))
def test_each_occasion_takes_the_groups_that_fit_it(occasion: Occasion) -> None:
    fitting = {code for code in REASONS if not list(unfit(occasion, code, WORDS))}
    assert fitting == {code for code in REASONS if group(code) in GROUPS[occasion]}
    assert list(unfit(occasion, IMPORTED, imported=True)) == []
    assert [error.code for error in unfit(occasion, IMPORTED)] == ["reason.only_for_imports"]
    assert [error.code for error in unfit(occasion, "WHIM")] == ["reason.unknown"]
    assert [error.code for error in unfit(occasion, "INITIAL")] == ["reason.not_for_this_change"]


def test_other_needs_its_words_everywhere() -> None:
    assert [error.code for error in unfit("suspend", "OTHER")] == ["reason.narrative_required"]
    assert list(unfit("suspend", "OTHER", WORDS)) == []
