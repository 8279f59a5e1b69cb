"""What comes of a command for a feedback."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import assert_never

import msgspec

from domain.changes import changed, changes_between
from domain.errors import Conflict, FieldError
from domain.feedback.commands import (
    AmendFeedback,
    FeedbackCommand,
    FeedbackFacts,
    RetractFeedback,
    ReviewFeedback,
    SubmitFeedback,
)
from domain.feedback.events import (
    AdverseEventEscalated,
    FeedbackAmended,
    FeedbackEvent,
    FeedbackRetracted,
    FeedbackReviewed,
    FeedbackSubmitted,
)
from domain.feedback.state import Answer, FeedbackState, MissingFeedback, RetractedFeedback, given
from domain.patient.state import takes_corrections, takes_facts
from domain.reasons import unfit
from domain.rules import (
    LEEWAY,
    a_person_decides,
    a_practitioner_decides,
    has_words,
    is_import,
    not_before,
    not_in_future,
    possible,
    refuse,
    well_told,
    when,
)


def decide(command: FeedbackCommand, state: FeedbackState, facts: FeedbackFacts) -> list[FeedbackEvent]:
    """The events to append, none where nothing would change; raises NotFound, Rejected or Conflict."""
    match command:
        case SubmitFeedback():
            return _submit(command, state, facts)
        case AmendFeedback():
            return _amend(command, state, facts)
        case RetractFeedback():
            return _retract(command, state, facts)
        case ReviewFeedback():
            return _review(command, state, facts)
        case _:
            assert_never(command)


def _submit(command: SubmitFeedback, state: FeedbackState, facts: FeedbackFacts) -> list[FeedbackEvent]:
    """May arrive long after it was captured; a severe side effect is escalated at once."""
    if not isinstance(state, MissingFeedback):
        raise Conflict("feedback.submitted_already")
    takes_facts(facts.standing)
    answer = msgspec.convert(command, Answer, from_attributes=True)
    refuse(
        well_told(command, facts),
        possible("captured_at", command.captured_at),
        not_in_future("captured_at", command.captured_at, facts),
        a_person_decides(facts),
        _is_reporter(facts),
        _answer_sound(answer, ""),
    )
    captured_at = (command.captured_at or when(command, facts)).astimezone(UTC)
    refuse(_was_seen(command, captured_at, facts))
    submitted = FeedbackSubmitted(
        occurred_at=captured_at,
        precision=command.precision,
        patient_id=facts.patient_id,
        diagnosis_id=facts.diagnosis_id,
        recommendation_id=facts.recommendation_id,
        recommendation_version=command.recommendation_version,
        item_id=command.item_id,
        captured_at=captured_at,
        **{name: getattr(answer, name) for name in Answer.__struct_fields__},
    )
    return [submitted, *_escalation(answer, captured_at, facts)]


def _amend(command: AmendFeedback, state: FeedbackState, facts: FeedbackFacts) -> list[FeedbackEvent]:
    """Only who may report may change what was reported; it takes the time of the answer."""
    known = given(state)
    takes_corrections(facts.standing)
    differing = changes_between(known.answer, command.changes)
    answer = changed(known.answer, differing)
    refuse(
        well_told(command, facts),
        a_person_decides(facts),
        _is_reporter(facts),
        unfit("retract", command.reason_code, imported=is_import(facts)),
        _answer_sound(answer, "changes."),
    )
    if not differing:
        return []
    amended = FeedbackAmended(
        occurred_at=known.captured_at,
        precision=known.precision,
        changes=differing,
        reason_code=command.reason_code,
    )
    return [amended, *([] if known.escalated else _escalation(answer, known.captured_at, facts))]


def _retract(command: RetractFeedback, state: FeedbackState, facts: FeedbackFacts) -> list[FeedbackEvent]:
    """By who may report, or a practitioner who sees that it is a duplicate."""
    if isinstance(state, RetractedFeedback):
        return []
    known = given(state)
    takes_corrections(facts.standing)
    refuse(
        well_told(command, facts),
        a_person_decides(facts),
        () if facts.actor.role == "practitioner" else _is_reporter(facts),
        unfit("retract", command.reason_code, imported=is_import(facts)),
    )
    return [
        FeedbackRetracted(
            occurred_at=known.captured_at, precision=known.precision, reason_code=command.reason_code
        )
    ]


def _review(command: ReviewFeedback, state: FeedbackState, facts: FeedbackFacts) -> list[FeedbackEvent]:
    """A practitioner's judgement, after the answer and after the judgement before; the last one holds."""
    known = given(state)
    takes_facts(facts.standing)
    last = known.review
    earliest = last.occurred_at if last else known.captured_at
    refuse(
        well_told(command, facts),
        a_practitioner_decides(facts),
        not_before(command, earliest),
        has_words("note", command.note),
    )
    if last and (last.causality, last.action, last.note) == (command.causality, command.action, command.note):
        return []
    return [
        FeedbackReviewed(
            occurred_at=when(command, facts, earliest),
            precision=command.precision,
            causality=command.causality,
            action=command.action,
            note=command.note,
        )
    ]


def _is_reporter(facts: FeedbackFacts) -> Iterator[FieldError]:
    """The patient, or who answers for them."""
    if not facts.reporter_may_report and not is_import(facts):
        yield FieldError(path="origin", code="feedback.reporter_not_allowed")


def _answer_sound(answer: Answer, prefix: str) -> Iterator[FieldError]:
    """Something is said, and nobody takes more than they were told to."""
    yield from has_words(f"{prefix}comment", answer.comment)
    parts = (answer.rating, answer.effectiveness, answer.adherence, answer.comment)
    if all(part is None for part in parts) and not answer.symptom_scores and not answer.side_effects:
        yield FieldError(path=prefix.rstrip("."), code="feedback.empty")
    if answer.adherence and answer.adherence.taken > answer.adherence.expected:
        yield FieldError(path=f"{prefix}adherence.taken", code="feedback.taken_exceeds_expected")


def _was_seen(command: SubmitFeedback, captured_at: datetime, facts: FeedbackFacts) -> Iterator[FieldError]:
    """The version was in force when the patient answered (clocks differ by a little), and holds the item."""
    version = facts.versions.get(command.recommendation_version)
    if version is None:
        yield FieldError(path="recommendation_version", code="feedback.version_unknown")
        return
    if captured_at < version.since - LEEWAY:
        yield FieldError(path="captured_at", code="feedback.version_not_yet")
    if command.item_id is not None and command.item_id not in version.item_ids:
        yield FieldError(path="item_id", code="feedback.item_unknown")


def _escalation(answer: Answer, captured_at: datetime, facts: FeedbackFacts) -> list[FeedbackEvent]:
    """Somebody is called now, however long ago it was captured."""
    if not answer.severe:
        return []
    at = max(facts.now, captured_at).astimezone(UTC)
    return [AdverseEventEscalated(occurred_at=at, severity="severe")]
