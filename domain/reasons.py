"""Why something was changed: the codes, where each is legal, and what it must rest on."""

import re
from collections.abc import Iterator
from typing import Literal
from unicodedata import category

import msgspec

from domain.errors import FieldError
from domain.event import EvidenceLink, EvidenceType, Narrative

Op = Literal["add", "replace", "remove", "reorder"]
Occasion = Literal[
    "suspend", "resume", "complete", "discontinue", "revise_diagnosis", "refute", "retract", "enter_in_error"
]
"""Where a code is given outside a revision's changes."""

WORDS, WORDS_OF_OTHER, MOST_WORDS = 10, 30, 2_000
"""Letters of a narrative: at least, at least where the code says nothing, at most."""

SMALLEST_COHORT = 5
IMPORTED = "SOURCE.IMPORTED"


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """What one code asks: where it is legal, whether evidence is needed and of which types, how many letters.

    No `types` means evidence of any type; with `either`, evidence or words will do.
    """

    ops: tuple[Op, ...] = ("add", "replace", "remove", "reorder")
    evidence: bool = False
    types: tuple[EvidenceType, ...] = ()
    words: int = 0
    either: bool = False


PLAIN = Reason()
RESTS_ON_EVIDENCE = Reason(evidence=True)
RESTS_ON_WORDS = Reason(words=WORDS)
ONLY_CHANGES_WHAT_IS: tuple[Op, ...] = ("replace", "remove")

REASONS: dict[str, Reason] = {
    "INITIAL": Reason(ops=()),
    "SAFETY.ADVERSE_EVENT": Reason(ops=ONLY_CHANGES_WHAT_IS, evidence=True, types=("feedback",), words=WORDS),
    "SAFETY.CONTRAINDICATION": Reason(ops=ONLY_CHANGES_WHAT_IS, evidence=True),
    "SAFETY.INTERACTION": RESTS_ON_EVIDENCE,
    "SAFETY.ALLERGY": Reason(evidence=True, types=("background",)),
    "SAFETY.PREGNANCY_LACTATION": Reason(evidence=True, types=("background",)),
    "SAFETY.CATALOGUE_ALERT": RESTS_ON_EVIDENCE,
    "OUTCOME.INEFFECTIVE": Reason(
        ops=ONLY_CHANGES_WHAT_IS, evidence=True, types=("feedback", "symptom_series")
    ),
    "OUTCOME.PARTIAL_RESPONSE": RESTS_ON_EVIDENCE,
    "OUTCOME.WORSENED": Reason(evidence=True, words=WORDS),
    "OUTCOME.GOAL_MET": Reason(ops=ONLY_CHANGES_WHAT_IS, evidence=True),
    "ADHERENCE.NOT_TAKEN": RESTS_ON_EVIDENCE,
    "ADHERENCE.TOO_COMPLEX": PLAIN,
    "ADHERENCE.COST": PLAIN,
    "ADHERENCE.UNAVAILABLE": PLAIN,
    "ADHERENCE.PREFERENCE": PLAIN,
    "DIAGNOSIS.REVISED": RESTS_ON_EVIDENCE,
    "DIAGNOSIS.SEVERITY_CHANGED": RESTS_ON_EVIDENCE,
    "DIAGNOSIS.CONSTITUTION_REASSESSED": RESTS_ON_EVIDENCE,
    "DIAGNOSIS.COMORBIDITY": RESTS_ON_EVIDENCE,
    "DIAGNOSIS.REFUTED": Reason(ops=("remove",), evidence=True),
    "PROTOCOL.PHASE_TRANSITION": PLAIN,
    "PROTOCOL.TITRATION": Reason(evidence=True, words=WORDS, either=True),
    "PROTOCOL.SEASONAL": PLAIN,
    "PROTOCOL.SCHEDULED_REVIEW": PLAIN,
    "PROTOCOL.GUIDELINE_UPDATE": RESTS_ON_EVIDENCE,
    "EVIDENCE.NEW_LITERATURE": RESTS_ON_EVIDENCE,
    "EVIDENCE.COHORT_OUTCOME": Reason(evidence=True, types=("cohort_snapshot",)),
    "EVIDENCE.MODEL_UPDATE": Reason(evidence=True, types=("prediction",)),
    "PATIENT.REQUEST": RESTS_ON_WORDS,
    "PATIENT.CONSENT_WITHDRAWN": RESTS_ON_EVIDENCE,
    "PATIENT.SECOND_OPINION": RESTS_ON_WORDS,
    "CORRECTION.DATA_ENTRY": RESTS_ON_WORDS,
    "CORRECTION.DUPLICATE": RESTS_ON_EVIDENCE,
    "CORRECTION.MERGE": RESTS_ON_EVIDENCE,
    "CORRECTION.TRANSLATION": PLAIN,
    IMPORTED: PLAIN,
    "OTHER": Reason(words=WORDS_OF_OTHER),
}
"""The whole matrix. Who approves EVIDENCE.MODEL_UPDATE is the deciders' rule."""

_ANYTHING_LATER = frozenset(
    {"SAFETY", "OUTCOME", "ADHERENCE", "DIAGNOSIS", "PROTOCOL", "EVIDENCE", "PATIENT", "CORRECTION", "OTHER"}
)
GROUPS: dict[Occasion, frozenset[str]] = {
    "suspend": _ANYTHING_LATER,
    "resume": _ANYTHING_LATER,
    "discontinue": _ANYTHING_LATER,
    "complete": frozenset({"OUTCOME", "PROTOCOL", "CORRECTION", "OTHER"}),
    "revise_diagnosis": _ANYTHING_LATER - {"ADHERENCE", "PROTOCOL"},
    "refute": _ANYTHING_LATER - {"ADHERENCE", "PROTOCOL"},
    "retract": frozenset({"CORRECTION", "PATIENT"}),
    "enter_in_error": frozenset({"CORRECTION"}),
}
"""Which groups fit where; what an import brings fits everywhere.

Outside a revision a code is an answer, not a dossier: it need not rest on evidence, so that nobody who must
stop a treatment now is kept from it. OTHER alone needs its words, since it says nothing by itself.
"""


def violations(
    op: Op,
    reason_code: str,
    evidence: tuple[EvidenceLink, ...],
    narrative: Narrative | None,
    path: str,
    *,
    imported: bool = False,
) -> tuple[FieldError, ...]:
    """What is wrong with one change's reason; `path` is the change's own, the narrative is the revision's."""
    at = f"{path}." if path else ""
    reason = REASONS.get(reason_code)
    if reason is None:
        return (FieldError(path=f"{at}reason_code", code="reason.unknown"),)
    if op not in reason.ops:
        return (FieldError(path=f"{at}reason_code", code="reason.not_for_this_change"),)
    if reason_code == IMPORTED and not imported:
        return (FieldError(path=f"{at}reason_code", code="reason.only_for_imports"),)
    lacking = (*_evidence_lacking(reason, evidence, f"{at}evidence"), *_words_lacking(reason, narrative))
    if reason.either and len(lacking) == 1:
        lacking = ()
    too_small = _cohort_too_small(evidence, f"{at}evidence") if reason.types == ("cohort_snapshot",) else ()
    return (*lacking, *too_small, *too_many_words(narrative))


def unfit(
    occasion: Occasion, reason_code: str, narrative: Narrative | None = None, *, imported: bool = False
) -> Iterator[FieldError]:
    """What is wrong with a code given on an occasion outside a revision's changes."""
    if reason_code not in REASONS:
        yield FieldError(path="reason_code", code="reason.unknown")
    elif reason_code == IMPORTED:
        if not imported:
            yield FieldError(path="reason_code", code="reason.only_for_imports")
    elif group(reason_code) not in GROUPS[occasion]:
        yield FieldError(path="reason_code", code="reason.not_for_this_change")
    elif reason_code == "OTHER":
        yield from _words_lacking(REASONS[reason_code], narrative)
    yield from too_many_words(narrative)


def group(reason_code: str) -> str:
    """The first word of a code: `SAFETY` of `SAFETY.ALLERGY`."""
    return reason_code.partition(".")[0]


def cohort_size(link: EvidenceLink) -> int:
    """How many patients a cohort snapshot counts: its `ref` ends in `n=<count>`.

    The count is a part of the reference, so a wrong one names a snapshot that does not exist.
    """
    found = re.search(r"\bn=([0-9]{1,9})$", link.ref)
    return int(found[1]) if found else 0


def too_many_words(narrative: Narrative | None) -> Iterator[FieldError]:
    if narrative is not None and len(narrative.text) > MOST_WORDS:
        yield FieldError(path="narrative", code="reason.narrative_too_long", arguments={"most": MOST_WORDS})


def _evidence_lacking(reason: Reason, evidence: tuple[EvidenceLink, ...], path: str) -> Iterator[FieldError]:
    if not reason.evidence:
        return
    if not evidence:
        yield FieldError(path=path, code="reason.evidence_required")
    elif reason.types and not any(link.type in reason.types for link in evidence):
        yield FieldError(path=path, code="reason.evidence_of_another_type")


def _words_lacking(reason: Reason, narrative: Narrative | None) -> Iterator[FieldError]:
    if _letters(narrative) < reason.words:
        yield FieldError(
            path="narrative", code="reason.narrative_required", arguments={"least": reason.words}
        )


def _letters(narrative: Narrative | None) -> int:
    """How long the words are; spaces and invisible joiners alone say nothing."""
    if narrative is None or all(category(letter)[0] in "ZC" for letter in narrative.text):
        return 0
    return len(narrative.text.strip())


def _cohort_too_small(evidence: tuple[EvidenceLink, ...], path: str) -> Iterator[FieldError]:
    for index, link in enumerate(evidence):
        if link.type == "cohort_snapshot" and cohort_size(link) < SMALLEST_COHORT:
            yield FieldError(
                path=f"{path}.{index}.ref",
                code="reason.cohort_too_small",
                arguments={"least": SMALLEST_COHORT},
            )
