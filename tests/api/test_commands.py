"""Every kind of command over HTTP, what it may rest on, and every view of the past that it leads to."""

from datetime import timedelta

import httpx
import pytest

from domain.event import Actor
from infra.ids import new_id
from infra.tokens import Tokens
from tests.api import stories
from tests.api.house import Caller, House, Json, fields, problem


def test_a_diagnosis_runs_its_course(house: House, doctor: Caller) -> None:
    _, patient_id, diagnosis_id, _ = stories.treated(house, doctor)
    path = f"/diagnoses/{diagnosis_id}"
    doctor.tell(f"{path}/findings", {"modality": "pulse", "attributes": {"rate": 80}})
    (finding,) = doctor.read(path)["findings"]
    thought = {"statement": "سرد و تر", "basis_finding_ids": [finding["id"]]}
    doctor.tell(f"{path}/assessments", thought)
    doctor.tell(f"{path}/symptoms", {"symptom_code": "headache", "score": 6})
    doctor.tell(f"{path}/referrals", {"specialty": "neurology"})
    evidence = [{"type": "finding", "ref": finding["id"]}]
    doctor.tell(f"{path}/confirm", {"evidence": evidence})
    doctor.tell(f"{path}/findings/{finding['id']}/retract", {"reason_code": "CORRECTION.DATA_ENTRY"})
    doctor.tell(f"{path}/resolve", {"outcome": "recovered"})
    told = doctor.tell(f"{path}/recur")
    shown = doctor.read(path)
    assert (shown["status"], shown["version"]) == ("recurrent", told["version"])
    assert [len(shown[part]) for part in ("findings", "assessments", "symptoms", "referrals")] == [1, 1, 1, 1]
    assert shown["findings"][0]["retracted"] == "CORRECTION.DATA_ENTRY"
    doctor.tell(
        f"/patients/{patient_id}/constitution",
        {"code": "cold_wet", "hot_cold": -3, "dry_wet": 2, "confidence": 0.7},
    )
    doctor.tell(f"/patients/{patient_id}/background", {"kind": "allergy", "code": {"text": "بادام"}})
    doctor.tell(f"/patients/{patient_id}/deactivate", {"reason": "مهاجرت"})
    problem(doctor.post(f"/patients/{patient_id}/diagnoses", stories.MIGRAINE), 422, "patient.deactivated")
    doctor.tell(f"/patients/{patient_id}/reactivate")


def test_a_recommendation_runs_its_course(house: House, doctor: Caller) -> None:
    patient, _, _, line_id = stories.treated(house, doctor)
    path = f"/recommendations/{line_id}"
    service = house.caller("service")
    patient.tell(f"{path}/acknowledge", {"version": 1})
    change = {"op": "add", "after": stories.BARLEY, "reason_code": "PROTOCOL.SEASONAL"}
    model = {"method": "model", "model_id": "m", "model_version": "1"}
    service.tell(f"{path}/proposals", {"base_version": 1, "changes": [change], "origin": model})
    (proposal,) = doctor.read(path)["proposals"]
    accepted = doctor.tell(f"{path}/proposals/{proposal['proposal_id']}/accept")
    assert accepted["recommendation_version"] == 2
    doctor.tell(f"{path}/suspend", {"reason_code": "ADHERENCE.COST"})
    doctor.tell(f"{path}/resume", {"reason_code": "ADHERENCE.COST"})
    narrative = {"text": "بازگشت به نسخهٔ نخست", "lang": "fa"}
    restored = {"restored_version": 1, "reason_code": "ADHERENCE.PREFERENCE", "narrative": narrative}
    assert doctor.tell(f"{path}/restore", restored)["recommendation_version"] == 3
    doctor.tell(f"{path}/discontinue", {"reason_code": "ADHERENCE.COST"})
    assert doctor.read(path)["status"] == "discontinued"


def evidence_of(house: House, doctor: Caller) -> tuple[str, list[Json]]:
    """A recommendation, and everything that a revision of it can rest on."""
    patient, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    given = stories.answer(patient, line_id, symptom_scores=[{"symptom_code": "pain", "score": 3}])
    doctor.tell(f"/patients/{patient_id}/background", {"kind": "allergy", "code": {"text": "بادام"}})
    consent = {"scope": "research_cohort", "policy_version": "1"}
    patient.tell(f"/patients/{patient_id}/consents", consent)
    doctor.tell(f"/diagnoses/{diagnosis_id}/assessments", {"statement": "x"})
    doctor.tell(f"/diagnoses/{diagnosis_id}/findings", {"modality": "pulse", "attributes": {"rate": 80}})
    shown = doctor.read(f"/diagnoses/{diagnosis_id}")
    return line_id, [
        {"type": "feedback", "ref": given["id"]},
        {"type": "symptom_series", "ref": "pain"},
        {"type": "background", "ref": "بادام"},
        {"type": "consent", "ref": "research_cohort"},
        {"type": "assessment", "ref": shown["assessments"][0]["id"]},
        {"type": "finding", "ref": shown["findings"][0]["id"]},
        {"type": "event", "ref": str(given["position"])},
        {"type": "literature", "ref": "doi:10.1000/1"},
    ]


def resting_on(evidence: list[Json]) -> Json:
    change = {
        "op": "add",
        "after": stories.BARLEY,
        "reason_code": "ADHERENCE.NOT_TAKEN",
        "evidence": evidence,
    }
    return {"base_version": 1, "changes": [change]}


def test_evidence_is_there_and_is_this_patients(house: House, doctor: Caller) -> None:
    line_id, evidence = evidence_of(house, doctor)
    _, others = evidence_of(house, doctor)
    strange = [
        *(link for link in others if link["type"] in {"feedback", "assessment", "finding", "event"}),
        {"type": "background", "ref": "گردو"},
        {"type": "consent", "ref": "export"},
        {"type": "symptom_series", "ref": "nausea"},
        {"type": "prediction", "ref": stories.nobody()},
        {"type": "event", "ref": "0"},
        {"type": "event", "ref": str(2**63 - 1)},
        {"type": "event", "ref": "9" * 30},
    ]
    answered = doctor.post(f"/recommendations/{line_id}/revise", resting_on([*evidence, *strange]))
    told = problem(answered, 422, "evidence.unresolved")
    first = len(evidence)
    assert set(fields(told)) == {f"changes.0.evidence.{first + n}.ref" for n in range(len(strange))}
    doctor.tell(f"/recommendations/{line_id}/revise", resting_on(evidence))


def test_evidence_that_was_taken_back_is_told_in_the_comparison(house: House, doctor: Caller) -> None:
    patient, _, _, line_id = stories.treated(house, doctor)
    given = stories.answer(patient, line_id)
    doctor.tell(f"/recommendations/{line_id}/revise", resting_on([{"type": "feedback", "ref": given["id"]}]))
    patient.tell(f"/feedback/{given['id']}/retract", {"reason_code": "CORRECTION.DATA_ENTRY"})
    compared = doctor.read(f"/recommendations/{line_id}/compare", None, from_=1, to=2)
    (cited,) = compared["reasons"][0]["evidence"]
    assert cited["changed_since"]["fate"] == "retracted"


def test_every_view_of_a_patient_can_be_asked_about_the_past(house: House, doctor: Caller) -> None:
    _, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    other = stories.issue(doctor, diagnosis_id, stories.BARLEY)["id"]
    position = stories.add(doctor, line_id, stories.BARLEY)["position"]
    paths: list[tuple[str, Json]] = [
        (f"/patients/{patient_id}", {}),
        (f"/patients/{patient_id}/diagnoses", {}),
        (f"/patients/{patient_id}/recommendations", {}),
        (f"/diagnoses/{diagnosis_id}", {}),
        (f"/diagnoses/{diagnosis_id}/compare", {"left": f"{line_id}:1", "right": f"{other}:1"}),
        (f"/recommendations/{line_id}", {}),
        (f"/recommendations/{line_id}", {"version": 1}),
        (f"/recommendations/{line_id}/versions", {}),
        (f"/recommendations/{line_id}/compare", {"from_": 1, "to": 2}),
    ]
    for path, query in paths:
        now = doctor.read(path, None, **query)
        assert doctor.read(path, None, known_at=position, **query) == now, path
        assert doctor.read(path, None, as_of="2100-01-01", **query) == now, path
    problem(doctor.get(f"/diagnoses/{diagnosis_id}", None, known_at=1), 404, "not_found")
    before = f"/recommendations/{line_id}/compare"
    problem(doctor.get(before, None, from_=1, to=2, known_at=position - 1), 404, "compare.unknown_version")


def test_feedback_comes_from_the_patient_or_who_stands_in_for_them(house: House, doctor: Caller) -> None:
    patient, patient_id, _, line_id = stories.treated(house, doctor)
    proxy = house.caller("patient")
    path = f"/recommendations/{line_id}/feedback"
    problem(proxy.post(path, {"recommendation_version": 1, "rating": 2}), 404, "not_found")
    member = {"account_id": str(proxy.account_id), "relation": "proxy"}
    patient.tell(f"/patients/{patient_id}/care-team", member)
    given = stories.answer(proxy, line_id, side_effects=[{"code": "nausea", "severity": "severe"}])
    doctor.tell(f"/feedback/{given['id']}/review", {"causality": "possible", "action": "none"})


def test_a_patient_asks_for_erasure_and_an_admin_does_it(house: House, doctor: Caller, admin: Caller) -> None:
    patient, patient_id, _, _ = stories.treated(house, doctor)
    asked = patient.tell(f"/patients/{patient_id}/erase", {"legal_basis": "GDPR.17"})
    assert patient.read(f"/patients/{patient_id}")["erasure_requested"] is True
    assert patient.tell(f"/patients/{patient_id}/erase", {"legal_basis": "GDPR.17"}) == asked
    problem(doctor.post(f"/patients/{patient_id}/erase", {"legal_basis": "GDPR.17"}), 403, "access.relation")
    words = admin.post(f"/patients/{patient_id}/erase", {"legal_basis": "زهرا احمدی"})
    assert words.status_code == 400
    assert "زهرا" not in words.text
    admin.tell(f"/patients/{patient_id}/erase", {"legal_basis": "GDPR.17"})
    problem(patient.get(f"/patients/{patient_id}"), 410, "patient.erased")


def test_an_erasure_forgets_everybody_who_is_the_same_person(
    house: House, doctor: Caller, admin: Caller
) -> None:
    retired, retired_id, _, _ = stories.treated(house, doctor)
    survivor, survivor_id, _, _ = stories.treated(house, doctor)
    stories.merge(doctor, admin, retired_id, survivor_id)
    admin.tell(f"/patients/{survivor_id}/erase", {"legal_basis": "GDPR.17"})
    problem(survivor.get(f"/patients/{survivor_id}/timeline"), 410, "patient.erased")
    problem(retired.get(f"/patients/{retired_id}/timeline"), 410, "patient.erased")


def test_a_merged_person_goes_on_under_the_survivor(house: House, doctor: Caller, admin: Caller) -> None:
    retired, retired_id, diagnosis_id, line_id = stories.treated(house, doctor)
    survivor, survivor_id, _, _ = stories.treated(house, doctor)
    stories.merge(doctor, admin, retired_id, survivor_id)
    given = stories.answer(retired, line_id)
    new_line = stories.issue(doctor, diagnosis_id)["id"]
    assert doctor.read(f"/recommendations/{new_line}")["patient_id"] == survivor_id
    doctor.tell(f"/recommendations/{line_id}/discontinue", {"reason_code": "ADHERENCE.COST"})
    assert doctor.read(f"/recommendations/{line_id}")["status"] == "discontinued"
    change = {"op": "add", "after": stories.BARLEY, "reason_code": "ADHERENCE.PREFERENCE"}
    routine = {"base_version": 1, "changes": [change]}
    problem(doctor.post(f"/recommendations/{line_id}/revise", routine), 422, "recommendation.ended")
    told = survivor.read(f"/patients/{survivor_id}/timeline", limit=100)
    assert f"{given['id']}.1" in [item["id"] for item in told["items"]]


@pytest.mark.parametrize(("seconds", "code"), [(-5, "auth.expired_token"), (60, "auth.invalid_token")])
def test_a_token_ends_and_names_a_role_that_there_is(house: House, seconds: int, code: str) -> None:
    role = "practitioner" if seconds < 0 else "emperor"
    actor = Actor(account_id=new_id(), role=role)  # type: ignore[arg-type]  # forged
    token = Tokens(house.settings.token_key).issue(actor, timedelta(seconds=seconds))
    answered = httpx.get(f"{house.url}/v1/me", headers={"Authorization": f"Bearer {token}"})
    problem(answered, 401, code)
