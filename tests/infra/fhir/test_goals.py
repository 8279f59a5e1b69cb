"""Stories of goals: what a plan wants to reach."""

from datetime import UTC, datetime

import pytest

from domain.recommendation import Goal, RecommendationDrafted
from infra.fhir.stated import PassedOver, Unusable
from tests.infra.fhir.bundles import Resource, care_plan, condition, goal, patient
from tests.infra.fhir.stories import Record, events, left_out, said, tags


def drafted(*resources: Resource) -> list[tuple[Goal, ...]]:
    planned = events(Record().brings(patient(), condition(), *resources))
    return [event.goals for event in planned if isinstance(event, RecommendationDrafted)]


def names(*numbers: str) -> Resource:
    return {"goal": [{"reference": f"Goal/{number}"} for number in numbers]}


def test_a_plan_has_the_goals_that_it_names() -> None:
    foot, sugar = goal("g1", "Optimal foot health"), goal("g2", "Hemoglobin A1c total in Blood < 7.0")
    assert drafted(foot, sugar, care_plan(**names("g1", "g2")), care_plan("p2", addresses=[])) == [
        (
            Goal(metric="Optimal foot health", target="reached"),
            Goal(metric="Hemoglobin A1c total in Blood", target="< 7.0"),
        ),
        (),
    ]


def test_a_target_says_more_than_words() -> None:
    target = {
        "measure": {"text": "HbA1c"},
        "detailQuantity": {"value": 6.5, "comparator": "<=", "unit": "%"},
        "dueDate": "2011-01-01",
    }
    due = datetime(2010, 12, 31, 20, 30, tzinfo=UTC)
    assert drafted(goal(target=[target]), care_plan(**names("g1"))) == [
        (Goal(metric="HbA1c", target="<= 6.5 %", by=due),)
    ]
    said_so = {"detailString": "able to climb stairs"}
    assert drafted(goal("g1", "Mobility", target=[said_so]), care_plan(**names("g1"))) == [
        (Goal(metric="Mobility", target="able to climb stairs"),)
    ]


def test_a_goal_that_no_plan_names_is_of_the_plan_for_what_it_addresses() -> None:
    about: Resource = {"addresses": [{"reference": "Condition/c1"}]}
    assert drafted(goal(**about), care_plan()) == [(Goal(metric="Hemoglobin A1c", target="< 7.0"),)]
    planned = Record().brings(patient(), condition(), goal(), goal("g2", **about), care_plan())
    assert left_out(planned) == {
        "Goal/g1": "import.goal_without_plan",
        "Goal/g2": "import.part_of_plan",
    }


def test_the_same_goals_again_are_nothing_new_and_others_are_told() -> None:
    record = Record()
    first = patient(), condition(), goal(), care_plan(**names("g1"))
    record.brings(*first)
    assert tags(record.brings(*first)) == []
    assert record.vanished == []
    changed = record.brings(patient(), condition(), goal(text="A1c < 6"), care_plan(**names("g1")))
    assert tags(changed) == []
    assert left_out(changed)["CarePlan/p1"] == "import.change_without_event"


def test_a_goal_says_what_it_is_and_is_pursued() -> None:
    with pytest.raises(PassedOver, match=r"import\.not_true"):
        said(goal(lifecycleStatus="rejected"))
    with pytest.raises(Unusable, match=r"import\.code_missing"):
        said(goal(description={}))
