"""Strategies for whole histories: any facts and corrections of a few streams, each opened as it must be."""

from collections.abc import Callable
from typing import Any, get_args
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from domain import feedback, patient, prediction
from domain.diagnosis import events as diagnosis
from domain.event import Change, Coded, Event
from domain.items import Item, ItemBody, ItemChange, Items, apply_changes, recorded_item
from domain.recommendation import events as recommendation
from domain.recorded import Recorded
from tests.domain.spec import an_id
from tests.domain.strategies import INSTANTS, WORDS, anything
from tests.projections.story import DIAGNOSIS_ID, LINE_ID, OTHER_PATIENT_ID, PATIENT_ID, Log

LINES = st.sampled_from([LINE_ID, an_id(22)])
DIAGNOSES = st.sampled_from([DIAGNOSIS_ID, an_id(12)])
FEEDBACK = st.sampled_from([an_id(31), an_id(32)])
PREDICTIONS = st.sampled_from([an_id(61), an_id(62)])
FIRST_FINDING = 100
OTHERS = st.sampled_from([OTHER_PATIENT_ID, an_id(3)])


def _changes(**after: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Change]]:
    changed = {
        name: values.map(lambda value: Change(before=None, after=msgspec.to_builtins(value)))
        for name, values in after.items()
    }
    return st.fixed_dictionaries({}, optional=changed)


CORRECTED = {
    patient.PatientDetailsCorrected: _changes(
        name=WORDS, phone=WORDS, sex=st.sampled_from(get_args(patient.Sex)), died_at=st.none() | INSTANTS
    ),
    diagnosis.DiagnosisRevised: _changes(
        condition=anything(Coded),
        severity=st.none() | st.sampled_from(get_args(diagnosis.Severity)),
        onset=st.none() | INSTANTS,
        status=st.sampled_from(["provisional", "differential"]),
    ),
    feedback.FeedbackAmended: _changes(
        rating=st.none() | st.integers(1, 5),
        comment=st.none() | WORDS,
        side_effects=st.lists(anything(feedback.SideEffect), max_size=3),
    ),
}
FIXED: dict[str, st.SearchStrategy[Any]] = {
    "patient_id": st.just(PATIENT_ID),
    "diagnosis_id": DIAGNOSES,
    "recommendation_id": LINES,
}
OPENED = {recommendation.RecommendationIssued}
"""Follows at once on the first event of its stream, and never again."""

LINE_TYPES = get_args(recommendation.RecommendationEvent)
PATIENT_TYPES = [t for t in get_args(patient.PatientEvent) if t is not patient.PatientErased]


def _event(of: type[Event]) -> st.SearchStrategy[Any]:
    fixed = {**FIXED, **({"changes": CORRECTED[of]} if of in CORRECTED else {})}
    if of in {patient.PatientsMerged, patient.PatientMergeReversed}:
        return st.booleans().flatmap(lambda retired: anything(of, **_sides(retired=retired)))
    return anything(of, **fixed)


def _sides(*, retired: bool) -> dict[str, st.SearchStrategy[Any]]:
    mine, other = ("retired", "survivor") if retired else ("survivor", "retired")
    return {"side": st.just(mine), f"{mine}_id": st.just(PATIENT_ID), f"{other}_id": OTHERS}


class _Teller:
    """Draws the next event of a stream so that it can follow what is there."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self.draw = draw
        self.log = Log()
        self.opened: set[UUID] = set()
        self.items: dict[UUID, Items] = {}
        self.versions: dict[UUID, int] = {}

    def tell(self) -> None:
        streams = {
            "patient": (st.just(PATIENT_ID), PATIENT_TYPES),
            "diagnosis": (DIAGNOSES, get_args(diagnosis.DiagnosisEvent)),
            "recommendation": (LINES, LINE_TYPES),
            "feedback": (FEEDBACK, get_args(feedback.FeedbackEvent)),
            "prediction": (PREDICTIONS, get_args(prediction.PredictionEvent)),
        }
        ids, types = streams[self.draw(st.sampled_from(sorted(streams)))]
        stream_id = self.draw(ids)
        if stream_id not in self.opened:
            self.opened.add(stream_id)
            self.log.add(stream_id, self.draw(_event(types[0])))
            if types is LINE_TYPES:
                self.log.add(stream_id, self._line_event(stream_id, recommendation.RecommendationIssued))
            return
        event_type = self.draw(st.sampled_from([of for of in types[1:] if of not in OPENED]))
        if types is LINE_TYPES:
            self.log.add(stream_id, self._line_event(stream_id, event_type))
        else:
            self.log.add(stream_id, self._with_new_id(self.draw(_event(event_type))))

    def _with_new_id(self, event: Event) -> Event:
        """Ids of findings and assessments are given once; a retraction names any."""
        fresh = an_id(FIRST_FINDING + len(self.log.events))
        match event:
            case diagnosis.FindingRecorded():
                return msgspec.structs.replace(event, finding_id=fresh)
            case diagnosis.AssessmentAdded():
                return msgspec.structs.replace(event, assessment_id=fresh)
            case diagnosis.FindingRetracted():
                nth = self.draw(st.integers(0, len(self.log.events)))
                return msgspec.structs.replace(event, finding_id=an_id(FIRST_FINDING + nth))
            case _:
                return event

    def _line_event(self, line_id: UUID, of: type[Event]) -> Event:
        items = self.items.get(line_id, ())
        version = self.versions.get(line_id, 0)
        fixed: dict[str, st.SearchStrategy[Any]]
        match of:
            case recommendation.RecommendationIssued:
                fixed = {"items": st.lists(self._item(), min_size=1, max_size=3).map(tuple)}
            case recommendation.RecommendationRevised:
                fixed = {"changes": st.just(self._changes(items))}
            case recommendation.RecommendationVersionRestored:
                fixed = {"items": st.just(items[:1])}
            case recommendation.RevisionProposed:
                fixed = {"changes": st.just(())}
            case _:
                fixed = {}
        event = self.draw(anything(of, **FIXED, **fixed))
        if of in VERSION_TYPES:
            event = msgspec.structs.replace(event, recommendation_version=version + 1)
            self.versions[line_id] = version + 1
            changed = apply_changes(items, getattr(event, "changes", ()))
            self.items[line_id] = getattr(event, "items", changed)
        return event  # type: ignore[no-any-return]

    def _item(self) -> st.SearchStrategy[Item]:
        return st.builds(recorded_item, anything(ItemBody), st.uuids())

    def _changes(self, items: Items) -> tuple[ItemChange, ...]:
        changes: list[ItemChange] = []
        for _ in range(self.draw(st.integers(1, 3))):
            op = self.draw(st.sampled_from(["add", "replace", "remove", "reorder"] if items else ["add"]))
            item = self.draw(self._item())
            item_id = item.item_id if op == "add" else self.draw(st.sampled_from(items)).item_id
            if op == "replace":
                item = recorded_item(item, item_id)
            change = ItemChange(
                op=op,
                item_id=item_id,
                after=item if op in {"add", "replace"} else None,
                index=self.draw(st.none() | st.integers(0, 3)),
                reason_code=self.draw(st.sampled_from(["OTHER", "ADHERENCE.COST"])),
            )
            items = apply_changes(items, [change])
            changes.append(change)
        return tuple(changes)


VERSION_TYPES = {
    recommendation.RecommendationIssued,
    recommendation.RecommendationRevised,
    recommendation.RecommendationPhaseAdvanced,
    recommendation.RecommendationVersionRestored,
}


@st.composite
def histories(draw: Callable[[st.SearchStrategy[Any]], Any]) -> list[Recorded[Event]]:
    """Everything that happened to one patient, in the order of the log."""
    teller = _Teller(draw)
    for _ in range(draw(st.integers(1, 14))):
        teller.tell()
    return teller.log.events
