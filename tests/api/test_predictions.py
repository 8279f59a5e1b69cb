"""Predictions over HTTP: made by models, judged by who treats, seen by who may read the record."""

from tests.api import stories
from tests.api.house import Caller, House, Json, problem

BY_MODEL = {"channel": "engine", "method": "model", "model_id": "tabib", "model_version": "3"}


def foretelling(position: int, **details: object) -> Json:
    return {
        "version": 1,
        "target": {"metric": "headache", "threshold": 3, "direction": "at_most"},
        "horizon_days": 30,
        "probability": 0.7,
        "baseline": 6,
        "as_of_position": position,
        "origin": BY_MODEL,
        **details,
    }


def foretold(house: House, line_id: str, **details: object) -> Json:
    model = house.caller("service")
    return model.tell(f"/recommendations/{line_id}/predictions", foretelling(house.position, **details))


def test_a_model_foretells_and_who_treats_judges_once(house: House, doctor: Caller, admin: Caller) -> None:
    patient, _, _, line_id = stories.treated(house, doctor)
    made = foretold(house, line_id)
    assert made["version"] == 1
    given = stories.answer(patient, line_id, symptom_scores=[{"symptom_code": "headache", "score": 2}])
    path = f"/predictions/{made['id']}"
    observed = {"observed": 2, "evidence": [{"type": "feedback", "ref": given["id"]}]}
    problem(patient.post(f"{path}/resolve", observed), 403, "access.relation")
    problem(admin.post(f"{path}/resolve", observed), 403, "access.role")
    problem(house.caller("practitioner").post(f"{path}/resolve", observed), 404, "not_found")
    assert doctor.tell(f"{path}/resolve", observed)["version"] == 2
    problem(doctor.post(f"{path}/void", {"reason": "x"}), 422, "prediction.ended")


def test_who_may_not_foretell_and_what_may_not_be_foretold(house: House, doctor: Caller) -> None:
    patient, _, _, line_id = stories.treated(house, doctor)
    path, model = f"/recommendations/{line_id}/predictions", house.caller("service")
    problem(patient.post(path, foretelling(1)), 403, "access.relation")
    problem(doctor.post(path, foretelling(1)), 422, "origin.not_for_role")
    nameless = foretelling(1, origin={"channel": "engine", "method": "model"})
    problem(model.post(path, nameless), 422, "origin.model_required")
    problem(model.post(path, foretelling(1, probability=1.2)), 400, "request.malformed")
    problem(model.post(path, foretelling(10**9)), 422, "prediction.position_unknown")
    problem(model.post(path, foretelling(house.position, version=2)), 422, "prediction.version_not_in_force")
    given = stories.answer(patient, line_id)
    leak = [{"name": "answer", "evidence": [{"type": "feedback", "ref": given["id"]}]}]
    before = given["position"] - 1
    problem(model.post(path, foretelling(before, explanation=leak)), 422, "prediction.leaks")
    model.tell(path, foretelling(given["position"], explanation=leak))
    voided = foretold(house, line_id)
    doctor.tell(f"/predictions/{voided['id']}/void", {"reason": "تشخیص دیگری بود"})
