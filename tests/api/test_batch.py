"""A phone comes back: what it did meanwhile is sent at once, and each command has its own result."""

from http import HTTPStatus
from typing import Any

import pytest

from locales import translate
from tests.api import stories
from tests.api.house import Caller, House, Json, fields, problem

KINDS = {"اول", "دوم", "سوم"}


def batch(caller: Caller, *commands: Json, **headers: str) -> list[Json]:
    """Send them; the result of each."""
    told = caller.tell("/batch", {"commands": list(commands)}, **headers)
    found: list[Json] = told["results"]
    assert len(found) == len(commands)
    return found


def statuses(results: list[Json]) -> list[int]:
    return [one["status"] for one in results]


def symptom(diagnosis_id: str, score: int, **more: Any) -> Json:  # noqa: ANN401  JSON
    body = {"symptom_code": "headache", "score": score}
    return {"path": f"/diagnoses/{diagnosis_id}/symptoms", "body": body, **more}


def told_of(auditor: Caller, patient_id: str) -> list[Json]:
    """The patient's events in order."""
    found: list[Json] = auditor.read("/audit/events", patient=patient_id, limit=200)["items"]
    return sorted(found, key=lambda event: event["position"])


def test_each_command_is_answered_as_if_it_had_come_by_itself(
    house: House, doctor: Caller, auditor: Caller
) -> None:
    patient, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    taken = {"recommendation_version": 1, "comment": "سردردم بهتر شد", "rating": 4}
    first, second, third = batch(
        patient,
        {"method": "POST", "path": f"/v1/recommendations/{line_id}/feedback", "key": "f-1", "body": taken},
        {"path": f"/recommendations/{line_id}/acknowledge", "body": {"version": 1}},
        {"path": f"/diagnoses/{diagnosis_id}/symptoms", "body": {"symptom_code": "headache", "score": 3}},
    )
    assert (first["status"], first["key"], first["etag"]) == (201, "f-1", '"1"')
    assert first["body"]["version"] == 1
    assert (second["status"], second["body"]["id"]) == (200, line_id)
    assert second["position"] == second["body"]["position"]
    alone = patient.post(f"/diagnoses/{diagnosis_id}/symptoms", {"symptom_code": "headache", "score": 3})
    assert third["status"] == alone.status_code
    assert third["problem"] | {"instance": ""} == alone.json() | {"instance": ""}
    feedback = next(one for one in told_of(auditor, patient_id) if one["tag"] == "feedback.submitted")
    assert feedback["data"] is None or feedback["data"]["comment"] == "سردردم بهتر شد"


def test_one_request_is_the_correlation_of_all_that_came_with_it(
    house: House, doctor: Caller, auditor: Caller
) -> None:
    _, patient_id, diagnosis_id, _ = stories.treated(house, doctor)
    request_id = stories.nobody()
    results = batch(doctor, symptom(diagnosis_id, 3), symptom(diagnosis_id, 4), X_Request_Id=request_id)
    positions = {one["position"] for one in results}
    events = [one for one in told_of(auditor, patient_id) if one["position"] in positions]
    assert {one["meta"]["correlation_id"] for one in events} == {request_id}


def test_commands_of_one_stream_keep_their_order(house: House, doctor: Caller) -> None:
    streams = [stories.treated(house, doctor)[2] for _ in range(3)]
    sent = [symptom(streams[n % 3], n % 11) for n in range(60)]
    results = batch(doctor, *sent)
    assert set(statuses(results)) == {200}
    for start in range(3):
        own = results[start::3]
        assert [one["body"]["version"] for one in own] == list(range(2, 22))
        assert [one["position"] for one in own] == sorted(one["position"] for one in own)


def test_a_bad_one_does_not_spoil_the_good_ones(house: House, doctor: Caller, auditor: Caller) -> None:
    patient, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    other_id = stories.register(doctor)["id"]
    about = f"/recommendations/{line_id}/feedback"
    good = {"recommendation_version": 1, "rating": 4}
    before = len(told_of(auditor, patient_id))
    results = batch(
        patient,
        {"path": about, "body": good},
        {"path": about, "body": {"recommendation_version": 1, "rating": 9, "colour": "blue"}},
        {"path": about, "body": {"recommendation_version": 1, "comment": "a\0b"}},
        {"path": about, "body": ["not", "an", "object"]},
        {"path": about, "body": {"recommendation_version": 7, "rating": 4}},
        {"path": about},
        {"path": f"/patients/{other_id}/consents", "body": {"scope": "care", "policy_version": "1"}},
        {"path": f"/patients/{patient_id}/erasure", "body": {}},
        {"path": "/batch", "body": {"commands": []}},
        {"path": "/patients/nobody/consents", "body": {}},
        {"path": "نشانی", "body": {}},
        {"path": about, "body": good | {"rating": 2}},
    )
    assert statuses(results) == [201, 400, 400, 400, 422, 400, 404, 404, 404, 404, 404, 201]
    assert fields(results[1]["problem"]) == {
        "rating": "request.out_of_range",
        "colour": "request.unknown_field",
    }
    assert fields(results[2]["problem"]) == {"comment": "text.nul"}
    assert [one["problem"]["code"] for one in results[6:11]] == [
        "not_found",
        "batch.no_command",
        "batch.no_command",
        "not_found",
        "batch.no_command",
    ]
    assert len(told_of(auditor, patient_id)) == before + 2
    assert diagnosis_id


def test_what_may_not_be_done_alone_may_not_be_done_in_a_batch(house: House, doctor: Caller) -> None:
    _, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    stranger = house.caller("practitioner")
    commands = [
        symptom(diagnosis_id, 3),
        {"path": f"/recommendations/{line_id}/suspend", "body": {"reason_code": "ADHERENCE.COST"}},
        {"path": "/merges", "body": {"retired_id": patient_id, "survivor_id": stories.nobody()}},
        {"path": f"/patients/{patient_id}/erase", "body": {"legal_basis": "GDPR.17"}},
    ]
    for result, command in zip(batch(stranger, *commands), commands, strict=True):
        alone = stranger.post(command["path"], command["body"])
        assert (result["status"], result["problem"]["code"]) == (alone.status_code, alone.json()["code"])
        assert result["status"] in {403, 404}
    for role in ("auditor", "admin"):
        problem(house.caller(role).post("/batch", {"commands": []}), 403, "access.role")
    answered = house.caller("patient").http.post(
        "/v1/batch", json={"commands": []}, headers={"Authorization": ""}
    )
    problem(answered, 401, "auth.missing_token")


def test_what_was_captured_late_is_taken_as_it_was_then(
    house: House, doctor: Caller, auditor: Caller
) -> None:
    patient_id = stories.register(doctor, occurred_at="2024-01-01T08:00:00Z")["id"]
    diagnosis_id = stories.diagnose(doctor, patient_id, occurred_at="2024-01-02T08:00:00Z")["id"]
    line_id = stories.issue(doctor, diagnosis_id, occurred_at="2024-01-03T08:00:00Z")["id"]
    patient = house.caller("patient", patient_id)
    days = [f"2024-02-{day:02}T07:30:00Z" for day in (9, 2, 5)]
    results = batch(
        patient,
        *(
            {
                "path": f"/recommendations/{line_id}/feedback",
                "body": {
                    "recommendation_version": 1,
                    "rating": 3,
                    "captured_at": day,
                    "occurred_at": day,
                    "origin": {
                        "channel": "mobile",
                        "method": "self_report",
                        "device_id": "phone-7",
                        "client_event_id": day,
                        "captured_offline_at": day,
                    },
                },
            }
            for day in days
        ),
    )
    assert statuses(results) == [201, 201, 201]
    submitted = [one for one in told_of(auditor, patient_id) if one["tag"] == "feedback.submitted"]
    assert [one["meta"]["origin"]["captured_offline_at"] for one in submitted]
    assert {one["occurred_at"] for one in submitted} == set(days)


def test_a_resend_is_given_the_first_answers(house: House, doctor: Caller, auditor: Caller) -> None:
    _, patient_id, diagnosis_id, _ = stories.treated(house, doctor)
    origin = {"channel": "mobile", "method": "device", "device_id": "phone-8"}
    keyed = [symptom(diagnosis_id, n, key=f"{patient_id}-{n}") for n in range(5)]
    device = [symptom(diagnosis_id, n) for n in range(5)]
    for n, one in enumerate(device):
        one["body"]["origin"] = {**origin, "client_event_id": f"{patient_id}-{n}"}
    first = batch(doctor, *keyed, *device)
    assert set(statuses(first)) == {200}
    before = told_of(auditor, patient_id)
    assert batch(doctor, *keyed, *device) == first
    assert batch(doctor, *reversed([*keyed, *device])) == first[::-1]
    assert told_of(auditor, patient_id) == before
    other = batch(doctor, symptom(diagnosis_id, 9, key=f"{patient_id}-0"), keyed[1])
    assert other[0]["problem"]["code"] == "idempotency.other_body"
    assert other[1] == first[1]
    alone = doctor.post(keyed[2]["path"], keyed[2]["body"], {"Idempotency-Key": keyed[2]["key"]})
    assert alone.json() == first[2]["body"]


def test_the_same_command_twice_in_one_batch_is_one(house: House, doctor: Caller, auditor: Caller) -> None:
    _, patient_id, diagnosis_id, _ = stories.treated(house, doctor)
    before = len(told_of(auditor, patient_id))
    twice = batch(doctor, *[symptom(diagnosis_id, 5, key=f"{patient_id}-twice")] * 2)
    assert twice[0] == twice[1]
    assert len(told_of(auditor, patient_id)) == before + 1


def test_a_command_can_insist_on_the_version_that_was_seen(house: House, doctor: Caller) -> None:
    diagnosis_id = stories.treated(house, doctor)[2]
    results = batch(
        doctor,
        symptom(diagnosis_id, 1, if_match=1),
        symptom(diagnosis_id, 2, if_match=1),
        symptom(diagnosis_id, 3, if_match='"2"'),
        symptom(diagnosis_id, 4, if_match="*"),
    )
    assert statuses(results) == [200, 412, 200, 200]
    assert results[1]["problem"]["code"] == "version.mismatch"


def test_what_was_begun_offline_goes_on_in_the_same_batch(house: House, auditor: Caller) -> None:
    commands: list[Json] = [
        {"path": "/patients", "key": "p", "body": {"patient_no": stories.number(), "name": "پری"}},
        {"path": "/patients/$p/diagnoses", "key": "d", "body": stories.MIGRAINE},
        {"path": "/diagnoses/$d/symptoms", "body": {"symptom_code": "headache", "score": 6}, "key": "s"},
        {"path": "/diagnoses/$d/recommendations", "key": "r", "body": {"items": [stories.BORAGE]}},
        {"path": "/v1/recommendations/$r/suspend", "key": "x", "body": {"reason_code": "ADHERENCE.COST"}},
    ]
    own = house.caller("practitioner")
    first = batch(own, *commands)
    assert statuses(first) == [201, 201, 200, 201, 200]
    assert batch(own, *commands) == first
    tags = [event["tag"] for event in told_of(auditor, first[0]["body"]["id"])]
    assert tags[-4:] == [
        "diagnosis.symptom_observed",
        "recommendation.drafted",
        "recommendation.issued",
        "recommendation.suspended",
    ]


def test_what_refers_to_a_refused_one_is_not_tried_and_the_rest_is(house: House, doctor: Caller) -> None:
    diagnosis_id = stories.treated(house, doctor)[2]
    results = batch(
        doctor,
        {"path": f"/patients/{stories.nobody()}/diagnoses", "key": "d", "body": stories.MIGRAINE},
        {"path": "/diagnoses/$d/symptoms", "key": "s", "body": {"symptom_code": "x", "score": 1}},
        {"path": "/diagnoses/$never/symptoms", "body": {"symptom_code": "x", "score": 1}},
        symptom(diagnosis_id, 11),
        symptom(diagnosis_id, 1),
    )
    assert statuses(results) == [404, 409, 409, 400, 200]
    for result in results[1:3]:
        assert result["problem"]["code"] == "batch.reference_unmet"
        assert fields(result["problem"]) == {"path": "batch.reference_unmet"}


@pytest.mark.parametrize("locale", ["fa", "en", "ar"])
def test_a_bad_envelope_is_one_problem_that_names_every_field(
    house: House, doctor: Caller, auditor: Caller, locale: str
) -> None:
    _, patient_id, diagnosis_id, _ = stories.treated(house, doctor)
    before = told_of(auditor, patient_id)
    commands = [
        symptom(diagnosis_id, 1),
        {"path": 5, "colour": "blue", "method": "GET"},
        7,
        {"key": "", "if_match": -1, "path": "/patients"},
        {"key": "کلید", "if_match": [], "path": "/patients"},
    ]
    answered = doctor.post("/batch", {"commands": commands, "size": 5}, {"Accept-Language": locale})
    told = problem(answered, 400, "request.malformed")
    assert told["title"] == translate(locale, "problem.title.400")
    assert fields(told) == {
        "size": "request.unknown_field",
        "commands.1.path": "request.wrong_type",
        "commands.1.colour": "request.unknown_field",
        "commands.1.method": "request.out_of_range",
        "commands.2": "request.wrong_type",
        "commands.3.key": "request.out_of_range",
        "commands.3.if_match": "request.out_of_range",
        "commands.4.key": "request.out_of_range",
        "commands.4.if_match": "request.wrong_type",
    }
    for body, wrong in (
        ([], {"": "request.wrong_type"}),
        ({}, {"commands": "request.missing_field"}),
        ({"commands": "all"}, {"commands": "request.wrong_type"}),
        ({"commands": [symptom(diagnosis_id, 1)] * 501}, {"commands": "request.out_of_range"}),
    ):
        assert fields(problem(doctor.post("/batch", body), 400, "request.malformed")) == wrong
    assert told_of(auditor, patient_id) == before


def test_five_hundred_are_taken_and_none_are_too(house: House, doctor: Caller) -> None:
    diagnosis_id = stories.treated(house, doctor)[2]
    text = "سردرد پس از خواب کوتاه. " * 60
    commands = [
        {"path": f"/diagnoses/{diagnosis_id}/assessments", "body": {"statement": f"{n} {text}"}}
        for n in range(500)
    ]
    results = batch(doctor, *commands)
    assert set(statuses(results)) == {HTTPStatus.OK}
    assert results[-1]["body"]["version"] == 501
    assert doctor.tell("/batch", {"commands": []}) == {"results": [], "position": 0}
