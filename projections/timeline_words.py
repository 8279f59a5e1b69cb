"""A timeline's items in words: which message of the catalogs tells an item, and with which arguments."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, TypeAlias

import msgspec

from locales import Code, Message, Quantity, When, has, translate
from projections.timeline_item import Item

Data: TypeAlias = dict[str, Any]


class Words(msgspec.Struct, frozen=True):
    """In which language to tell, and whose days to count."""

    locale: str
    time_zone: str = "Asia/Tehran"


def title(item: Item, words: Words) -> str:
    return translate(words.locale, f"timeline.{item.tag}.title")


def summary(item: Item, words: Words) -> str:
    arguments = ARGUMENTS.get(item.tag)
    told = arguments(item, words) if arguments else {}
    return translate(words.locale, f"timeline.{item.tag}.summary", **told)


def _term(family: str, code: str | None, words: Words) -> Message | Code | None:
    """A coded value as the catalog calls it; a code of somebody else's stays as it is written."""
    if code is None:
        return None
    key = f"{family}.{code}"
    return Message(key) if has(words.locale, key) else Code(code)


def _terms(data: Data, words: Words, **families: str) -> dict[str, object]:
    """Several of them: argument and field have one name, the family is given for each."""
    return {name: _term(family, data[name], words) for name, family in families.items()}


def _day(when: str | None, words: Words) -> When | None:
    return None if when is None else When(msgspec.convert(when, datetime), words.time_zone)


def _registered(item: Item, _words: Words) -> dict[str, object]:
    return {"name": item.data["name"], "number": Code(item.data["patient_no"])}


def _died(item: Item, words: Words) -> dict[str, object]:
    # An exact time of death is told as its day too: the hour stands in the item.
    precision = "day" if item.precision == "exact" else item.precision
    return {"date": When(item.occurred_at, words.time_zone, precision)}


def _constitution(item: Item, words: Words) -> dict[str, object]:
    data = item.data
    mizaj = _term("mizaj", data["code"], words)
    return {"mizaj": mizaj, "confidence": data["confidence"], **_terms(data, words, tradition="tradition")}


def _background(item: Item, words: Words) -> dict[str, object]:
    terms = _terms(item.data, words, kind="background", status="status.background")
    return {"name": item.data["code"]["text"], **terms}


def _consent(item: Item, words: Words) -> dict[str, object]:
    expires = _day(item.data.get("expires_at"), words)
    return {"expires": expires, **_terms(item.data, words, scope="scope")}


def _care_team(item: Item, words: Words) -> dict[str, object]:
    return {"until": _day(item.data.get("until"), words), **_terms(item.data, words, relation="relation")}


def _diagnosis(item: Item, words: Words) -> dict[str, object]:
    terms = _terms(item.data, words, status="status.diagnosis", severity="severity")
    return {"condition": item.data["condition"]["text"], **terms}


def _step(item: Item, words: Words) -> dict[str, object]:
    data = item.data
    return {
        "condition": data["condition"]["text"],
        "reason": _term("reason", data.get("reason_code"), words),
        "outcome": _term("outcome", data.get("outcome"), words),
    }


def _finding(item: Item, words: Words) -> dict[str, object]:
    """Attributes are told by name, since jsonb keeps no order of keys; nested ones are left to `data`."""
    detail = [
        Message("finding.attribute", {"name": name, "value": Quantity(str(value))})
        for name, value in sorted(item.data["attributes"].items())
        if _simple(value)
    ]
    return {"detail": detail, **_terms(item.data, words, modality="modality")}


def _simple(value: object) -> bool:
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _assessment(item: Item, words: Words) -> dict[str, object]:
    data = item.data
    humors = [
        Message(
            "humor.shift",
            _terms({"direction": "", **shift}, words, humor="humor", direction="humor_direction"),
        )
        for shift in data["humors"]
    ]
    told = {"statement": data["statement"], "humors": humors, "confidence": data["confidence"]}
    return {**told, **_terms(data, words, tradition="tradition")}


def _symptom(item: Item, _words: Words) -> dict[str, object]:
    return {"symptom": item.data["symptom_code"], "score": item.data["score"]}


def _referral(item: Item, words: Words) -> dict[str, object]:
    return {"specialty": item.data["specialty"], **_terms(item.data, words, urgency="urgency")}


def _version(item: Item, words: Words) -> dict[str, object]:
    data = item.data
    return {
        "version": data["recommendation_version"],
        "count": data.get("items"),
        "restored": data.get("restored_version"),
        "phase": _term("phase", data.get("to_phase"), words),
        "reason": _term("reason", data.get("reason_code"), words),
        "reasons": [_term("reason", code, words) for code in data.get("reason_codes", ())],
    }


def _reason(item: Item, words: Words) -> dict[str, object]:
    return {"reason": _term("reason", item.data["reason_code"], words)}


def _free_reason(item: Item, _words: Words) -> dict[str, object]:
    return {"reason": item.data["reason"]}


def _basis(item: Item, _words: Words) -> dict[str, object]:
    return {"basis": Code(item.data["legal_basis"])}


def _review(item: Item, words: Words) -> dict[str, object]:
    """A person says in words what asks for a review, a rule says it by a code of ours."""
    trigger, key = item.data["trigger"], f"reason.{item.data['trigger']}"
    told = Message(key) if has(words.locale, key) else trigger
    return {"trigger": told, **_terms(item.data, words, severity="severity")}


def _feedback(item: Item, words: Words) -> dict[str, object]:
    data = item.data
    adherence = data["adherence"] or {}
    scores = [
        Message("symptom.score", {"symptom": score["symptom_code"], "score": score["score"]})
        for score in data["symptom_scores"]
    ]
    effects = [
        Message(
            "side_effect.severity", {"effect": effect["code"], **_terms(effect, words, severity="severity")}
        )
        for effect in data["side_effects"]
    ]
    return {
        "version": data["recommendation_version"],
        "rating": data["rating"],
        "effectiveness": data["effectiveness"],
        "taken": adherence.get("taken"),
        "expected": adherence.get("expected"),
        "symptoms": scores,
        "side_effects": effects,
        "comment": data["comment"],
    }


def _by_terms(**families: str) -> "Tell":
    return lambda item, words: _terms(item.data, words, **families)


Tell: TypeAlias = Callable[[Item, Words], dict[str, object]]

ARGUMENTS: Mapping[str, Tell] = {
    "patient.registered": _registered,
    "patient.died": _died,
    "patient.constitution_assessed": _constitution,
    "patient.background_recorded": _background,
    "patient.consent_granted": _consent,
    "patient.consent_withdrawn": _consent,
    "patient.care_team_member_assigned": _care_team,
    "patient.care_team_member_removed": _care_team,
    "patient.merge_reversed": _free_reason,
    "patient.deactivated": _free_reason,
    "patient.reactivated": _free_reason,
    "patient.erasure_requested": _basis,
    "diagnosis.recorded": _diagnosis,
    "diagnosis.finding_recorded": _finding,
    "diagnosis.assessment_added": _assessment,
    "diagnosis.symptom_observed": _symptom,
    "diagnosis.referral_advised": _referral,
    "diagnosis.confirmed": _step,
    "diagnosis.refuted": _step,
    "diagnosis.resolved": _step,
    "diagnosis.recurred": _step,
    "recommendation.issued": _version,
    "recommendation.revised": _version,
    "recommendation.phase_advanced": _version,
    "recommendation.version_restored": _version,
    "recommendation.acknowledged": _version,
    "recommendation.suspended": _reason,
    "recommendation.resumed": _reason,
    "recommendation.completed": _reason,
    "recommendation.discontinued": _reason,
    "recommendation.safety_review_requested": _review,
    "recommendation.safety_review_closed": _by_terms(decision="decision"),
    "feedback.submitted": _feedback,
    "feedback.reviewed": _by_terms(causality="causality", action="action"),
    "feedback.adverse_event_escalated": _by_terms(severity="severity"),
}
