"""The hundred Synthea patients: every fact of theirs is in the record, once, and quickly.

The data is not ours to keep: `TARIKH_TEST_DATA` names the folder that holds it.
"""

from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from domain.diagnosis import DiagnosisRecorded, DiagnosisResolved, SymptomObserved
from domain.event import Event
from domain.items import Item
from domain.patient import CareTeamMemberAssigned, PatientRegistered
from domain.recommendation import (
    RecommendationCompleted,
    RecommendationDrafted,
    RecommendationIssued,
    RecommendationRevised,
)
from domain.recorded import Recorded
from infra.fhir import resources as fhir
from infra.fhir.practitioners import account_of
from infra.fhir.reading import Found, files, resources
from infra.fhir.report import Report
from infra.fhir.times import When, read
from infra.settings import Settings
from projections import patient_timeline
from projections.timeline_item import ITEM
from tests.infra.fhir.logs import House, source_ref

R = TypeVar("R", bound=fhir.Resource)
MOST_SECONDS, MOST_MEGABYTES = 60, 400
PATIENTS, DEATHS, ALLERGIES = 100, 18, 87
SCORES = {"pain": 920, "cognitive_impairment": 27}
PLANS_WITH_GOALS = 29
TARGETS = {"reached": 85, "< 7.0": 27, "< 108": 27, "> 85": 2}
COMPLAINTS, MEMBERS = 101, 159
CONDITIONS, ABATED, PLANS, COMPLETED, PRESCRIPTIONS = 687, 385, 274, 160, 597
LINES_BY_VERSIONS = {
    1: 119,
    2: 41,
    3: 21,
    4: 12,
    5: 11,
    6: 3,
    7: 1,
    8: 3,
    9: 4,
    10: 2,
    11: 1,
    16: 3,
    21: 1,
    45: 1,
}


@pytest.fixture
def folder(settings: Settings) -> Path:
    assert settings.test_data is not None, "TARIKH_TEST_DATA names no folder, and this story needs its data"
    return settings.test_data / "fhir-synthea-r4" / "dev"


@pytest.mark.third_party
def test_a_hundred_patients(new_house: Callable[[], House], folder: Path) -> None:
    house = new_house()
    report = msgspec.json.decode(house.imports_apart("fhir", str(folder)), type=Report)
    recorded = house.events()
    stated = [found for file in files([folder]) for found in resources(file) if isinstance(found, Found)]
    _is_quick_and_small(report)
    assert (report.problems, report.events) == ([], len(recorded))
    assert len({r.subject_id for r in recorded}) == report.files == PATIENTS
    _conditions_are_there(stated, recorded, house.settings)
    _plans_are_there(stated, recorded, house.settings)
    _prescriptions_are_there(stated, recorded, house.settings)
    _scores_are_there(stated, recorded)
    _goals_are_there(stated, recorded)
    _care_teams_are_there(stated, recorded)
    _timelines_hold_every_fact(recorded)
    again = house.imports(folder)
    assert (again.events, again.problems, again.vanished) == (0, [], [])


def _is_quick_and_small(report: Report) -> None:
    assert report.seconds <= MOST_SECONDS
    assert report.peak_memory_mb <= MOST_MEGABYTES


def _conditions_are_there(stated: list[Found], recorded: list[Recorded[Event]], settings: Settings) -> None:
    of_source = _of_source(recorded)
    conditions = _decoded(stated, fhir.Condition)
    assert len(conditions) == CONDITIONS
    for ref, condition in conditions.items():
        first, *rest = of_source[ref]
        assert isinstance(first, DiagnosisRecorded)
        assert first.onset == _when(condition.onset_date_time, settings).at
        assert first.condition.text == condition.code.text
        abated = condition.abatement_date_time
        ends = [_when(abated, settings).at] if abated else []
        assert rest == [DiagnosisResolved(occurred_at=end, outcome="not_stated") for end in ends]
    assert sum(isinstance(r.event, DiagnosisResolved) for r in recorded) == ABATED


def _plans_are_there(stated: list[Found], recorded: list[Recorded[Event]], settings: Settings) -> None:
    of_source = _of_source(recorded)
    plans = _decoded(stated, fhir.CarePlan)
    assert len(plans) == PLANS
    for ref, plan in plans.items():
        drafted, issued, *rest = of_source[ref]
        assert isinstance(drafted, RecommendationDrafted)
        assert (drafted.diagnosis_id is not None) == bool(plan.addresses)
        assert isinstance(issued, RecommendationIssued)
        assert issued.valid_from == _when(plan.period.start, settings).at
        assert len(issued.items) == len(plan.activity)
        ends = [event.occurred_at for event in rest if isinstance(event, RecommendationCompleted)]
        assert ends == ([_when(plan.period.end, settings).at] if plan.status == "completed" else [])
    assert sum(isinstance(r.event, RecommendationCompleted) for r in recorded) == COMPLETED


def _prescriptions_are_there(
    stated: list[Found], recorded: list[Recorded[Event]], settings: Settings
) -> None:
    requests = _decoded(stated, fhir.MedicationRequest)
    assert len(requests) == PRESCRIPTIONS
    items = {item.source_ref: item for r in recorded for item in _items(r.event)}
    for ref, request in requests.items():
        item = items[ref]
        assert (item.status, item.remedy.text) == (request.status, request.medication_codeable_concept.text)
        assert item.period is not None
        assert item.period.start == _when(request.authored_on, settings).at
        assert item.period.end_precision == ("unknown" if request.status == "stopped" else "exact")
    versions = Counter(r.stream_id for r in recorded if source_ref(r) in requests and _items(r.event))
    assert dict(sorted(Counter(versions.values()).items())) == LINES_BY_VERSIONS


def _scores_are_there(stated: list[Found], recorded: list[Recorded[Event]]) -> None:
    """Every one, and where the patient had one diagnosis in the encounter, of that."""
    of_source = {source_ref(one): one for one in recorded if isinstance(one.event, SymptomObserved)}
    observations = _decoded(stated, fhir.Observation)
    measured: Counter[str] = Counter()
    for ref, one in of_source.items():
        assert isinstance(one.event, SymptomObserved)
        quantity = observations[ref].value_quantity
        assert quantity is not None
        assert quantity.value == (one.event.score if one.event.raw is None else one.event.raw)
        measured[one.event.symptom_code] += 1
    assert measured == SCORES


def _goals_are_there(stated: list[Found], recorded: list[Recorded[Event]]) -> None:
    drafts = [r.event for r in recorded if isinstance(r.event, RecommendationDrafted) and r.event.goals]
    assert len(drafts) == PLANS_WITH_GOALS
    assert Counter(goal.target for draft in drafts for goal in draft.goals) == TARGETS
    words = {one.description.text or "" for one in _decoded(stated, fhir.Goal).values()}
    for draft in drafts:
        for goal in draft.goals:
            metric = goal.metric.removesuffix("…")
            assert any(word.startswith(metric) for word in words)


def _care_teams_are_there(stated: list[Found], recorded: list[Recorded[Event]]) -> None:
    """Everybody who met a patient is of their team since they met first; and answers for the rest."""
    whose = {source_ref(r): r.subject_id for r in recorded if isinstance(r.event, PatientRegistered)}
    met = set()
    for found in stated:
        if found.kind == "Encounter":
            one = msgspec.json.decode(found.raw, type=fhir.Encounter)
            patient_id = whose[found.resolve(one.subject.reference) or ""]
            people = (found.resolve(by.individual.reference) for by in one.participant)
            met |= {(patient_id, account_of(person)) for person in people if person}
    teams = [r for r in recorded if isinstance(r.event, CareTeamMemberAssigned)]
    assert len(teams) == len(met)
    assert {(r.subject_id, getattr(r.event, "account_id", None)) for r in teams} == met
    members = {account_id for _, account_id in met}
    by = Counter(r.meta.on_behalf_of in members for r in recorded if r.meta and r.meta.on_behalf_of)
    assert set(by) == {True}
    assert by[True] > len(recorded) / 2


def _timelines_hold_every_fact(recorded: list[Recorded[Event]]) -> None:
    by_patient = defaultdict(list)
    for one in recorded:
        by_patient[one.subject_id].append(one)
    told = Counter(
        item.kind
        for events in by_patient.values()
        for item in patient_timeline.MODEL.fold(events).all(ITEM)
        if not item.removed
    )
    assert told == {
        "registration": PATIENTS,
        "death": DEATHS,
        "background": ALLERGIES,
        "symptom": sum(SCORES.values()),
        "diagnosis": CONDITIONS + ABATED + COMPLAINTS,
        "care_team": MEMBERS,
        "recommendation": PLANS + COMPLETED + PRESCRIPTIONS,
    }


def _of_source(recorded: list[Recorded[Event]]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = defaultdict(list)
    for one in recorded:
        assert one.event is not None
        found[source_ref(one)].append(one.event)
    return found


def _decoded(stated: list[Found], kind: type[R]) -> dict[str, R]:
    return {
        found.ref: msgspec.json.decode(found.raw, type=kind)
        for found in stated
        if found.kind == kind.__name__
    }


def _items(event: Event | None) -> tuple[Item, ...]:
    """The items that an event brings in."""
    match event:
        case RecommendationIssued(items=items):
            return items
        case RecommendationRevised(changes=changes):
            return tuple(change.after for change in changes if change.after)
        case _:
            return ()


def _when(text: str | None, settings: Settings) -> When:
    assert text is not None
    return read(text, settings.time_zone)
