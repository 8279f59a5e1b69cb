"""The thinnest slice through everything: recorded, revised, answered, taken back, merged, erased, rebuilt, replayed."""

from tests.api import stories
from tests.api.house import Caller, House


def kinds(answered: dict) -> list[str]:
    return [item["tag"] for item in answered["items"]]


def test_a_treatment_is_told_newest_first(house: House, doctor: Caller) -> None:
    patient, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    revised = stories.add(doctor, line_id, stories.BARLEY)
    assert revised["recommendation_version"] == 2
    given = stories.answer(patient, line_id, 2)
    told = doctor.read(f"/patients/{patient_id}/timeline")
    print(kinds(told))
    patient.tell(f"/feedback/{given['id']}/retract", {"reason_code": "CORRECTION.DATA_ENTRY"})
    print(kinds(doctor.read(f"/patients/{patient_id}/timeline")))
