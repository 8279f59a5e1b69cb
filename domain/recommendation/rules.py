"""Rules that several commands for a recommendation share."""

from collections.abc import Iterable, Iterator
from itertools import count
from uuid import UUID

from domain.errors import Conflict, FieldError, Rejected
from domain.event import Command
from domain.items import ItemChange, NewItemChange
from domain.reasons import group
from domain.recommendation.commands import RecommendationFacts
from domain.recommendation.events import SafetyCheck
from domain.recommendation.state import Line
from domain.rules import a_practitioner_decides, is_import, not_before, well_told

REFUTED = "DIAGNOSIS.REFUTED"


def bases_on_current(base_version: int, line: Line) -> None:
    """Who decides has seen the version in force; raises Conflict."""
    if base_version != line.version:
        raise Conflict("recommendation.version_moved", arguments={"current": line.version})


def decided_now(command: Command, line: Line, facts: RecommendationFacts) -> tuple[FieldError, ...]:
    """A practitioner decides, and not before the decision that it follows."""
    return (
        *well_told(command, facts),
        *a_practitioner_decides(facts),
        *not_before(command, line.since),
    )


def is_safe(check: SafetyCheck, facts: RecommendationFacts) -> Iterator[FieldError]:
    """The check was passed, or its alerts acknowledged; only an import comes without one."""
    if check.result == "not_applicable" and not is_import(facts):
        yield FieldError(path="safety_check.result", code="recommendation.safety_check_required")
    if check.result == "passed" and check.alerts:
        yield FieldError(path="safety_check.result", code="recommendation.alerts_unacknowledged")


def severe_review_allows(changes: Iterable[NewItemChange | ItemChange], line: Line) -> None:
    """While a severe review is open only safety changes a line."""
    if any(group(change.reason_code) != "SAFETY" for change in changes):
        no_severe_review(line)


def diagnosis_allows(codes: Iterable[str], facts: RecommendationFacts) -> None:
    """What is refuted or in error is treated no further: it only takes safety, corrections, and its end."""
    if facts.diagnosis_open or is_import(facts):
        return
    if any(group(code) not in {"SAFETY", "CORRECTION"} and code != REFUTED for code in codes):
        raise Rejected("recommendation.diagnosis_closed")


def no_severe_review(line: Line) -> None:
    """Raise Rejected while a severe review is open."""
    if line.severe_review_open:
        raise Rejected("recommendation.safety_review_open")


def fresh_ids(facts: RecommendationFacts, start: int = 1) -> Iterator[UUID]:
    """Ids for what the caller left unnamed; 0 is the stream's own."""
    return (facts.minted(n) for n in count(start))
