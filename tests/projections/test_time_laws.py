"""The laws of time hold for every subject model that is registered, whatever happened to a patient."""

from datetime import datetime

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from domain.event import Event
from domain.recorded import Recorded
from projections.registry import models
from tests.projections import time_laws
from tests.projections.histories import histories
from tests.projections.time_laws import DAYS, at_their_times

MODELS = models("Asia/Tehran")
Events = list[Recorded[Event]]
quick = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(histories())
def test_known_at_now_is_live_and_what_was_known_stays_what_was_known(told: Events) -> None:
    for model in MODELS:
        note(model.name)
        time_laws.the_past_is_what_was_live_then(model, told)


@quick
@given(histories(), DAYS)
def test_known_at_and_as_of_commute(told: Events, days: list[datetime]) -> None:
    for model in MODELS:
        note(model.name)
        time_laws.what_was_known_and_what_was_true_commute(model, at_their_times(told), days)


@quick
@given(histories(), DAYS)
def test_as_of_a_day_shows_what_is_known_of_it_today(told: Events, days: list[datetime]) -> None:
    events = at_their_times(told)
    for model in MODELS:
        note(model.name)
        time_laws.a_day_is_shown_as_it_is_known_today(model, events, days)
        time_laws.a_correction_changes_no_day_before_what_it_corrects(model, events)


@quick
@given(histories(), time_laws.errors(), st.integers(0, 14), DAYS)
def test_what_was_entered_in_error_is_gone_from_every_day_and_stays_in_the_past(
    told: Events, wrong: list[Event], place: int, days: list[datetime]
) -> None:
    events = at_their_times(time_laws.with_an_error(told, wrong, place))
    for model in MODELS:
        note(model.name)
        time_laws.an_error_is_gone_from_every_day_and_stays_in_the_past(model, events, days)
