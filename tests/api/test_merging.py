"""Two records of one person over HTTP: read as one from either id, and parted again as they were."""

from tests.api import stories
from tests.api.house import Caller, House, Json

VIEWS = ("timeline", "diagnoses", "recommendations")


def views(caller: Caller, patient_id: str, **asked: int) -> dict[str, list[Json]]:
    """What the three views hold, but for the merge itself."""
    return {
        name: [
            item
            for item in caller.read(f"/patients/{patient_id}/{name}", None, **asked)["items"]
            if not str(item.get("tag", "")).startswith("patient.merge")
        ]
        for name in VIEWS
    }


def together(one: dict[str, list[Json]], other: dict[str, list[Json]]) -> dict[str, list[Json]]:
    """Both, the latest first."""
    return {
        name: sorted(
            one[name] + other[name], key=lambda item: (item["occurred_at"], item["position"]), reverse=True
        )
        for name in VIEWS
    }


def test_a_record_is_whole_under_both_ids_and_each_has_its_own_again(
    house: House, doctor: Caller, admin: Caller
) -> None:
    _, retired_id, retired_diagnosis, retired_line = stories.treated(house, doctor)
    _, survivor_id, _, _ = stories.treated(house, doctor)
    for patient_id, year in ((survivor_id, 2011), (retired_id, 2012), (survivor_id, 2013)):
        stories.diagnose(doctor, patient_id, occurred_at=f"{year}-01-01T00:00:00Z")
    alone = {one: views(doctor, one) for one in (survivor_id, retired_id)}
    before = house.position

    stories.merge(doctor, admin, retired_id, survivor_id)
    shown = doctor.read(f"/patients/{retired_id}")
    assert (shown["standing"], shown["merged_into"]) == ("merged", survivor_id)
    both = together(alone[survivor_id], alone[retired_id])
    for patient_id in (survivor_id, retired_id):
        assert views(doctor, patient_id) == both
        assert views(doctor, patient_id, known_at=before) == alone[patient_id]

    stories.diagnose(doctor, survivor_id, occurred_at="2014-01-01T00:00:00Z")
    code = {"reason_code": "ADHERENCE.COST"}
    doctor.tell(f"/recommendations/{retired_line}/suspend", code)
    severe = {"changes": {"severity": "moderate"}, "reason_code": "DIAGNOSIS.SEVERITY_CHANGED"}
    doctor.tell(f"/diagnoses/{retired_diagnosis}/revise", severe)
    whole = views(doctor, survivor_id)
    merged = house.position

    admin.tell(f"/merges/{retired_id}/reverse", {"reason": "دو نفر بودند"})
    parted = {one: views(doctor, one) for one in (survivor_id, retired_id)}
    assert together(parted[survivor_id], parted[retired_id]) == whole
    assert [len(parted[survivor_id][name]) - len(alone[survivor_id][name]) for name in VIEWS] == [1, 1, 0]
    assert [len(parted[retired_id][name]) - len(alone[retired_id][name]) for name in VIEWS] == [1, 0, 0]
    assert parted[retired_id]["recommendations"][0]["status"] == "suspended"
    (healed,) = [one for one in parted[retired_id]["diagnoses"] if one["id"] == retired_diagnosis]
    assert healed["severity"] == "moderate"
    for patient_id in (survivor_id, retired_id):
        assert views(doctor, patient_id, known_at=before) == alone[patient_id]
        assert views(doctor, patient_id, known_at=merged) == parted[patient_id]
