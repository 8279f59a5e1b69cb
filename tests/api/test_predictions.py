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


def judged(house: House, doctor: Caller, model: str, probability: float, score: float) -> str:
    """A prediction of a model of one's own, and what was seen; whose it is."""
    _, patient_id, _, line_id = stories.treated(house, doctor)
    named = {**BY_MODEL, "model_id": model}
    made = foretold(house, line_id, origin=named, probability=probability)
    doctor.tell(f"/predictions/{made['id']}/resolve", {"observed": score})
    return patient_id


def test_the_ledger_is_open_to_who_may_read_the_record_now_and_then(
    house: House, doctor: Caller, admin: Caller
) -> None:
    patient, patient_id, _, line_id = stories.treated(house, doctor)
    made = foretold(house, line_id)
    paths = (f"/patients/{patient_id}/predictions", f"/recommendations/{line_id}/predictions")
    before = {path: doctor.read(path) for path in paths}
    doctor.tell(f"/predictions/{made['id']}/resolve", {"observed": 2})
    for path in paths:
        (shown,) = patient.read(path, None, lang="en")["items"]
        assert (shown["id"], shown["status"], shown["came_true"]) == (made["id"], "resolved", True)
        assert shown["title"] == "Prediction"
        assert "It came true" in shown["summary"]
        assert doctor.read(path, None, known_at=made["position"]) == before[path]
        assert doctor.read(path, None, as_of="2015-01-01")["items"] == []
        problem(admin.get(path), 403, "access.no_clinical_content")
        problem(house.caller("practitioner").get(path), 404, "not_found")
        told = {doctor.read(path, None, lang=lang)["items"][0]["summary"] for lang in ("fa", "en", "ar")}
        assert len(told) == 3
    kinds = {item["tag"] for item in patient.read(f"/patients/{patient_id}/timeline")["items"]}
    assert not {kind for kind in kinds if kind.startswith("prediction.")}


def test_how_right_a_model_is(house: House, doctor: Caller, admin: Caller, auditor: Caller) -> None:
    outcomes = [(0.9, 2), (0.8, 1), (0.7, 5), (0.2, 6)]
    for probability, score in outcomes:
        judged(house, doctor, "mizan", probability, score)

    def of_mizan(caller: Caller) -> Json:
        models = caller.read("/predictions/accuracy")["models"]
        found: Json = next(one for one in models if one["model_id"] == "mizan")
        return found

    assert of_mizan(admin)["score"]["status"] == "insufficient_data"
    judged(house, doctor, "mizan", 0.1, 3)
    told = of_mizan(auditor)
    assert told == of_mizan(admin)
    assert round(told["score"]["brier"], 6) == round((0.01 + 0.04 + 0.49 + 0.04 + 0.81) / 5, 6)
    assert told["score"]["base_rate"] == 0.6
    assert [version["model_version"] for version in told["versions"]] == ["3"]
    problem(doctor.get("/predictions/accuracy"), 403, "access.role")
    problem(admin.get("/predictions/accuracy", None, as_of="2020-01-01"), 400, "time.not_here")
