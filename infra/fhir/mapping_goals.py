"""Goal: what a plan wants to reach, as its metric and its target."""

import re
from collections.abc import Iterator

import msgspec

from domain.recommendation import Goal
from infra.fhir import resources
from infra.fhir.concepts import LONGEST_CODE, cut, words
from infra.fhir.mapping_base import Source
from infra.fhir.resources import GoalTarget
from infra.fhir.stated import PassedOver, Stated, StatedGoal, Unusable

NOT_PURSUED = frozenset({"entered-in-error", "rejected", "cancelled", "proposed"})
REACHED = "reached"
"""The target of a goal that names none."""
_IN_WORDS = re.compile(r"(?P<metric>.+?)\s*(?P<target>[<>≤≥]=?\s*\S.*)")

_goal = msgspec.json.Decoder(resources.Goal).decode


def of_goal(raw: bytes, source: Source) -> Iterator[Stated]:
    goal = _goal(raw)
    if goal.lifecycle_status in NOT_PURSUED:
        raise PassedOver("import.not_true")
    text = words(goal.description)
    if text is None:
        raise Unusable("import.code_missing")
    yield StatedGoal(
        ref=source.ref,
        patient=source.patient(goal.subject),
        at=source.when("startDate", goal.start_date),
        goal=_measured(text, goal.target, source),
        addresses=source.targets(goal.addresses, "Condition"),
    )


def _measured(text: str, targets: tuple[GoalTarget, ...], source: Source) -> Goal:
    """As its first target says, else as its words do."""
    said = _IN_WORDS.fullmatch(text)
    metric, target = (said["metric"], said["target"]) if said else (text, REACHED)
    due = None
    if targets:
        metric = words(targets[0].measure) or metric
        target = _detail(targets[0]) or target
        due = source.when("target.dueDate", targets[0].due_date)
    return Goal(
        metric=cut(metric, LONGEST_CODE), target=cut(target, LONGEST_CODE), by=due.at if due else None
    )


def _detail(target: GoalTarget) -> str | None:
    quantity = target.detail_quantity
    if quantity is None or quantity.value is None:
        return target.detail_string
    parts = (quantity.comparator, f"{quantity.value:g}", quantity.unit or quantity.code)
    return " ".join(part for part in parts if part)
