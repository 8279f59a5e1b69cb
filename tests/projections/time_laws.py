"""Laws of time, for every model of one patient: what was known then, and what is known today of a day."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from domain.catalog import tag_of
from domain.diagnosis import events as diagnosis
from domain.event import Correction, Event
from domain.recorded import Recorded
from infra.past import Moment
from projections.model import ReadModel, Rows
from tests.domain.spec import an_id
from tests.domain.strategies import INSTANTS, anything
from tests.projections import laws
from tests.projections.story import PATIENT_ID, Log

Events = Sequence[Recorded[Event]]
MARK = "a word that only the error says"
WRONG_ID = an_id(19)
INSTANT = timedelta(microseconds=1)

MARKED: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("text", "statement", "symptom_code", "specialty", "note"), st.just(MARK)),
    "attributes": st.just({"colour": MARK}),
    "patient_id": st.just(PATIENT_ID),
    "code": st.none(),
    "changes": st.just({}),
}
RECORDED_FOR_IT = (
    diagnosis.FindingRecorded,
    diagnosis.AssessmentAdded,
    diagnosis.SymptomObserved,
    diagnosis.ReferralAdvised,
    diagnosis.DiagnosisConfirmed,
    diagnosis.DiagnosisResolved,
)


def at_their_times(events: Events) -> list[Recorded[Event]]:
    """As deciders date them: no stream runs backwards, a correction has the time of what it corrects."""
    begun: dict[UUID, datetime] = {}
    latest: dict[UUID, datetime] = {}
    found: dict[tuple[UUID, UUID], datetime] = {}
    told = []
    for recorded in events:
        stream, event = recorded.stream_id, recorded.event
        assert event is not None
        if isinstance(event, diagnosis.FindingRetracted):
            at = found.get((stream, event.finding_id), begun[stream])
        elif isinstance(event, Correction):
            at = begun[stream]
        else:
            at = latest[stream] = max(latest.get(stream, event.occurred_at), event.occurred_at)
            begun.setdefault(stream, at)
        if isinstance(event, diagnosis.FindingRecorded):
            found[stream, event.finding_id] = at
        told.append(msgspec.structs.replace(recorded, event=msgspec.structs.replace(event, occurred_at=at)))
    return told


def shown(model: ReadModel, events: Events, moment: Moment) -> laws.Stored:
    return laws.stored(model, model.fold(moment.of(events)))


def the_past_is_what_was_live_then(model: ReadModel, events: Events) -> None:
    """Known at the head is what is live; known at a position, what was live there, whatever came later."""
    live, was = Rows(), {0: laws.stored(model, Rows())}
    for recorded in events:
        part = laws.touched(model, recorded, live)
        for row in list(model.evolve(part, recorded)):
            live.put(model.table_of[type(row)], row)
        was[recorded.position] = laws.stored(model, live)
    for position, rows in was.items():
        assert shown(model, events, Moment(position)) == rows


def what_was_known_and_what_was_true_commute(
    model: ReadModel, events: Events, days: Sequence[datetime]
) -> None:
    """Which of the two is asked first does not matter; nor does it when about a day was asked back then."""
    for position in range(len(events) + 1):
        back_then = [recorded for recorded in events if recorded.position <= position]
        for day in days:
            both = shown(model, events, Moment(position, day))
            assert shown(model, Moment(as_of=day).of(events), Moment(position)) == both
            assert shown(model, Moment(position).of(events), Moment(as_of=day)) == both
            assert shown(model, back_then, Moment(as_of=day)) == both


def a_day_is_shown_as_it_is_known_today(model: ReadModel, events: Events, days: Sequence[datetime]) -> None:
    """About a day speaks all that is known of it, corrections included, and nothing that came after it."""
    for day in days:
        about = [one for one in events if one.event is not None and one.event.occurred_at <= day]
        begun = {one.stream_id for one in about}
        corrections = [one for one in events if isinstance(one.event, Correction)]
        if not any(isinstance(one.event, diagnosis.FindingRetracted) for one in corrections):
            assert [one for one in corrections if one.stream_id in begun] == [
                one for one in about if isinstance(one.event, Correction)
            ]
        assert shown(model, events, Moment(as_of=day)) == laws.stored(model, model.fold(about))
    every_day = max((one.event.occurred_at for one in events if one.event), default=None)
    if every_day is not None:
        assert shown(model, events, Moment(as_of=every_day)) == laws.stored(model, model.fold(events))


def a_correction_changes_no_day_before_what_it_corrects(model: ReadModel, events: Events) -> None:
    for recorded in events:
        if isinstance(recorded.event, Correction):
            before = recorded.event.occurred_at - INSTANT
            unknown = Moment(recorded.position - 1, before)
            assert shown(model, events, Moment(recorded.position, before)) == shown(model, events, unknown)


@st.composite
def errors(draw: st.DrawFn) -> list[Event]:
    """A diagnosis that should never have been recorded, and what was recorded for it."""
    first = draw(anything(diagnosis.DiagnosisRecorded, **MARKED))
    later = draw(st.lists(st.sampled_from(RECORDED_FOR_IT), max_size=5))
    return [first, *(draw(anything(of, **MARKED)) for of in later)]


def with_an_error(events: Events, wrong: Sequence[Event], place: int) -> list[Recorded[Event]]:
    """The history in which the wrong diagnosis is told from this place on."""
    log = Log()
    for recorded in events[:place]:
        _again(log, recorded)
    log.add(WRONG_ID, *wrong)
    for recorded in events[place:]:
        _again(log, recorded)
    return log.events


def _again(log: Log, recorded: Recorded[Event]) -> None:
    assert recorded.event is not None
    log.add(recorded.stream_id, recorded.event)


def entered_in_error(events: Events, reason_code: str = "CORRECTION.DATA_ENTRY") -> list[Recorded[Event]]:
    """The same history, at whose end the diagnosis is said to be an error."""
    log = Log()
    for recorded in events:
        _again(log, recorded)
    at = next(one.event.occurred_at for one in events if one.stream_id == WRONG_ID and one.event)
    log.add(WRONG_ID, diagnosis.DiagnosisEnteredInError(occurred_at=at, reason_code=reason_code))
    return log.events


def an_error_is_gone_from_every_day_and_stays_in_the_past(
    model: ReadModel, events: Events, days: Sequence[datetime]
) -> None:
    """A model forgets it, or says itself that it was an error; what was known before stays known."""
    healed = entered_in_error(events)
    for moment in (Moment(), *(Moment(as_of=day) for day in days)):
        told = list(_living(model, healed, moment))
        if any(MARK in row for row in told):
            error = tag_of(diagnosis.DiagnosisEnteredInError).rpartition(".")[2]
            assert any(str(WRONG_ID) in row and error in row for row in told), (model.name, told)
    for day in (None, *days):
        known = Moment(len(events), day)
        assert shown(model, healed, known) == shown(model, events, known)


def _living(model: ReadModel, events: Events, moment: Moment) -> Iterator[str]:
    rows = model.fold(moment.of(events))
    for table in model.tables:
        for row in rows.all(table):
            if not row.removed:
                yield msgspec.json.encode(row).decode()


DAYS = st.lists(INSTANTS, min_size=1, max_size=3)
