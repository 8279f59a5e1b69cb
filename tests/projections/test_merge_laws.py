"""A merge reads two records as one, and its reversal parts them as if it had never been."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from projections import patient_timeline as timeline
from projections import timeline_page
from projections.model import ReadModel, Rows
from projections.registry import models
from projections.timeline_page import TimelineItem
from projections.timeline_words import Words
from tests.projections import laws, merging
from tests.projections.merging import RETIRED, SURVIVOR, Story, Told, apart
from tests.projections.story import Log

MODELS = models("Asia/Tehran")
BOTH = (SURVIVOR, RETIRED)
WORDS = Words("en")
PLACES = st.integers(0, 20)
quick = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))

LAST_WORD = ("version", "position")
"""Which event was the last one of a stream: what a merge and its reversal move, and nothing else."""


def page(log: Log, group: Iterable[UUID], known_at: int | None = None) -> tuple[TimelineItem, ...]:
    rows = [(one, log.rows(timeline.MODEL, one, known_at)) for one in group]
    return timeline_page.page_of(rows, timeline_page.Asked(limit=999), WORDS, 0, 1).items


def facts(items: Iterable[TimelineItem]) -> list[TimelineItem]:
    """The items but for those of the merge itself."""
    return [item for item in items if not item.tag.startswith("patient.merge")]


def said(model: ReadModel, rows: Rows) -> dict[Any, dict[str, Any]]:
    """The rows of a model by their keys, but for those of the merge itself."""
    return {
        place: {name: value for name, value in msgspec.to_builtins(row).items() if name not in LAST_WORD}
        for place, row in laws.stored(model, rows).items()
        if not (row.removed or str(getattr(row, "tag", "")).startswith("patient.merge"))
    }


@quick
@given(merging.of_survivor(), merging.of_retired(), st.data(), PLACES)
def test_the_survivors_timeline_is_the_union_in_time_order(
    one: Told, other: Told, data: st.DataObject, at: int
) -> None:
    story = Story(merging.shuffled(data, one, other), at, None)
    assert story.group(SURVIVOR) == story.group(RETIRED) == [*BOTH]
    together = page(story.log, BOTH)
    alone = [item for patient in BOTH for item in page(story.log, [patient])]
    assert [item.tag for item in together].count("patient.merged") == 1
    merges = [item for item in alone if item.tag == "patient.merged"]
    assert len(merges) == len(BOTH)
    latest_first = sorted(alone, key=lambda item: (item.occurred_at, item.position), reverse=True)
    assert list(together) == [item for item in latest_first if item != max(merges, key=_position)]


def _position(item: TimelineItem) -> int:
    return item.position


@quick
@given(merging.of_survivor(), merging.of_retired(), st.data(), PLACES, st.none() | PLACES)
def test_before_the_merge_was_known_the_two_are_apart(
    one: Told, other: Told, data: st.DataObject, at: int, until: int | None
) -> None:
    story = Story(merging.shuffled(data, one, other), at, until)
    for patient in BOTH:
        assert story.group(patient, story.before) == [patient]
        assert page(story.log, [patient], story.before) == page(apart(story.log), [patient], story.before)


@quick
@given(merging.of_survivor(), merging.of_retired(), st.data(), PLACES, PLACES)
def test_a_reversal_restores_both_exactly_with_what_was_recorded_in_between(
    one: Told, other: Told, data: st.DataObject, at: int, until: int
) -> None:
    story = Story(merging.shuffled(data, one, other), at, until)
    never = apart(story.log)
    for patient in BOTH:
        assert story.group(patient) == [patient]
        assert facts(page(story.log, [patient])) == facts(page(never, [patient]))
        for model in MODELS:
            note(model.name)
            assert said(model, story.log.rows(model, patient)) == said(model, never.rows(model, patient))
