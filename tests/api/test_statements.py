"""A query costs at most two statements, whichever view it asks for, of the present or of the past."""

import pytest

from tests.api.asking import Told
from tests.api.counting import counting
from tests.api.house import Caller, House, Json

MOST = 2
READ_THE_LOG = {"/v1/audit/events": 6, "/v1/audit/replay": 8}
"""Auditors are told what the log says, opened anew, with the last checkpoint beside it; it may take the keys
of people whom this process has not read for a minute, and to ask whose were destroyed."""


@pytest.fixture(scope="module")
def told(house: House, doctor: Caller, admin: Caller, auditor: Caller) -> Told:
    return Told(house, doctor, admin, auditor)


def statements(caller: Caller, path: str, query: Json) -> list[str]:
    with counting() as asked:
        answered = caller.get(path, None, **query)
    assert answered.status_code == 200, answered.text
    return asked[answered.headers["X-Request-Id"]]


def test_what_nobody_has_asked_since_the_last_change_costs_at_most_two(told: Told) -> None:
    for template, path, query, _ in told.views():
        caller = told.who_may(path, query)
        told.changed()
        found = statements(caller, path, query)
        assert len(found) <= READ_THE_LOG.get(template, MOST), (template, found)


def test_a_question_about_the_past_costs_at_most_two(told: Told) -> None:
    """But once for each time that the log has grown: how long it is."""
    told.changed()
    position = told.house.position
    told.doctor.read(f"/patients/{told.patient_id}/timeline", None, known_at=position)
    asked = 0
    for template, path, query, past in told.views():
        if past:
            caller = told.who_may(path, query)
            for then in ({"known_at": position}, {"as_of": "2100-01-01"}):
                found = statements(caller, path, {**query, **then})
                assert len(found) <= READ_THE_LOG.get(template, MOST), (template, found)
                asked += 1
    assert asked


def test_statements_are_heard(told: Told) -> None:
    told.changed()
    found = statements(told.doctor, f"/patients/{told.patient_id}/diagnoses", {})
    assert any("json_agg" in one for one in found)
