"""What holds for every view, over HTTP: the past is shown as the present, and two records of one as one."""

import pytest

from tests.api import stories
from tests.api.asking import Told
from tests.api.house import Caller, House, Json

FAR = "2100-01-01"


@pytest.fixture(scope="module")
def told(house: House, doctor: Caller, admin: Caller, auditor: Caller) -> Told:
    return Told(house, doctor, admin, auditor)


def said(caller: Caller, path: str, query: Json, **then: object) -> Json:
    """The answer, but for the head of the log beside it."""
    return {
        name: value
        for name, value in caller.read(path, None, **{**query, **then}).items()
        if name != "checkpoint"
    }


def test_known_at_now_and_as_of_a_far_day_are_the_present(told: Told) -> None:
    asked = 0
    for template, path, query, past in told.views():
        if past:
            caller = told.who_may(path, query)
            now, position = said(caller, path, query), told.house.position
            assert said(caller, path, query, known_at=position) == now, template
            assert said(caller, path, query, as_of=FAR) == now, template
            assert said(caller, path, query, known_at=position, as_of=FAR) == now, template
            asked += 1
    assert asked


def test_what_was_known_stays_what_was_known(told: Told) -> None:
    position = told.house.position
    views = [(told.who_may(path, query), path, query) for _, path, query, past in told.views() if past]
    before = [said(caller, path, query) for caller, path, query in views]
    told.changed()
    told.doctor.tell(
        f"/recommendations/{told.ids['recommendations']}/suspend", {"reason_code": "ADHERENCE.COST"}
    )
    then = [said(caller, path, query, known_at=position) for caller, path, query in views]
    assert then == before
    assert [said(caller, path, query) for caller, path, query in views] != before


def test_every_view_of_a_patient_is_the_same_under_the_id_that_was_retired(
    told: Told, house: House, doctor: Caller, admin: Caller
) -> None:
    _, retired_id, _, _ = stories.treated(house, doctor)
    stories.merge(doctor, admin, retired_id, told.patient_id)
    for template, path, query, _ in told.views():
        if template.startswith("/v1/patients/{id}/"):
            caller = told.who_may(path, query)
            one, other = (
                caller.read(f"/patients/{patient}/{path.partition(told.patient_id + '/')[2]}", None, **query)
                for patient in (told.patient_id, retired_id)
            )
            assert one == other, template
    assert doctor.read(f"/patients/{retired_id}")["merged_into"] == told.patient_id
    admin.tell(f"/merges/{retired_id}/reverse", {"reason": "two persons"})
    for name in ("timeline", "diagnoses", "recommendations"):
        one, other = (
            doctor.read(f"/patients/{patient}/{name}")["items"] for patient in (told.patient_id, retired_id)
        )
        assert not {item["id"] for item in one} & {item["id"] for item in other}
