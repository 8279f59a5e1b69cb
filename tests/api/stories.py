"""What happens to the invented people of these stories, told by whoever may tell it."""

from itertools import count
from uuid import UUID

from infra.ids import new_id
from tests.api.house import Caller, House, Json

MIGRAINE = {"condition": {"text": "میگرن"}, "tradition": "avicenna", "severity": "mild"}
BORAGE = {
    "kind": "herbal",
    "remedy": {"text": "گل‌گاوزبان"},
    "dose": {"amount": 2, "unit": "g", "times_per_day": 2},
}
BARLEY = {"kind": "dietary", "remedy": {"text": "آش جو"}}
_numbers = count(1)


def number() -> str:
    """A patient number that nobody has."""
    return f"N-{next(_numbers)}"


def register(doctor: Caller, **details: object) -> Json:
    return doctor.tell("/patients", {"patient_no": number(), "name": "زهرا احمدی", **details})


def diagnose(doctor: Caller, patient_id: str, **details: object) -> Json:
    return doctor.tell(f"/patients/{patient_id}/diagnoses", {**MIGRAINE, **details})


def issue(doctor: Caller, diagnosis_id: str, *items: Json, **details: object) -> Json:
    return doctor.tell(
        f"/diagnoses/{diagnosis_id}/recommendations", {"items": list(items or (BORAGE,)), **details}
    )


def add(doctor: Caller, line_id: str, item: Json, base: int = 1) -> Json:
    """Revise a line by one more item."""
    change = {"op": "add", "after": item, "reason_code": "ADHERENCE.PREFERENCE"}
    return doctor.tell(f"/recommendations/{line_id}/revise", {"base_version": base, "changes": [change]})


def answer(patient: Caller, line_id: str, version: int = 1, **details: object) -> Json:
    body = {"recommendation_version": version, "rating": 4, **details}
    return patient.tell(f"/recommendations/{line_id}/feedback", body)


def treated(house: House, doctor: Caller) -> tuple[Caller, str, str, str]:
    """A patient who can speak for themselves, with a diagnosis and a recommendation for it."""
    patient_id = register(doctor)["id"]
    diagnosis_id = diagnose(doctor, patient_id)["id"]
    line_id = issue(doctor, diagnosis_id)["id"]
    return house.caller("patient", UUID(patient_id)), patient_id, diagnosis_id, line_id


def nobody() -> str:
    """An id that no patient has."""
    return str(new_id())


def merge(doctor: Caller, approver: Caller, retired_id: str, survivor_id: str) -> Json:
    """One proposes, another one approves; the id of the merge is that of the retired."""
    doctor.tell("/merges", {"retired_id": retired_id, "survivor_id": survivor_id})
    return approver.tell(f"/merges/{retired_id}/approve")
