"""The stories are lawful, the same on every telling of a day, and as varied as what they are to show."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import reduce
from uuid import UUID

import msgspec
import pytest

from domain.access import Action, Allowed, PatientAccess, allowed, evolve_access
from domain.diagnosis import DiagnosisEnteredInError, DiagnosisRefuted, DiagnosisResolved, DiagnosisRevised
from domain.event import Actor, Event
from domain.feedback import AdverseEventEscalated, FeedbackAmended, FeedbackRetracted, FeedbackSubmitted
from domain.patient import PatientRegistered, PatientsMerged
from domain.reasons import group
from domain.recommendation import (
    RecommendationIssued,
    RecommendationPhaseAdvanced,
    RecommendationRevised,
    RecommendationVersionRestored,
)
from infra.demo.script import Script, midnight, script
from infra.event_log.append import Append, NewEvent
from infra.ids import shard_of
from infra.settings import Settings

TODAY = datetime(2026, 11, 22, 20, 30, tzinfo=UTC)
RAISING = (
    RecommendationIssued,
    RecommendationRevised,
    RecommendationPhaseAdvanced,
    RecommendationVersionRestored,
)


@pytest.fixture
async def told() -> Script:
    return await script(TODAY)


def steps(told: Script) -> Iterator[tuple[Append, NewEvent]]:
    """Every event with the request that brings it, in the order of the log."""
    return ((step, new) for step in told.requests for new in step.events)


def events(told: Script) -> list[Event]:
    return [new.event for _, new in steps(told)]


def versions(told: Script) -> dict[UUID, int]:
    """How many versions each recommendation has."""
    return Counter(new.stream_id for _, new in steps(told) if isinstance(new.event, RAISING))


def reasons(told: Script) -> dict[UUID, set[str]]:
    """The groups of the reasons for which each recommendation was revised."""
    found: dict[UUID, set[str]] = {}
    for _, new in steps(told):
        if isinstance(new.event, RecommendationRevised):
            groups = {group(change.reason_code) for change in new.event.changes}
            found[new.stream_id] = found.get(new.stream_id, set()) | groups
    return found


async def test_a_day_has_one_script(told: Script) -> None:
    again = await script(TODAY)
    assert msgspec.json.encode(told.requests) == msgspec.json.encode(again.requests)


async def test_a_day_later_everything_happened_a_day_later(told: Script) -> None:
    later = await script(TODAY + timedelta(days=1))
    assert [step.request_id for step in later.requests] == [step.request_id for step in told.requests]
    assert later.requests[0].recorded_at == told.requests[0].recorded_at + timedelta(days=1)  # type: ignore[operator]  # every step has its time


def test_time_runs_forward_and_ends_before_today(told: Script) -> None:
    times = [step.recorded_at for step in told.requests]
    assert None not in times
    assert times == sorted(times)  # type: ignore[type-var]  # as asserted above
    assert TODAY - timedelta(days=731) < times[0] < times[-1] < TODAY  # type: ignore[operator]  # as above


def test_every_step_has_its_own_request(told: Script) -> None:
    ids = [step.request_id for step in told.requests]
    assert len(ids) == len(set(ids))
    assert all(step.events[0].meta.request is not None for step in told.requests)


def test_streams_have_no_gaps_and_ids_of_shard_0(told: Script) -> None:
    last: Counter[UUID] = Counter()
    for _, new in steps(told):
        last[new.stream_id] += 1
        assert new.version == last[new.stream_id]
    assert {stream_id.version for stream_id in last} == {7}
    assert {shard_of(stream_id) for stream_id in last} == {0}


def test_every_envelope_says_imported(told: Script) -> None:
    origins = [new.meta.origin for _, new in steps(told)]
    assert {(origin.channel, origin.method) for origin in origins} == {("import", "imported")}
    assert len({origin.source_ref for origin in origins}) == len(told.requests)


def test_patients_speak_three_languages(told: Script) -> None:
    speak = Counter(event.locale for event in events(told) if isinstance(event, PatientRegistered))
    assert speak["fa"] >= 6
    assert speak["en"] == 3
    assert speak["ar"] == 3


def test_recommendations_change_three_to_six_times_for_different_reasons(told: Script) -> None:
    changes = [count - 1 for count in versions(told).values()]
    assert sum(3 <= change <= 6 for change in changes) >= 9
    assert max(changes) == 6
    every = set[str]().union(*reasons(told).values())
    assert every >= {"SAFETY", "OUTCOME", "ADHERENCE", "DIAGNOSIS", "PROTOCOL", "EVIDENCE", "PATIENT"}
    assert all(len(reasons(told)[line]) >= 2 for line, count in versions(told).items() if count > 3)


def test_feedback_of_phones_that_were_away_arrives_late(told: Script) -> None:
    late = [
        (step.recorded_at, new.event, new.meta.origin)
        for step, new in steps(told)
        if isinstance(new.event, FeedbackSubmitted) and new.meta.origin.captured_offline_at
    ]
    assert len(late) >= 6
    for recorded_at, event, origin in late:
        assert recorded_at is not None
        assert recorded_at - event.captured_at >= timedelta(days=2)
        assert origin.captured_offline_at == event.captured_at


@pytest.mark.parametrize(
    ("kind", "least"),
    [
        (PatientsMerged, 2),
        (DiagnosisEnteredInError, 1),
        (DiagnosisRevised, 2),
        (DiagnosisRefuted, 1),
        (AdverseEventEscalated, 1),
        (FeedbackAmended, 1),
        (FeedbackRetracted, 1),
    ],
)
def test_records_are_corrected_as_in_life(told: Script, kind: type[Event], least: int) -> None:
    assert sum(isinstance(event, kind) for event in events(told)) >= least


def test_outcomes_are_good_and_bad(told: Script) -> None:
    outcomes = {event.outcome for event in events(told) if isinstance(event, DiagnosisResolved)}
    assert outcomes >= {"recovered", "improved", "unchanged", "lost"}


def test_who_writes_may_write(told: Script) -> None:
    """A practitioner is of the care team by then, and a patient speaks for themselves."""
    records: dict[UUID | None, list[Event]] = {}
    for step in told.requests:
        first = step.events[-1]
        earlier = records.get(first.subject_id, [])
        if earlier and first.meta.role in {"practitioner", "patient"}:
            assert _may_write(first, earlier, step.recorded_at or TODAY), first.meta.origin.source_ref
        for new in step.events:
            records.setdefault(new.subject_id, []).append(new.event)


def _may_write(new: NewEvent, earlier: list[Event], at: datetime) -> bool:
    assert new.subject_id is not None
    assert new.actor_id is not None
    start = PatientAccess(patient_id=new.subject_id)
    access = reduce(evolve_access, earlier, start)  # type: ignore[arg-type]  # other streams' events change nothing
    own = new.subject_id if new.meta.role == "patient" else None
    actor = Actor(account_id=new.actor_id, role=new.meta.role, patient_id=own)
    action: Action = "give_feedback" if own else "write_record"
    return isinstance(allowed(actor, action, access, at), Allowed)


def test_something_was_known_last_year_and_something_was_not(told: Script) -> None:
    story = told.stories["nasrin"]
    then = [step for step in story.requests if step.recorded_at and step.recorded_at < told.last_year]
    assert 8 < len(then) < len(story.requests) - 8


def test_the_day_is_that_of_the_house(settings: Settings) -> None:
    zone = settings.time_zone
    assert midnight(datetime(2026, 11, 23, 2, 0, tzinfo=UTC), zone) == TODAY
    assert midnight(datetime(2026, 11, 22, 20, 29, tzinfo=UTC), zone) == TODAY - timedelta(days=1)
