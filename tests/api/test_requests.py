"""A command that is sent again, by two at once, or on top of what its sender has not seen."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from infra.commands import Result, Wish
from tests.api import stories
from tests.api.house import Caller, House, Json, problem


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def test_a_resend_is_given_the_first_answer(doctor: Caller, auditor: Caller) -> None:
    body, key = {"patient_no": stories.number(), "name": "مریم"}, keyed(stories.nobody())
    first = doctor.post("/patients", body, key)
    for _ in range(2):
        again = doctor.post("/patients", body, key)
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["ETag"] == first.headers["ETag"]
    assert len(auditor.read("/audit/events", patient=first.json()["id"])["items"]) == 2


def test_a_key_is_for_one_body_one_path_and_one_account(house: House, doctor: Caller) -> None:
    body, key = {"patient_no": stories.number(), "name": "مریم"}, keyed(stories.nobody())
    patient_id = doctor.post("/patients", body, key).json()["id"]
    problem(doctor.post("/patients", {**body, "name": "سارا"}, key), 422, "idempotency.other_body")
    path = f"/patients/{patient_id}/diagnoses"
    problem(doctor.post(path, stories.MIGRAINE, key), 422, "idempotency.other_body")
    other = house.caller("practitioner").post("/patients", {**body, "patient_no": stories.number()}, key)
    assert other.status_code == 201
    assert other.json()["id"] != patient_id


def test_a_resend_may_spell_an_id_in_capitals(house: House, doctor: Caller) -> None:
    _, patient_id, diagnosis_id, _ = stories.treated(house, doctor)
    key = keyed(stories.nobody())
    answers = [
        doctor.post(f"/patients/{spelled}/diagnoses", stories.MIGRAINE, key).json()
        for spelled in (patient_id, patient_id.upper())
    ]
    assert answers[0] == answers[1]
    confirm = doctor.post(f"/diagnoses/{diagnosis_id}/confirm", {}, keyed(key["Idempotency-Key"]))
    problem(confirm, 422, "idempotency.other_body")


def test_the_first_answer_stands_whatever_happened_since(house: House, doctor: Caller) -> None:
    _, _, _, line_id = stories.treated(house, doctor)
    change = {"op": "add", "after": stories.BARLEY, "reason_code": "ADHERENCE.PREFERENCE"}
    body, key = {"base_version": 1, "changes": [change]}, keyed(stories.nobody())
    first = doctor.post(f"/recommendations/{line_id}/revise", body, key)
    stories.add(doctor, line_id, stories.BARLEY, base=2)
    again = doctor.post(f"/recommendations/{line_id}/revise", body, key)
    assert (again.status_code, again.json()) == (200, first.json())
    assert again.json()["recommendation_version"] == 2
    problem(doctor.post(f"/recommendations/{line_id}/revise", body), 409, "recommendation.version_moved")


@pytest.mark.parametrize("times", [2, 8])
def test_two_at_once_have_one_effect_and_one_answer(
    house: House, doctor: Caller, auditor: Caller, times: int
) -> None:
    _, patient_id, _, line_id = stories.treated(house, doctor)
    change = {"op": "add", "after": stories.BARLEY, "reason_code": "ADHERENCE.PREFERENCE"}
    revise: Json = {"base_version": 1, "changes": [change]}
    suspend: Json = {"reason_code": "ADHERENCE.COST"}
    for name, body in (("revise", revise), ("suspend", suspend)):
        before = len(auditor.read("/audit/events", patient=patient_id)["items"])
        key = keyed(stories.nobody())

        def send(
            _: int,
            path: str = f"/recommendations/{line_id}/{name}",
            body: Json = body,
            key: dict[str, str] = key,
        ) -> Json:
            answered = doctor.post(path, body, key)
            assert answered.status_code == 200, answered.text
            found: Json = answered.json()
            return found

        with ThreadPoolExecutor(times) as pool:
            answers = list(pool.map(send, range(times)))
        assert answers == [answers[0]] * times
        assert len(auditor.read("/audit/events", patient=patient_id)["items"]) == before + 1


def test_whose_twin_was_quicker_is_given_the_twins_answer(
    house: House, doctor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The twin is stored by another process, just after this one has looked for it."""
    _, _, _, line_id = stories.treated(house, doctor)
    change = {"op": "add", "after": stories.BARLEY, "reason_code": "ADHERENCE.PREFERENCE"}
    revise: Json = {"base_version": 1, "changes": [change]}
    suspend: Json = {"reason_code": "ADHERENCE.COST"}
    commands = house.services.commands
    look = commands._answered
    for name, body in (("revise", revise), ("suspend", suspend)):
        path, key = f"/recommendations/{line_id}/{name}", keyed(stories.nobody())
        first = doctor.post(path, body, key)
        looks = count()

        async def late(wish: Wish, looks: Iterator[int] = looks) -> Result | None:
            return None if next(looks) == 0 else await look(wish)

        monkeypatch.setattr(commands, "_answered", late)
        again = doctor.post(path, body, key)
        assert (again.status_code, again.json()) == (200, first.json())
        assert next(looks) == 2


def test_a_phone_that_sends_again_is_known_by_its_own_ids(house: House, doctor: Caller) -> None:
    patient, _, _, line_id = stories.treated(house, doctor)
    origin = {
        "channel": "mobile",
        "method": "self_report",
        "device_id": "phone-1",
        "client_event_id": stories.nobody(),
    }
    first = stories.answer(patient, line_id, origin=origin)
    assert stories.answer(patient, line_id, origin=origin) == first
    other = {"recommendation_version": 1, "rating": 1, "origin": origin}
    problem(patient.post(f"/recommendations/{line_id}/feedback", other), 422, "idempotency.other_body")
    assert stories.answer(patient, line_id, origin={**origin, "client_event_id": stories.nobody()}) != first


def test_a_command_can_insist_on_the_version_that_was_seen(house: House, doctor: Caller) -> None:
    _, _, diagnosis_id, _ = stories.treated(house, doctor)
    seen = doctor.get(f"/diagnoses/{diagnosis_id}").headers["ETag"]
    assert seen == '"1"'
    path, body = f"/diagnoses/{diagnosis_id}/symptoms", {"symptom_code": "headache", "score": 7}
    answered = doctor.post(path, body, {"If-Match": seen})
    assert answered.headers["ETag"] == '"2"'
    problem(doctor.post(path, body, {"If-Match": seen}), 412, "version.mismatch")
    for tag in ('W/"2"', "2", '"two"', '"1", "2"', '"99"'):
        problem(doctor.post(path, body, {"If-Match": tag}), 412, "version.mismatch")
    assert doctor.post(path, body, {"If-Match": "*"}).status_code == 200
    assert doctor.post(path, body).json()["version"] == 4


def test_what_was_not_seen_goes_before_what_a_rule_says(house: House, doctor: Caller) -> None:
    _, _, diagnosis_id, _ = stories.treated(house, doctor)
    doctor.tell(f"/diagnoses/{diagnosis_id}/enter-in-error", {"reason_code": "CORRECTION.DATA_ENTRY"})
    path, body = f"/diagnoses/{diagnosis_id}/symptoms", {"symptom_code": "headache", "score": 7}
    problem(doctor.post(path, body, {"If-Match": '"1"'}), 412, "version.mismatch")
    problem(doctor.post(path, body, {"If-Match": '"2"'}), 422, "diagnosis.in_error")


def test_without_a_version_a_conflict_is_decided_anew(house: House, doctor: Caller) -> None:
    _, _, diagnosis_id, _ = stories.treated(house, doctor)
    body = {"symptom_code": "headache", "score": 5}
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: doctor.tell(f"/diagnoses/{diagnosis_id}/symptoms", body), range(16))
        )
    assert sorted(answer["version"] for answer in answers) == list(range(2, 18))


def test_what_changes_nothing_is_answered_with_the_same_version(house: House, doctor: Caller) -> None:
    _, _, _, line_id = stories.treated(house, doctor)
    first = doctor.tell(f"/recommendations/{line_id}/suspend", {"reason_code": "ADHERENCE.COST"})
    again = doctor.post(f"/recommendations/{line_id}/suspend", {"reason_code": "ADHERENCE.COST"})
    assert again.status_code == 200
    assert (again.json()["version"], again.json()["position"]) == (first["version"], first["position"])


def test_a_number_belongs_to_one_patient(doctor: Caller) -> None:
    number = stories.number()
    doctor.tell("/patients", {"patient_no": number, "name": "یک"})
    told = problem(doctor.post("/patients", {"patient_no": number, "name": "دو"}), 409, "claim.taken")
    assert number not in told["detail"]


def test_after_an_erasure_a_resend_is_told_that_all_is_gone(doctor: Caller, admin: Caller) -> None:
    body, key = {"patient_no": stories.number(), "name": "رفته"}, keyed(stories.nobody())
    patient_id = doctor.post("/patients", body, key).json()["id"]
    admin.tell(f"/patients/{patient_id}/erase", {"legal_basis": "GDPR.17"})
    problem(doctor.post("/patients", body, key), 410, "patient.erased")
