"""The recommendation that the stories are about: thyme and mint for a migraine."""

import msgspec

from domain.event import Coded, EvidenceLink, Narrative
from domain.items import Dose, ItemBody, ItemChange, NewItem, NewItemChange, recorded_item
from domain.recommendation import (
    INITIAL,
    ActiveRecommendation,
    RecommendationDrafted,
    RecommendationFacts,
    RecommendationIssued,
    RecommendationRevised,
    RecommendationState,
    RecommendationSuspended,
    ReviseRecommendation,
    SafetyCheck,
    SafetyReviewRequested,
    decide,
    evolve,
)
from tests.domain.spec import NOW, ORIGIN, PRACTITIONER, Spec, ago, an_id

FACTS = RecommendationFacts(
    now=NOW,
    actor=PRACTITIONER,
    origin=ORIGIN,
    new_id=an_id(50),
    patient_id=an_id(1),
    diagnosis_id=an_id(2),
)
RECOMMENDATION = Spec(decide, evolve, INITIAL, FACTS)
WORDS = Narrative(text="She asks for fewer herbs, and for shorter walks.")
FEEDBACK = EvidenceLink(type="feedback", ref="f-1")
PREDICTION = EvidenceLink(type="prediction", ref="p-1")

THYME, MINT, WALK = an_id(71), an_id(72), an_id(73)
THYME_TEA = ItemBody(kind="herbal", remedy=Coded(text="دمنوش آویشن"), dose=Dose(amount=2, unit="g"))
MINT_TEA = ItemBody(kind="herbal", remedy=Coded(text="نعناع"))
WALKING = ItemBody(kind="lifestyle", remedy=Coded(text="پیاده‌روی"))
STRONGER_TEA = msgspec.structs.replace(THYME_TEA, dose=Dose(amount=4, unit="g"))
thyme, mint, walk = (
    recorded_item(THYME_TEA, THYME),
    recorded_item(MINT_TEA, MINT),
    recorded_item(WALKING, WALK),
)


def new(body: ItemBody, **more: object) -> NewItem:
    """An item as a caller writes it."""
    return msgspec.convert({**msgspec.to_builtins(body), **more}, NewItem)


def entry(op: str, **more: object) -> NewItemChange:
    """An entry of a revision, for a reason that asks for nothing."""
    return msgspec.convert({"op": op, "reason_code": "ADHERENCE.PREFERENCE", **more}, NewItemChange)


drafted = RecommendationDrafted(
    occurred_at=ago(days=9), patient_id=an_id(1), diagnosis_id=an_id(2), tradition="avicenna"
)
issued = RecommendationIssued(
    occurred_at=ago(days=9),
    recommendation_version=1,
    items=(thyme, mint),
    valid_from=ago(days=9),
    decided_by=PRACTITIONER.account_id,
    safety_check=SafetyCheck(),
)
in_phases = msgspec.structs.replace(issued, phases=("balancing", "cleansing"))
revised = RecommendationRevised(
    occurred_at=ago(days=5),
    recommendation_version=2,
    base_version=1,
    changes=(ItemChange(op="add", item_id=WALK, after=walk, reason_code="ADHERENCE.PREFERENCE"),),
    decided_by=PRACTITIONER.account_id,
    safety_check=SafetyCheck(),
)
suspended = RecommendationSuspended(occurred_at=ago(days=4), reason_code="SAFETY.ADVERSE_EVENT")
severe_review = SafetyReviewRequested(
    occurred_at=ago(days=1), review_id=an_id(80), trigger="adverse_event", severity="severe"
)
nothing = RECOMMENDATION.given()
a_line = RECOMMENDATION.given(drafted, issued)


def items_of(state: RecommendationState) -> list[str]:
    assert isinstance(state, ActiveRecommendation)
    return [item.remedy.text for item in state.line.items]


def revise(*changes: object, base_version: int = 1, **more: object) -> ReviseRecommendation:
    return msgspec.convert(
        {"base_version": base_version, "changes": changes, **more}, ReviseRecommendation, from_attributes=True
    )
