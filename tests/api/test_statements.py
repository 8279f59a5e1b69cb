"""A query costs at most two statements, whichever view it asks for, of the present or of the past."""

from collections.abc import Iterator

import pytest

from tests.api import stories
from tests.api.counting import counting
from tests.api.house import Caller, House, Json
from tests.api.routes import routes

MOST = 2
READ_THE_LOG = {"/v1/audit/events": 5, "/v1/audit/replay": 8}
"""Auditors are told what the log says, opened anew, with the last checkpoint beside it; it may take keys of
people whom this process has not read for a minute."""
PROVE = {
    "/v1/audit/checkpoint",
    "/v1/audit/consistency",
    "/v1/audit/export",
    "/v1/audit/proof/{position}",
    "/v1/patients/{id}/erasure",
}
"""Signs, proves or certifies: as many as the tree has levels to read."""


class Told:
    """A patient whom every route can be asked about, and by whom."""

    def __init__(self, house: House, doctor: Caller, admin: Caller, auditor: Caller) -> None:
        self.house, self.doctor, self.auditor = house, doctor, auditor
        patient, self.patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
        self.callers = (doctor, auditor, admin, patient)
        other = stories.issue(doctor, diagnosis_id, stories.BARLEY)["id"]
        stories.add(doctor, line_id, stories.BARLEY)
        self.ids = {
            "patients": self.patient_id,
            "diagnoses": diagnosis_id,
            "recommendations": line_id,
            "feedback": stories.answer(patient, line_id)["id"],
        }
        self.required: dict[str, object] = {
            "from": 1,
            "to": 2,
            "left": f"{line_id}:1",
            "right": f"{other}:1",
            "patient": self.patient_id,
        }

    def views(self) -> Iterator[tuple[str, str, Json, bool]]:
        """Template, path and query of each route, and whether it may be asked about the past."""
        for method, template, handler in routes(self.house.app):
            if method != "GET" or not template.startswith("/v1") or template in PROVE:
                continue
            kind = template.split("/")[2]
            assert "{id}" not in template or kind in self.ids, f"whose id is meant in {template}?"
            query = {
                f"{name}_" if name == "from" else name: self.required[name]
                for name, parameter in handler.opt["query"].items()
                if parameter.required
            }
            path = template.removeprefix("/v1").format(id=self.ids.get(kind))
            yield template, path, query, "known_at" in handler.opt["query"]

    def changed(self) -> None:
        """Something new of the patient, that all views have taken in."""
        stories.diagnose(self.doctor, self.patient_id)
        self.doctor.read(f"/patients/{self.patient_id}/timeline")
        self.auditor.read("/audit/events", limit=1)

    def who_may(self, path: str, query: Json) -> Caller:
        for caller in self.callers:
            if caller.get(path, None, **query).status_code == 200:
                return caller
        raise AssertionError(f"nobody may ask for {path}")


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
