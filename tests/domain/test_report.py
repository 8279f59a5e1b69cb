"""Stories of reports: defined, revised, put on a schedule, paused, and put away."""

from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.event import Change
from domain.report import (
    INITIAL,
    ArchiveReport,
    CancelSchedule,
    ChangeSchedule,
    DefineReport,
    PauseSchedule,
    Recurrence,
    ReportArchived,
    ReportCommand,
    ReportDefined,
    ReportDetails,
    ReportEvent,
    ReportFacts,
    ReportRevised,
    ReportScheduleCancelled,
    ReportScheduleChanged,
    ReportScheduled,
    ReportSchedulePaused,
    ReportScheduleResumed,
    ResumeSchedule,
    ReviseReport,
    ScheduleReport,
    decide,
    evolve,
)
from tests.domain.spec import ADMIN, BY_MODEL, NOW, ORIGIN, Spec, ago, an_id, hence
from tests.domain.strategies import anything

FACTS = ReportFacts(now=NOW, actor=ADMIN, origin=ORIGIN, new_id=an_id(50))
REPORT = Spec(decide, evolve, INITIAL, FACTS)
FIRST, SECOND, READER = an_id(61), an_id(62), an_id(903)
FRIDAYS = Recurrence(cadence="weekly", hour=8, weekday="friday", time_zone="Asia/Tehran", locale="fa")
DAILY = Recurrence(cadence="daily", hour=7, time_zone="Asia/Tehran", locale="en")

define = DefineReport(report_on="statistics", span="week", formats=("xlsx", "pdf", "xlsx"))
defined = ReportDefined(occurred_at=ago(days=9), report_on="statistics", span="week", formats=("xlsx", "pdf"))
scheduled = ReportScheduled(
    occurred_at=ago(days=8), schedule_id=FIRST, recurrence=FRIDAYS, recipients=(READER,)
)
paused = ReportSchedulePaused(occurred_at=ago(days=7), schedule_id=FIRST)
archived = ReportArchived(occurred_at=ago(days=1))
nothing, known, planned = REPORT.given(), REPORT.given(defined), REPORT.given(defined, scheduled)


def test_it_is_defined_once() -> None:
    nothing.when(define).then(msgspec.structs.replace(defined, occurred_at=NOW))
    known.when(define).then_conflict("report.defined_already")
    nothing.when(msgspec.structs.replace(define, formats=())).then_rejected(
        "report.format_required", "formats report.format_required"
    )
    nothing.when(define, origin=BY_MODEL).then_rejected("origin.model_may_only_propose")


def test_a_revision_says_what_is_otherwise() -> None:
    changes = ReportDetails(span="month", formats=("csv",))
    known.when(ReviseReport(changes=changes)).then(
        ReportRevised(
            occurred_at=NOW,
            changes={
                "span": Change(before="week", after="month"),
                "formats": Change(before=["xlsx", "pdf"], after=["csv"]),
            },
        )
    ).when(ReviseReport(changes=changes)).then_nothing()
    known.when(ReviseReport(changes=ReportDetails(formats=()))).then_rejected("report.format_required")
    shorter = known.when(ReviseReport(changes=ReportDetails(span="day")))
    shorter.then(ReportRevised(occurred_at=NOW, changes={"span": Change(before="week", after="day")}))
    early = ReviseReport(changes=changes, occurred_at=ago(days=10))
    known.when(early).then_rejected("time.backwards")
    nothing.when(ReviseReport(changes=changes)).then_not_found()


def test_it_comes_round_to_whom_it_is_for() -> None:
    schedule = ScheduleReport(recurrence=FRIDAYS, recipients=(READER, READER))
    known.when(schedule).then(
        ReportScheduled(
            occurred_at=NOW, schedule_id=FACTS.minted(1), recurrence=FRIDAYS, recipients=(READER,)
        )
    )
    named = msgspec.structs.replace(schedule, schedule_id=FIRST)
    planned.when(named).then_conflict("report.schedule_exists")
    nobody = msgspec.structs.replace(schedule, recipients=())
    known.when(nobody).then_rejected("report.recipient_required")
    known.when(schedule, strangers=frozenset({READER})).then_rejected(
        "report.recipient_unknown",
        "recipients.0 report.recipient_unknown",
        "recipients.1 report.recipient_unknown",
    )
    known.when(schedule, zone_known=False).then_rejected(
        "report.zone_unknown", "recurrence.time_zone report.zone_unknown"
    )


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"cadence": "daily"}, []),
        ({"cadence": "daily", "weekday": "friday"}, ["recurrence.weekday report.day_meaningless"]),
        ({"cadence": "weekly"}, ["recurrence.weekday report.day_required"]),
        ({"cadence": "weekly", "weekday": "friday"}, []),
        ({"cadence": "monthly", "day_of_month": 28}, []),
        (
            {"cadence": "monthly", "weekday": "friday"},
            ["recurrence.weekday report.day_meaningless", "recurrence.day_of_month report.day_required"],
        ),
    ],
)
def test_a_week_and_a_month_name_their_day(fields: dict[str, Any], wrong: list[str]) -> None:
    said = {"hour": 8, "time_zone": "Asia/Tehran", "locale": "fa", **fields}
    schedule = ScheduleReport(recurrence=msgspec.convert(said, Recurrence), recipients=(READER,))
    outcome = known.when(schedule)
    refused = [] if outcome.refusal is None else [f"{one.path} {one.code}" for one in outcome.refusal.errors]
    assert refused == wrong


def test_a_schedule_is_changed_paused_resumed_and_cancelled() -> None:
    change = ChangeSchedule(schedule_id=FIRST, recurrence=DAILY, recipients=(READER,))
    changed = ReportScheduleChanged(
        occurred_at=NOW, schedule_id=FIRST, recurrence=DAILY, recipients=(READER,)
    )
    pause, resume = PauseSchedule(schedule_id=FIRST), ResumeSchedule(schedule_id=FIRST)
    cancel = CancelSchedule(schedule_id=FIRST)
    story = planned.when(change).then(changed)
    story.when(change).then_nothing()
    story.when(resume).then_nothing()
    story = story.when(pause).then(ReportSchedulePaused(occurred_at=NOW, schedule_id=FIRST))
    story.when(pause).then_nothing()
    again = msgspec.structs.replace(change, recurrence=FRIDAYS)
    still = story.when(again).then_done()
    still.when(pause).then_nothing()
    story = story.when(resume).then(ReportScheduleResumed(occurred_at=NOW, schedule_id=FIRST))
    story = story.when(cancel).then(ReportScheduleCancelled(occurred_at=NOW, schedule_id=FIRST))
    for command in (change, pause, resume, cancel):
        story.when(command).then_not_found()
    planned.when(msgspec.structs.replace(change, recipients=())).then_rejected("report.recipient_required")


def test_what_is_put_away_changes_no_more() -> None:
    story = planned.when(ArchiveReport()).then(ReportArchived(occurred_at=NOW))
    story.when(ArchiveReport()).then_nothing()
    story.when(PauseSchedule(schedule_id=FIRST)).then_rejected("report.archived")
    nothing.when(ArchiveReport()).then_not_found()


def test_what_cannot_follow_changes_nothing() -> None:
    assert REPORT.fold((scheduled,)) == INITIAL
    stranger = msgspec.structs.replace(paused, schedule_id=SECOND)
    state = REPORT.fold((defined, scheduled, stranger))
    assert REPORT.fold((defined, scheduled, stranger, archived, scheduled)) == REPORT.fold(
        (defined, archived)
    )
    assert state != INITIAL
    assert REPORT.fold((defined, defined)) == REPORT.fold((defined,))


OFTEN: dict[str, Any] = {
    "schedule_id": st.sampled_from([FIRST, SECOND]),
    "recurrence": st.sampled_from([DAILY, FRIDAYS]),
    "occurred_at": st.none() | st.sampled_from([ago(days=2), NOW, hence(days=1)]),
}


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(anything(ReportCommand, **OFTEN), max_size=8), st.data())
def test_law_refusals_leave_no_event_and_folds_have_parts(
    story: list[ReportCommand], data: st.DataObject
) -> None:
    facts = st.builds(
        ReportFacts,
        now=st.just(NOW),
        actor=st.just(ADMIN),
        origin=st.sampled_from([ORIGIN, BY_MODEL]),
        new_id=st.integers(10, 90).map(an_id),
        zone_known=st.booleans(),
    )
    known = [data.draw(facts) for _ in story]
    begun = data.draw(st.sampled_from([(), (define,)]))
    events = REPORT.decides_lawfully((*begun, *story), [FACTS] * len(begun) + known)
    REPORT.folds_in_parts(events, data.draw(st.integers(0, len(events))))


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(anything(ReportEvent, changes=st.just({})), max_size=6), st.data())
def test_law_any_order_of_events_folds_in_parts(events: list[ReportEvent], data: st.DataObject) -> None:
    REPORT.folds_in_parts(tuple(events), data.draw(st.integers(0, len(events))))
