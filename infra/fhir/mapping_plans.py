"""CarePlan: its activities become items."""

import re
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from domain.event import Coded
from domain.recommendation import Dose, ItemStatus, Kind, Period
from infra.fhir.concepts import coded, cut, joined, words
from infra.fhir.mapping_base import Source, first, last_known
from infra.fhir.resources import Activity, ActivityDetail, CarePlan, Quantity
from infra.fhir.stated import Ending, PassedOver, Stated, StatedItem, StatedPlan
from infra.fhir.times import unknown

NOT_IN_FORCE = frozenset({"draft", "entered-in-error"})
NOT_DECIDED = frozenset({"proposal", "option"})
ENDINGS: Mapping[str, Literal["completed", "discontinued", "suspended"]] = {
    "completed": "completed",
    "revoked": "discontinued",
    "on-hold": "suspended",
}
ITEM_STATUSES: Mapping[str, ItemStatus] = {
    "not-started": "not_started",
    "scheduled": "not_started",
    "on-hold": "on_hold",
    "completed": "completed",
    "cancelled": "cancelled",
    "stopped": "stopped",
}
WORDS_OF_KINDS: tuple[tuple[str, Kind], ...] = (
    ("avoid|to prevent|limit ", "avoidance"),
    ("diet|nutrition|food|sodium", "dietary"),
    ("referral|refer to", "referral"),
    ("screening|monitor|assessment|blood test|interview|colonoscopy|weigh|measure", "monitoring"),
    ("massage", "massage"),
    ("exercise|physical|rehabilitation|mobility|breathing|heat|ice |rest, ice", "physical_therapy"),
    ("drug detox|steroid|nebulizer|immunotherapy|medication|chemotherapy|moistur", "medication"),
    ("education|counsel|cessation|addiction|support|memory|stress|psycho|discussion", "behavioral"),
)
"""How an activity is filed, by its words; the words themselves stay as the source has them."""
KINDS = tuple((re.compile(rf"\b(?:{words})", re.IGNORECASE), kind) for words, kind in WORDS_OF_KINDS)
KINDS_OF_REQUESTS: Mapping[str, Kind] = {"MedicationRequest": "medication", "NutritionOrder": "dietary"}

_care_plan = msgspec.json.Decoder(CarePlan).decode


def of_care_plan(raw: bytes, source: Source) -> Iterator[Stated]:
    plan = _care_plan(raw)
    if plan.status in NOT_IN_FORCE or plan.intent in NOT_DECIDED:
        raise PassedOver("import.not_in_force")
    items = tuple(_items(plan, source))
    if not items:
        raise PassedOver("import.no_activity")
    start, end = source.when("period.start", plan.period.start), source.when("period.end", plan.period.end)
    created = source.when("created", plan.created)
    updated = source.when("meta.lastUpdated", plan.meta.last_updated)
    kind = ENDINGS.get(plan.status or "")
    yield StatedPlan(
        ref=source.ref,
        patient=source.patient(plan.subject),
        at=first(start, created, unknown(end) if end else None, last_known(updated)),
        items=items,
        title=_title(plan),
        by=source.practitioner(plan.author),
        encounter=source.resolve(plan.encounter.reference),
        addresses=source.targets(plan.addresses, "Condition"),
        goal_refs=source.targets(plan.goal, "Goal"),
        valid_until=end,
        ending=Ending(kind, end or last_known(start, created, updated)) if kind else None,
    )


def _title(plan: CarePlan) -> str | None:
    if plan.title:
        return cut(plan.title)
    named = joined(words(category) for category in plan.category)
    return cut(named) if named else (cut(plan.description) if plan.description else None)


def _items(plan: CarePlan, source: Source) -> Iterator[StatedItem]:
    for activity in plan.activity:
        remedy = _remedy(activity)
        detail = activity.detail or ActivityDetail()
        if remedy is None or detail.status == "entered-in-error":
            continue
        yield StatedItem(
            kind=_kind(activity, remedy),
            remedy=remedy,
            status=ITEM_STATUSES.get(detail.status or "", "active"),
            dose=_dose(detail),
            rationale=joined(words(reason) for reason in detail.reason_code),
            period=_period(detail, source),
        )


def _remedy(activity: Activity) -> Coded | None:
    detail = activity.detail
    if detail is None:
        display = activity.reference.display
        return Coded(text=cut(display)) if display else None
    named = coded(detail.code) or coded(detail.product_codeable_concept)
    return named or (Coded(text=cut(detail.description)) if detail.description else None)


def _kind(activity: Activity, remedy: Coded) -> Kind:
    detail = activity.detail
    if detail and detail.do_not_perform:
        return "avoidance"
    request = (detail.kind if detail else None) or (activity.reference.reference or "").partition("/")[0]
    if request in KINDS_OF_REQUESTS:
        return KINDS_OF_REQUESTS[request]
    return next((kind for pattern, kind in KINDS if pattern.search(remedy.text)), "lifestyle")


def _dose(detail: ActivityDetail) -> Dose | None:
    amount, unit = measured(detail.daily_amount)
    if amount is None and not detail.scheduled_string:
        return None
    timing = cut(detail.scheduled_string) if detail.scheduled_string else None
    return Dose(amount=amount, unit=unit, timing=timing)


def measured(quantity: Quantity | None) -> tuple[float | None, str | None]:
    """An amount and its unit; nothing and less than nothing are no amounts."""
    if quantity is None or quantity.value is None or quantity.value <= 0:
        return None, None
    return quantity.value, cut(quantity.unit or quantity.code or "", 100) or None


def _period(detail: ActivityDetail, source: Source) -> Period | None:
    start = source.when("activity.scheduledPeriod.start", detail.scheduled_period.start)
    end = source.when("activity.scheduledPeriod.end", detail.scheduled_period.end)
    if start is None and end is None:
        return None
    return Period(
        start=start.at if start else None,
        end=end.at if end else None,
        end_precision=end.precision if end else "exact",
    )
