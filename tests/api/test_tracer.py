"""The thinnest slice through everything: told, corrected, merged, erased, rebuilt and replayed, over HTTP."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from infra.notary.note import Checkpoint
from infra.projector.rebuild import rebuild
from infra.projector.verify import verify
from infra.running import projecting
from tests.api import stories
from tests.api.house import Caller, House, Json, problem

ENTERED_WRONG = {"reason_code": "CORRECTION.DATA_ENTRY"}


def tags(page: Json) -> list[str]:
    return [item["tag"] for item in page["items"]]


def timeline(caller: Caller, patient_id: str, **query: object) -> Json:
    return caller.read(f"/patients/{patient_id}/timeline", None, **query)


def figures(admin: Caller) -> dict[str, int]:
    """Totals by figure and dimension."""
    told = admin.read("/admin/statistics", None, from_="2000-01-01", to="2100-01-01")
    return {
        f"{figure['figure']} {figure['dimension']}".strip(): figure["total"] for figure in told["figures"]
    }


def test_a_treatment_is_told_newest_first_and_what_is_taken_back_is_gone(
    house: House, doctor: Caller
) -> None:
    patient, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    assert stories.add(doctor, line_id, stories.BARLEY)["recommendation_version"] == 2
    given = stories.answer(patient, line_id, 2, comment="بهتر شدم")
    told = timeline(patient, patient_id)
    assert tags(told) == [
        "feedback.submitted",
        "recommendation.revised",
        "recommendation.issued",
        "diagnosis.recorded",
        "patient.care_team_member_assigned",
        "patient.registered",
    ]
    assert told["position"] == given["position"]
    assert told["items"][0]["refs"]["diagnosis_id"] == diagnosis_id
    patient.tell(f"/feedback/{given['id']}/retract", ENTERED_WRONG)
    after = timeline(patient, patient_id)
    assert tags(after) == tags(told)[1:]
    assert timeline(patient, patient_id, known_at=given["position"]) == told


def test_feedback_is_amended_in_its_place(house: House, doctor: Caller) -> None:
    patient, patient_id, _, line_id = stories.treated(house, doctor)
    given = stories.answer(patient, line_id, rating=2)
    amended = {"changes": {"rating": 5}, **ENTERED_WRONG}
    patient.tell(f"/feedback/{given['id']}/amend", amended)
    (now, *_), (then, *_) = (
        timeline(patient, patient_id, **query)["items"] for query in ({}, {"known_at": given["position"]})
    )
    assert (now["data"]["rating"], now["corrected"]) == (5, True)
    assert (then["data"]["rating"], then["corrected"]) == (2, False)
    assert (now["id"], now["occurred_at"]) == (then["id"], then["occurred_at"])


def test_a_merge_reads_two_records_as_one_and_its_reversal_parts_them(
    house: House, doctor: Caller, admin: Caller, auditor: Caller
) -> None:
    _, retired_id, retired_diagnosis, _ = stories.treated(house, doctor)
    survivor, survivor_id, _, _ = stories.treated(house, doctor)
    alone = timeline(survivor, survivor_id)
    doctor.tell("/merges", {"retired_id": retired_id, "survivor_id": survivor_id})
    problem(doctor.post(f"/merges/{retired_id}/approve"), 422, "merge.same_person")
    merged = admin.tell(f"/merges/{retired_id}/approve")
    one = timeline(survivor, survivor_id)
    assert timeline(survivor, retired_id)["items"] == one["items"]
    assert tags(one).count("diagnosis.recorded") == 2
    assert tags(one).count("patient.merged") == 1
    both = survivor.read(f"/patients/{survivor_id}/diagnoses")["items"]
    assert retired_diagnosis in [diagnosis["id"] for diagnosis in both]
    admin.tell(f"/merges/{retired_id}/reverse", {"reason": "دو نفر بودند"})
    parted = timeline(survivor, survivor_id)
    assert [item for item in parted["items"] if not item["tag"].startswith("patient.merge")] == alone["items"]
    then = timeline(survivor, survivor_id, known_at=merged["position"])["items"]
    assert [item for item in then if item["tag"] != "patient.merged"] == alone["items"]
    asked = {"known_at": merged["position"], "lang": "fa"}
    assert timeline(auditor, survivor_id, **asked)["items"] == one["items"]
    replayed = auditor.read("/audit/replay", None, patient=survivor_id, **asked)
    assert replayed["items"] == one["items"]


def test_two_records_of_one_person_have_always_been_one_persons(
    house: House, doctor: Caller, admin: Caller, auditor: Caller
) -> None:
    _, retired_id, _, _ = stories.treated(house, doctor)
    survivor, survivor_id, _, _ = stories.treated(house, doctor)
    ids = []
    for one, year in ((retired_id, 2010), (survivor_id, 2011)):
        told = stories.diagnose(doctor, one, occurred_at=f"{year}-01-01T00:00:00Z")
        ids.append(f"{told['id']}.1")
    before = house.position
    stories.merge(doctor, admin, retired_id, survivor_id)
    for patient_id in (retired_id, survivor_id):
        shown = [item["id"] for item in timeline(survivor, patient_id, as_of="2015-01-01")["items"]]
        assert shown == ids[::-1]
        replayed = auditor.read("/audit/replay", None, patient=patient_id, as_of="2015-01-01")
        assert [item["id"] for item in replayed["items"]] == ids[::-1]
    known = timeline(survivor, survivor_id, as_of="2015-01-01", known_at=before)["items"]
    assert [item["id"] for item in known] == ids[1:]


def test_a_correction_learned_today_heals_the_past_and_leaves_what_was_known(doctor: Caller) -> None:
    patient_id = stories.register(doctor, occurred_at="2010-01-01T00:00:00Z")["id"]
    told = stories.diagnose(doctor, patient_id, occurred_at="2015-03-01T08:00:00Z")
    revised = {
        "changes": {"condition": {"text": "سردرد تنشی"}},
        "reason_code": "DIAGNOSIS.REVISED",
        "narrative": {"text": "از آغاز سردرد تنشی بود"},
        "evidence": [{"type": "event", "ref": str(told["position"])}],
    }
    doctor.tell(f"/diagnoses/{told['id']}/revise", revised)

    def condition(**query: object) -> str:
        (one,) = doctor.read(f"/patients/{patient_id}/diagnoses", None, **query)["items"]
        text: str = one["condition"]["text"]
        return text

    assert condition() == condition(as_of="2015-12-31") == "سردرد تنشی"
    assert (
        condition(known_at=told["position"])
        == condition(known_at=told["position"], as_of="2015-12-31")
        == "میگرن"
    )
    assert doctor.read(f"/patients/{patient_id}/diagnoses", None, as_of="2014-12-31")["items"] == []


def test_the_past_is_asked_by_position_time_and_day(doctor: Caller) -> None:
    patient_id = stories.register(doctor, occurred_at="2010-01-01T00:00:00Z")["id"]
    told = stories.diagnose(doctor, patient_id, occurred_at="2015-03-01T08:00:00Z")
    known = timeline(doctor, patient_id)
    stories.diagnose(doctor, patient_id)
    recorded_at = datetime.fromisoformat(known["items"][0]["recorded_at"])
    by_time = timeline(doctor, patient_id, known_at=recorded_at.isoformat())
    assert by_time == timeline(doctor, patient_id, known_at=told["position"]) == known
    assert timeline(doctor, patient_id, known_at="2001-01-01")["items"] == []
    assert tags(timeline(doctor, patient_id, as_of="2015-03-01")) == tags(known)
    assert tags(timeline(doctor, patient_id, as_of="2015-03-01T07:59:59Z")) == tags(known)[1:]


def test_a_replay_is_what_the_timeline_answers_about_the_same_moment(
    house: House, doctor: Caller, auditor: Caller
) -> None:
    _, patient_id, _, line_id = stories.treated(house, doctor)
    position = stories.add(doctor, line_id, stories.BARLEY)["position"]
    assert auditor.get("/audit/checkpoint").status_code == 200
    for moment in (
        {},
        {"known_at": position - 1},
        {"as_of": "2020-01-01"},
        {"known_at": position, "as_of": "2100-01-01"},
    ):
        replayed = auditor.read("/audit/replay", None, patient=patient_id, **moment)
        assert Checkpoint.parse(replayed.pop("checkpoint").partition("\n\n")[0]).size
        assert replayed == timeline(auditor, patient_id, limit=200, **moment)


def test_before_a_patient_was_known_a_replay_is_empty(doctor: Caller, auditor: Caller) -> None:
    told = stories.register(doctor)
    asked = {"patient": told["id"], "known_at": told["position"] - 2}
    replayed = auditor.read("/audit/replay", None, **asked)
    assert (replayed["position"], replayed["items"], replayed["next"]) == (0, [], None)
    rows = auditor.read("/audit/replay", None, read_model="diagnoses", **asked)["tables"]
    assert set(map(tuple, rows.values())) == {()}
    problem(auditor.get("/audit/replay", patient=stories.nobody()), 404, "not_found")


def test_statistics_rise_and_fall_exactly(house: House, doctor: Caller, admin: Caller) -> None:
    before = figures(admin)
    patient, patient_id, _, line_id = stories.treated(house, doctor)
    given = stories.answer(patient, line_id, rating=4)
    risen = figures(admin)

    def added(now: dict[str, int]) -> dict[str, int]:
        return {name: n - before.get(name, 0) for name, n in now.items() if n != before.get(name, 0)}

    assert added(risen)["patients.registered"] == 1
    assert added(risen)["feedback.submitted"] == 1
    assert added(risen)["feedback.rating 4"] == 1
    patient.tell(f"/feedback/{given['id']}/amend", {"changes": {"rating": 1}, **ENTERED_WRONG})
    assert added(figures(admin))["feedback.rating 1"] == 1
    assert "feedback.rating 4" not in added(figures(admin))
    patient.tell(f"/feedback/{given['id']}/retract", ENTERED_WRONG)
    assert not {name for name in added(figures(admin)) if name.startswith("feedback.")}
    admin.tell(f"/patients/{patient_id}/erase", {"legal_basis": "GDPR.17"})
    assert added(figures(admin)) == {}


def test_rebuilt_read_models_answer_the_same(
    house: House, doctor: Caller, admin: Caller, auditor: Caller
) -> None:
    patient, patient_id, _, line_id = stories.treated(house, doctor)
    stories.answer(patient, line_id)
    erased, erased_id, _, _ = stories.treated(house, doctor)
    admin.tell(f"/patients/{erased_id}/erase", {"legal_basis": "GDPR.17"})
    asked: list[Callable[[], Json]] = [
        lambda: timeline(patient, patient_id),
        lambda: patient.read(f"/recommendations/{line_id}"),
        lambda: doctor.read("/patients"),
        lambda: admin.read("/admin/statistics"),
        lambda: auditor.read("/audit/events", None, patient=patient_id),
    ]
    before = [one() for one in asked]
    asyncio.run(_rebuild_and_verify(house))
    assert [one() for one in asked] == before
    problem(erased.get(f"/patients/{erased_id}/timeline"), 410, "patient.erased")


async def _rebuild_and_verify(house: House) -> None:
    async with projecting(house.settings, house.servers) as (projector, connection):
        for model in projector.models:
            await rebuild(connection, projector.reader, model)
            assert not (await verify(connection, projector.reader, model)).wrong


def test_pages_are_stable_while_others_write(house: House, doctor: Caller) -> None:
    _, patient_id, diagnosis_id, _ = stories.treated(house, doctor)
    start = datetime.now(UTC) - timedelta(days=30)
    path = f"/diagnoses/{diagnosis_id}/symptoms"

    def observe(day: int, symptom: str = "headache") -> None:
        at = (start + timedelta(days=day)).isoformat()
        doctor.tell(path, {"symptom_code": symptom, "score": 3, "occurred_at": at})

    def observe_all() -> None:
        for day in range(10):
            observe(day, "nausea")

    for day in range(12):
        observe(day)
    whole = [item["id"] for item in timeline(doctor, patient_id, limit=200)["items"]]
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(observe_all)
        pages, before = [], None
        while True:
            page = timeline(doctor, patient_id, limit=3, **({"before": before} if before else {}))
            pages += page["items"]
            before = page["next"]
            if before is None:
                break
        writing.result()
    ids = [item["id"] for item in pages]
    assert len(ids) == len(set(ids))
    assert [one for one in ids if one in whole] == whole
    now = [item["id"] for item in timeline(doctor, patient_id, limit=200)["items"]]
    assert set(now) - set(whole) >= set(ids) - set(whole)


@pytest.mark.parametrize("limit", [1, 2, 5, 200])
def test_pages_concatenate_to_the_whole(house: House, doctor: Caller, limit: int) -> None:
    patient, patient_id, _, line_id = stories.treated(house, doctor)
    stories.answer(patient, line_id)
    whole = timeline(doctor, patient_id)["items"]
    for moment in ({}, {"as_of": "2100-01-01"}):
        pages, before = [], ""
        while before is not None:
            query = {"limit": limit, **moment, **({"before": before} if before else {})}
            page = timeline(doctor, patient_id, **query)
            pages += page["items"]
            before = page["next"]
        assert pages == whole
