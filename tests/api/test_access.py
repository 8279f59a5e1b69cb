"""Who may do what over HTTP: nobody without a rule, and nothing is told to those who may not know."""

from itertools import pairwise
from uuid import UUID

import httpx
import pytest

from api.access import PUBLIC as RULE_FOR_ALL
from api.access import Access
from tests.api import stories
from tests.api.house import Caller, House, fields, problem
from tests.api.routes import PUBLIC, filled, routes


def test_every_route_says_who_may_call_it(house: House) -> None:
    for method, template, handler in routes(house.app):
        rule = handler.opt.get("access")
        assert rule == RULE_FOR_ALL if template in PUBLIC else isinstance(rule, Access), (method, template)


def test_without_a_token_every_route_but_the_public_ones_is_closed(house: House) -> None:
    for method, template, _ in routes(house.app):
        answered = httpx.request(method, house.url + filled(template))
        if template in PUBLIC:
            assert answered.status_code == 200, template
        else:
            assert answered.status_code == 401, (method, template)
            assert answered.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("Bearer", "auth.missing_token"),
        ("Basic YTpi", "auth.missing_token"),
        ("Bearer nonsense", "auth.invalid_token"),
        ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ4In0.", "auth.invalid_token"),
    ],
)
def test_what_is_no_token_of_ours_opens_nothing(house: House, header: str, code: str) -> None:
    problem(httpx.get(f"{house.url}/v1/me", headers={"Authorization": header}), 401, code)


READS = ["/patients/{}", "/patients/{}/timeline", "/patients/{}/diagnoses", "/patients/{}/recommendations"]


def statuses(caller: Caller, patient_id: str) -> set[int]:
    return {caller.get(path.format(patient_id)).status_code for path in READS}


def test_who_may_read_a_record_and_who_may_not_know_of_it(
    house: House, doctor: Caller, admin: Caller, auditor: Caller
) -> None:
    patient, patient_id, _, _ = stories.treated(house, doctor)
    other, other_id, _, _ = stories.treated(house, house.caller("practitioner"))
    assert (
        statuses(patient, patient_id)
        == statuses(doctor, patient_id)
        == statuses(auditor, patient_id)
        == {200}
    )
    assert statuses(other, patient_id) == statuses(doctor, other_id) == {404}
    assert statuses(house.caller("service"), patient_id) == {404}
    assert statuses(admin, patient_id) == {403}
    problem(admin.get(f"/patients/{patient_id}/timeline"), 403, "access.no_clinical_content")


def test_who_may_write_to_a_record(house: House, doctor: Caller, admin: Caller, auditor: Caller) -> None:
    patient, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    path = f"/patients/{patient_id}/diagnoses"
    for caller, status in (
        (patient, 403),
        (auditor, 403),
        (admin, 403),
        (house.caller("practitioner"), 404),
        (house.caller("service"), 404),
    ):
        assert caller.post(path, stories.MIGRAINE).status_code == status
    stranger = house.caller("practitioner")
    for path in (f"/diagnoses/{diagnosis_id}/confirm", f"/recommendations/{line_id}/suspend"):
        problem(stranger.post(path, {}), 404, "not_found")
    answered = doctor.post(f"/recommendations/{line_id}/feedback", {"recommendation_version": 1, "rating": 1})
    problem(answered, 403, "access.relation")


def test_one_is_told_the_same_of_what_is_not_there_and_of_what_one_may_not_know(
    house: House, doctor: Caller
) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    stranger = house.caller("practitioner")
    hidden = problem(stranger.get(f"/patients/{patient_id}/timeline"), 404, "not_found")
    absent = problem(stranger.get(f"/patients/{stories.nobody()}/timeline"), 404, "not_found")
    assert {**hidden, "instance": ""} == {**absent, "instance": ""}


def test_offices_of_the_house(house: House, doctor: Caller, admin: Caller, auditor: Caller) -> None:
    patient = house.caller("patient", stories.nobody())
    for path, allowed in (("/admin/statistics", admin), ("/audit/events", auditor)):
        for caller in (patient, doctor, admin, auditor, house.caller("service")):
            assert caller.get(path).status_code == (200 if caller is allowed else 403), path
    problem(patient.post("/patients", {"patient_no": "x", "name": "x"}), 403, "access.role")
    problem(admin.get("/patients"), 403, "access.role")


def test_a_guardian_comes_and_goes(house: House, doctor: Caller) -> None:
    patient, patient_id, _, _ = stories.treated(house, doctor)
    guardian = house.caller("patient")
    assert guardian.get(f"/patients/{patient_id}").status_code == 404
    member = {"account_id": str(guardian.account_id), "relation": "guardian"}
    patient.tell(f"/patients/{patient_id}/care-team", member)
    assert guardian.get(f"/patients/{patient_id}").status_code == 200
    patient.tell(f"/patients/{patient_id}/care-team/remove", member)
    assert guardian.get(f"/patients/{patient_id}").status_code == 404


def test_consent_withdrawn_closes_the_record_and_the_list(house: House) -> None:
    doctor = house.caller("practitioner")
    patient, patient_id, _, _ = stories.treated(house, doctor)
    assert [one["id"] for one in doctor.read("/patients")["items"]] == [patient_id]
    patient.tell(f"/patients/{patient_id}/consents/care/withdraw")
    problem(doctor.get(f"/patients/{patient_id}"), 403, "access.consent_withdrawn")
    assert doctor.read("/patients")["items"] == []
    patient.tell(f"/patients/{patient_id}/consents", {"scope": "care", "policy_version": "1"})
    assert [one["id"] for one in doctor.read("/patients")["items"]] == [patient_id]


def test_of_the_merged_both_ids_open_the_one_record(house: House, doctor: Caller, admin: Caller) -> None:
    retired, retired_id, _, _ = stories.treated(house, doctor)
    survivor, survivor_id, _, _ = stories.treated(house, doctor)
    stories.merge(doctor, admin, retired_id, survivor_id)
    for patient in (retired, survivor):
        assert statuses(patient, retired_id) == statuses(patient, survivor_id) == {200}
    assert retired.read(f"/patients/{retired_id}")["standing"] == "merged"
    assert retired.read(f"/patients/{retired_id}")["merged_into"] == survivor_id
    problem(doctor.post(f"/patients/{retired_id}/diagnoses", stories.MIGRAINE), 422, "patient.merged")


def test_a_chain_of_merges_is_one_person_from_end_to_end(
    house: House, doctor: Caller, admin: Caller, auditor: Caller
) -> None:
    first_doctor = house.caller("practitioner")
    people = [stories.treated(house, one) for one in (first_doctor, doctor, doctor)]
    ids = [patient_id for _, patient_id, _, _ in people]
    for retired_id, survivor_id in pairwise(ids):
        admin.tell("/merges", {"retired_id": retired_id, "survivor_id": survivor_id})
        house.caller("admin").tell(f"/merges/{retired_id}/approve")
    callers = [patient for patient, *_ in people] + [first_doctor, doctor, auditor]
    for caller in callers:
        for patient_id in ids:
            assert statuses(caller, patient_id) == {200}
    for caller in (first_doctor, doctor):
        listed = {one["id"] for one in caller.read("/patients", None, limit=200)["items"]}
        assert listed >= set(ids)
    people[2][0].tell(f"/patients/{ids[2]}/consents/care/withdraw")
    for caller in (first_doctor, doctor):
        problem(caller.get(f"/patients/{ids[0]}"), 403, "access.consent_withdrawn")
        listed = {one["id"] for one in caller.read("/patients", None, limit=200)["items"]}
        assert not listed & set(ids)


def test_who_approves_a_merge_knows_both_records(house: House, doctor: Caller, admin: Caller) -> None:
    half = house.caller("practitioner")
    retired_id, survivor_id = (stories.register(one)["id"] for one in (half, doctor))
    admin.tell("/merges", {"retired_id": retired_id, "survivor_id": survivor_id})
    for name in ("approve", "reverse"):
        problem(half.post(f"/merges/{retired_id}/{name}"), 404, "not_found")
        problem(doctor.post(f"/merges/{retired_id}/{name}"), 404, "not_found")
    whole = {"account_id": str(half.account_id), "relation": "practitioner"}
    doctor.tell(f"/patients/{survivor_id}/care-team", whole)
    half.tell(f"/merges/{retired_id}/approve")
    half.tell(f"/merges/{retired_id}/reverse", {"reason": "دو نفر بودند"})


OF_THE_ERASED = {"/v1/patients/{id}/erasure"}
"""What is told of them all the same: `test_erasure` tells to whom."""


def test_of_the_erased_nothing_is_left_but_that_they_are_gone(
    house: House, doctor: Caller, admin: Caller, auditor: Caller
) -> None:
    patient, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    given = stories.answer(patient, line_id)
    admin.tell(f"/patients/{patient_id}/erase", {"legal_basis": "GDPR.17"})
    for caller in (patient, auditor, admin):
        for method, template, _ in routes(house.app):
            of = {
                "patients": patient_id,
                "merges": patient_id,
                "diagnoses": diagnosis_id,
                "recommendations": line_id,
                "feedback": given["id"],
            }
            category = template.split("/")[2] if template.startswith("/v1/") else ""
            if "{id}" not in template or category not in of or template in OF_THE_ERASED:
                continue
            path = filled(template, of[category]).removeprefix("/v1")
            answered = caller.get(path) if method == "GET" else caller.post(path, {})
            problem(answered, 410, "patient.erased")
    assert doctor.get(f"/patients/{patient_id}").status_code == 404
    problem(auditor.get("/audit/replay", patient=patient_id), 410, "patient.erased")
    shown = auditor.read("/audit/events", patient=patient_id)["items"]
    assert [one["tag"] for one in shown][:1] == ["patient.erased"]
    assert {one["meta"] is None and one["data"] is None for one in shown[1:]} == {True}


@pytest.mark.parametrize(
    ("role", "origin", "wrong"),
    [
        ("practitioner", {"method": "imported"}, {"origin.method"}),
        ("practitioner", {"method": "model", "model_id": "m", "model_version": "1"}, {"origin.method"}),
        ("practitioner", {"channel": "import", "method": "imported"}, {"origin.channel", "origin.method"}),
        ("practitioner", {"channel": "engine"}, {"origin.channel"}),
        ("patient", {"method": "practitioner"}, {"origin.method"}),
        ("patient", {"method": "rule", "channel": "scheduler"}, {"origin.channel", "origin.method"}),
    ],
)
def test_nobody_claims_an_origin_beyond_their_role(
    house: House, doctor: Caller, role: str, origin: dict[str, str], wrong: set[str]
) -> None:
    patient, patient_id, _, line_id = stories.treated(house, doctor)
    if role == "patient":
        body = {"recommendation_version": 1, "rating": 3, "origin": origin}
        answered = patient.post(f"/recommendations/{line_id}/feedback", body)
    else:
        answered = doctor.post(f"/patients/{patient_id}/diagnoses", {**stories.MIGRAINE, "origin": origin})
    assert set(fields(problem(answered, 422, "origin.not_for_role"))) == wrong


def test_a_service_may_say_that_it_imports_and_does_so_only_when_it_says_so(
    house: House, auditor: Caller
) -> None:
    service = house.caller("service")
    plain = stories.register(service)["id"]
    origin = {"channel": "import", "method": "imported", "source_ref": "Patient/1"}
    imported = stories.register(service, origin=origin)["id"]
    methods = [
        auditor.read("/audit/events", patient=one)["items"][0]["meta"]["origin"]["method"]
        for one in (plain, imported)
    ]
    assert methods == ["rule", "imported"]


def test_a_token_speaks_for_one_account_in_one_role(doctor: Caller) -> None:
    told = doctor.read("/me")
    assert told == {
        "account_id": str(doctor.account_id),
        "role": "practitioner",
        "patient_id": None,
        "locale": "fa",
    }
    assert UUID(told["account_id"]) == doctor.account_id
