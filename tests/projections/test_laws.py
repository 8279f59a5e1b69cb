"""Every read model obeys the laws, whatever happened."""

from datetime import datetime
from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.event import Event
from domain.recorded import Recorded
from projections import (
    change_view,
    recommendation_changes,
    recommendation_versions,
    timeline_page,
    version_view,
)
from projections import patient_timeline as timeline
from projections.model import ReadModel
from projections.recommendation_versions import LINE
from projections.registry import models
from projections.timeline_words import Words
from tests.domain.strategies import INSTANTS
from tests.projections import laws
from tests.projections.histories import histories
from tests.projections.story import PATIENT_ID

MODELS = models("Asia/Tehran")
EACH_MODEL = pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
Events = list[Recorded[Event]]
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


@quick
@given(histories())
def test_every_model_is_lawful(events: Events) -> None:
    for model in MODELS:
        laws.touches_name_every_row(model, events)
        laws.other_events_do_not_concern_it(model, events)
        laws.folds_are_pure(model, events)
        laws.rows_survive_their_table(model, model.fold(events))


@quick
@given(histories(), INSTANTS)
def test_any_past_can_be_folded(events: Events, as_of: datetime) -> None:
    for model in MODELS:
        model.fold([one for one in events if one.event and one.event.occurred_at <= as_of])


@quick
@given(histories())
def test_of_an_erased_patient_only_the_places_of_events_are_left(events: Events) -> None:
    for model in MODELS:
        left = laws.stored(model, model.fold(laws.erased(events)))
        assert len(left) == (len(events) if model.name == "audit_trail" else 0)


@quick
@given(histories(), st.sampled_from(["fa", "en", "ar"]), st.integers(1, 5))
def test_a_timeline_can_be_told_in_every_language_page_by_page(
    events: Events, locale: str, limit: int
) -> None:
    group = [(PATIENT_ID, timeline.MODEL.fold(events))]
    words, before = Words(locale), None
    told: list[timeline_page.TimelineItem] = []
    while True:
        asked = timeline_page.Asked(before=before, limit=limit)
        page = timeline_page.page_of(group, asked, words, 0, 1)
        assert len(page.items) <= limit
        assert all(item.title and item.summary for item in page.items)
        told += page.items
        before = page.next
        if before is None:
            break
    assert told == list(timeline_page.page_of(group, timeline_page.Asked(limit=999), words, 0, 1).items)


@quick
@given(histories())
def test_a_comparison_applied_to_the_one_version_gives_the_other(events: Events) -> None:
    versions = [recommendation_versions.MODEL.fold(events)]
    changes = [recommendation_changes.MODEL.fold(events)]
    for line in versions[0].all(LINE):
        shown = [_json(one) for one in version_view.all_versions_of(versions, line.recommendation_id)]
        for first in range(1, len(shown)):
            for last in range(first + 1, len(shown) + 1):
                compared = change_view.versions_of(changes, line.recommendation_id, first, last)
                applied = _applied(_json(shown[first - 1]["items"]), _json(compared))
                assert applied == shown[last - 1]["items"]


@quick
@given(histories())
def test_a_line_compared_with_another_for_the_same_diagnosis_gives_the_other(events: Events) -> None:
    versions = [recommendation_versions.MODEL.fold(events)]
    changes = [recommendation_changes.MODEL.fold(events)]
    shown = [
        one
        for line in versions[0].all(LINE)
        for one in version_view.all_versions_of(versions, line.recommendation_id)
        if one.diagnosis_id is not None
    ]
    for one, other in product(shown, shown):
        places = [(each.id, each.recommendation_version) for each in (one, other)]
        if one.diagnosis_id == other.diagnosis_id:
            assert one.diagnosis_id is not None
            told = _json(change_view.lines_of(changes, one.diagnosis_id, places[0], places[1]))
            assert _applied(_json(one)["items"], told) == _json(other)["items"]


@quick
@given(histories())
def test_every_item_that_was_there_on_the_way_stands_in_one_list(events: Events) -> None:
    versions = [recommendation_versions.MODEL.fold(events)]
    changes = [recommendation_changes.MODEL.fold(events)]
    for line in versions[0].all(LINE):
        shown = version_view.all_versions_of(versions, line.recommendation_id)
        if len(shown) > 1:
            told = change_view.versions_of(changes, line.recommendation_id, 1, len(shown))
            listed = [*told.unchanged, *told.transient, *(one.item_id for one in told.changed)]
            listed += [item.item_id for item in (*told.added, *told.removed)]
            assert sorted(listed) == sorted({item.item_id for one in shown for item in one.items})


def _json(value: object) -> Any:  # noqa: ANN401  any JSON value
    return msgspec.json.decode(msgspec.json.encode(value))


def _applied(items: list[dict[str, Any]], compared: dict[str, Any]) -> list[dict[str, Any]]:
    gone = {item["item_id"] for item in compared["removed"]}
    kept = [item for item in items if item["item_id"] not in gone]
    for item in kept:
        for changed in compared["changed"]:
            for path, change in changed["fields"].items() if changed["item_id"] == item["item_id"] else ():
                *parts, name = path.split(".")
                target = item[parts[0]] if parts else item
                assert target[name] == change["from"]
                target[name] = change["to"]
    result = {item["item_id"]: item for item in [*kept, *compared["added"]]}
    return [result[item_id] for item_id in compared["order"] or result]


@EACH_MODEL
def test_tables_have_keys_and_columns_that_exist(model: ReadModel) -> None:
    for table in model.tables:
        names = {column.name for column in table.columns} | {"changed_at"}
        assert set(table.key) <= names
        for index in (*table.indexes, *table.across):
            assert set(index.split(", ")) <= names
