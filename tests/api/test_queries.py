"""What is asked of a record: filters, languages, versions that the caller holds, patients of one's own."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.api import stories
from tests.api.house import Caller, House, Json, fields, problem


def test_a_timeline_is_filtered_by_kind_diagnosis_and_date(house: House, doctor: Caller) -> None:
    patient, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    other = stories.diagnose(doctor, patient_id, occurred_at="2015-03-01T08:00:00Z")["id"]
    stories.answer(patient, line_id)
    path = f"/patients/{patient_id}/timeline"

    def ids(**query: object) -> list[str]:
        return [item["id"] for item in doctor.read(path, None, **query)["items"]]

    assert ids(diagnosis=other) == [f"{other}.1"]
    assert f"{diagnosis_id}.1" in ids(diagnosis=diagnosis_id)
    kinds = {item["kind"] for item in doctor.read(path, None, kind="feedback,diagnosis")["items"]}
    assert kinds == {"feedback", "diagnosis"}
    assert ids(from_="2015-01-01", to="2016-01-01") == [f"{other}.1"]
    assert ids(to="2015-03-01") == []
    assert ids(from_="2015-03-01", to="2015-03-02") == [f"{other}.1"]
    assert ids(from_="2015-03-01T08:00:00Z", to="2015-03-01T08:00:01+00:00") == [f"{other}.1"]
    assert ids(kind="death") == []


@pytest.mark.parametrize(
    ("query", "header", "locale"),
    [
        ({}, "", "fa"),
        ({}, "en", "en"),
        ({}, "ar;q=0.4, en;q=0.9, de", "en"),
        ({}, "de, fr;q=0.5", "fa"),
        ({}, "en;q=0, *", "fa"),
        ({"lang": "ar"}, "en", "ar"),
    ],
)
def test_an_answer_comes_in_the_language_asked_for(
    house: House, doctor: Caller, query: Json, header: str, locale: str
) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    answered = doctor.get(f"/patients/{patient_id}/timeline", {"Accept-Language": header}, **query)
    assert answered.headers["Content-Language"] == locale
    words = {"fa": "تشخیص", "en": "Diagnosis", "ar": "تشخيص"}
    titles = {item["title"] for item in answered.json()["items"] if item["tag"] == "diagnosis.recorded"}
    assert titles == {words[locale]}
    assert {item["data"]["severity"] for item in answered.json()["items"] if "severity" in item["data"]} == {
        "mild"
    }


def test_what_the_caller_holds_is_not_sent_again(house: House, doctor: Caller) -> None:
    _, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    weak = [f"/patients/{patient_id}/{name}" for name in ("timeline", "diagnoses", "recommendations")]
    weak += [f"/recommendations/{line_id}/versions"]
    strong = [f"/patients/{patient_id}", f"/diagnoses/{diagnosis_id}", f"/recommendations/{line_id}"]
    for path in (*weak, *strong):
        first = doctor.get(path)
        tag = first.headers["ETag"]
        assert tag.startswith("W/") == (path in weak)
        for held in (tag, f'"other", {tag}', "*", tag.removeprefix("W/")):
            again = doctor.get(path, {"If-None-Match": held})
            assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        assert first.headers["Cache-Control"] == "private, no-cache"
        assert {"authorization", "accept-language"} <= set(re.split(", ?", first.headers["Vary"].lower()))
    tags = {path: doctor.get(path).headers["ETag"] for path in weak}
    stories.add(doctor, line_id, stories.BARLEY)
    for path, tag in tags.items():
        assert doctor.get(path, {"If-None-Match": tag}).status_code == 200


def test_a_view_is_another_one_in_another_language_or_by_other_parameters(
    house: House, doctor: Caller
) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    path = f"/patients/{patient_id}/timeline"
    queries: list[Json] = [{}, {"lang": "en"}, {"limit": 2}, {"kind": "diagnosis"}, {"as_of": "2100-01-01"}]
    assert len({doctor.get(path, None, **query).headers["ETag"] for query in queries}) == len(queries)


def test_what_the_caller_holds_of_the_house_is_not_sent_again(
    house: House, doctor: Caller, admin: Caller, auditor: Caller
) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    asked: list[tuple[Caller, str, Json]] = [
        (doctor, "/patients", {}),
        (auditor, "/audit/events", {}),
        (auditor, "/audit/replay", {"patient": patient_id}),
        (admin, "/admin/statistics", {}),
        (doctor, "/me", {}),
    ]
    tags = []
    for caller, path, query in asked:
        first = caller.get(path, None, **query)
        tag = first.headers["ETag"]
        assert tag.startswith("W/")
        assert ("Tarikh-Position" in first.headers) == (path != "/me")
        again = caller.get(path, {"If-None-Match": tag}, **query)
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
        assert first.headers["Vary"].startswith("Authorization, Accept-Language")
        assert caller.get(path, {"If-None-Match": tag}, lang="ar", **query).status_code == 200
        tags.append(tag)
    stories.diagnose(doctor, patient_id)
    changed = [caller.get(path, {"If-None-Match": "x"}, **query) for caller, path, query in asked]
    moved = [one.headers["ETag"] != tag for one, tag in zip(changed, tags, strict=True)]
    assert moved[1:] == [True, True, True, False]


def test_a_write_is_seen_by_who_asks_for_its_position(doctor: Caller) -> None:
    patient_id = stories.register(doctor)["id"]
    for n in range(10):
        told = stories.diagnose(doctor, patient_id, condition={"text": f"درد {n}"})
        answered = doctor.get(f"/patients/{patient_id}/diagnoses")
        assert len(answered.json()["items"]) == n + 1
        assert int(answered.headers["Tarikh-Position"]) == told["position"]


def test_who_is_ahead_of_the_read_models_is_told_to_come_back(
    house: House, doctor: Caller, admin: Caller, auditor: Caller
) -> None:
    patient_id = stories.register(doctor)["id"]
    ahead = {"Tarikh-Min-Position": str(house.position + 1_000_000)}
    asked = [
        (doctor, f"/patients/{patient_id}/timeline"),
        (doctor, "/patients"),
        (admin, "/admin/statistics"),
        (auditor, "/audit/events"),
    ]
    with ThreadPoolExecutor(len(asked)) as pool:
        answers = list(pool.map(lambda one: one[0].get(one[1], ahead), asked))
    for answered in answers:
        problem(answered, 503, "projection.behind")
        assert int(answered.headers["Retry-After"]) >= 1
        assert answered.elapsed.total_seconds() < 3


def test_a_patient_is_read_as_they_stand_and_stood(doctor: Caller) -> None:
    details = {"birth_date": "1980-03-01", "sex": "female", "phone": "+98 21 555"}
    told = stories.register(doctor, occurred_at="2010-01-01T00:00:00Z", **details)
    path = f"/patients/{told['id']}"
    shown = doctor.read(path)
    assert {name: shown[name] for name in details} == details
    assert (shown["standing"], shown["version"]) == ("active", 2)
    assert doctor.get(path).headers["ETag"] == '"2"'
    corrected = {
        "changes": {"name": "زهرا محمدی", "phone": None},
        "reason_code": "CORRECTION.DATA_ENTRY",
        "origin": {"channel": "web"},
    }
    doctor.tell(f"{path}/details", corrected, If_Match='"2"')
    doctor.tell(f"{path}/deceased", {"occurred_at": "2020-05-05T00:00:00Z"})
    now = doctor.read(path)
    assert (now["name"], now["phone"], now["standing"]) == ("زهرا محمدی", None, "dead")
    assert doctor.read(path, None, known_at=told["position"]) == shown
    then = doctor.read(path, None, as_of="2015-01-01")
    assert (then["name"], then["standing"], then["died_at"]) == ("زهرا محمدی", "active", None)
    problem(doctor.get(path, None, as_of="2009-01-01"), 404, "not_found")


def test_a_practitioner_lists_their_own_patients_page_by_page(house: House, auditor: Caller) -> None:
    doctor, other = house.caller("practitioner"), house.caller("practitioner")
    mine = [stories.register(doctor)["id"] for _ in range(5)]
    theirs = stories.register(other)["id"]
    listed, before = [], ""
    while before is not None:
        page = doctor.read("/patients", None, limit=2, **({"before": before} if before else {}))
        listed += page["items"]
        before = page["next"]
    assert [one["id"] for one in listed] == mine[::-1]
    assert set(listed[0]) == {"id", "patient_no", "name", "birth_date", "sex", "standing"}
    assert [one["id"] for one in other.read("/patients")["items"]] == [theirs]
    assert [one["id"] for one in auditor.read("/patients", None, limit=6)["items"]] == [theirs, *mine[::-1]]
    doctor.tell(
        f"/patients/{mine[0]}/care-team",
        {"account_id": str(other.account_id), "relation": "practitioner"},
    )
    assert [one["id"] for one in other.read("/patients")["items"]] == [theirs, mine[0]]


def test_no_erased_patient_is_listed(doctor: Caller, admin: Caller, auditor: Caller) -> None:
    patient_id = stories.register(doctor)["id"]
    admin.tell(f"/patients/{patient_id}/erase", {"legal_basis": "GDPR.17"})
    for caller in (doctor, auditor):
        assert patient_id not in [one["id"] for one in caller.read("/patients", None, limit=200)["items"]]


def test_every_version_of_a_recommendation_is_kept(house: House, doctor: Caller) -> None:
    _, _, _, line_id = stories.treated(house, doctor)
    first = doctor.read(f"/recommendations/{line_id}")
    stories.add(doctor, line_id, stories.BARLEY)
    second = doctor.read(f"/recommendations/{line_id}")
    versions = doctor.read(f"/recommendations/{line_id}/versions")["items"]
    assert [one["items"] for one in versions] == [first["items"], second["items"]]
    assert doctor.read(f"/recommendations/{line_id}", None, version=1)["items"] == first["items"]
    problem(doctor.get(f"/recommendations/{line_id}", None, version=3), 404, "not_found")


def applied(items: list[Json], compared: Json) -> list[Json]:
    """What a comparison makes of the items it starts from."""
    gone = {item["item_id"] for item in compared["removed"]}
    kept = {item["item_id"]: dict(item) for item in items if item["item_id"] not in gone}
    for one in compared["changed"]:
        for name, change in one["fields"].items():
            *path, last = name.split(".")
            part = kept[one["item_id"]]
            for step in path:
                part[step] = dict(part[step] or {})
                part = part[step]
            assert part.get(last) == change["from"]
            part[last] = change["to"]
    kept |= {item["item_id"]: item for item in compared["added"]}
    return [kept[item_id] for item_id in compared["order"] or kept]


def changed(doctor: Caller, line_id: str, base: int, *changes: Json) -> Json:
    return doctor.tell(f"/recommendations/{line_id}/revise", {"base_version": base, "changes": list(changes)})


def test_any_two_versions_compare_with_the_path_of_reasons(house: House, doctor: Caller) -> None:
    _, _, _, line_id = stories.treated(house, doctor)
    shown = doctor.read(f"/recommendations/{line_id}")
    (borage,) = shown["items"]
    stories.add(doctor, line_id, stories.BARLEY)
    barley = doctor.read(f"/recommendations/{line_id}")["items"][1]
    stronger = {**stories.BORAGE, "dose": {"amount": 3, "unit": "g", "times_per_day": 3}}
    changed(
        doctor,
        line_id,
        2,
        {
            "op": "replace",
            "item_id": borage["item_id"],
            "before_hash": borage["item_hash"],
            "after": stronger,
            "reason_code": "PROTOCOL.SEASONAL",
        },
        {
            "op": "remove",
            "item_id": barley["item_id"],
            "before_hash": barley["item_hash"],
            "reason_code": "ADHERENCE.UNAVAILABLE",
        },
        {
            "op": "add",
            "after": {"kind": "avoidance", "remedy": {"text": "سردی‌ها"}},
            "reason_code": "PROTOCOL.SEASONAL",
        },
    )
    path = f"/recommendations/{line_id}/compare"
    versions = [one["items"] for one in doctor.read(f"/recommendations/{line_id}/versions")["items"]]
    for first, last in ((1, 2), (2, 3), (1, 3)):
        compared = doctor.read(path, None, from_=first, to=last)
        assert applied(versions[first - 1], compared) == versions[last - 1]
    compared = doctor.read(path, None, from_=1, to=3)
    assert compared["transient"] == [barley["item_id"]]
    assert compared["reasons"][0]["reason_code"] == "ADHERENCE.PREFERENCE"
    assert {one["version"] for one in compared["reasons"]} == {2, 3}
    (one,) = compared["changed"]
    assert one["fields"]["dose.amount"] == {"from": 2, "to": 3}
    assert [reason["reason_code"] for reason in one["reasons"]] == ["PROTOCOL.SEASONAL"]


def test_a_comparison_asks_for_two_versions_in_order(house: House, doctor: Caller) -> None:
    _, _, diagnosis_id, line_id = stories.treated(house, doctor)
    path = f"/recommendations/{line_id}/compare"
    problem(doctor.get(path, None, from_=1, to=1), 400, "compare.order")
    problem(doctor.get(path, None, from_=2, to=1), 400, "compare.order")
    problem(doctor.get(path, None, from_=1, to=2), 404, "compare.unknown_version")
    missing, outside = "request.missing_field", "request.out_of_range"
    for query, wrong in (
        ({}, {"from": missing, "to": missing}),
        ({"from_": 1}, {"to": missing}),
        ({"from_": "x"}, {"from": outside, "to": missing}),
        ({"from_": 0, "to": 2**40, "known_at": "null"}, dict.fromkeys(("from", "to", "known_at"), outside)),
    ):
        assert fields(problem(doctor.get(path, None, **query), 400, "request.malformed")) == wrong
    other = stories.issue(doctor, diagnosis_id, stories.BARLEY)["id"]
    lines = f"/diagnoses/{diagnosis_id}/compare"
    compared = doctor.read(lines, None, left=f"{line_id}:1", right=f"{other}:1")
    assert [len(compared[name]) for name in ("added", "removed", "changed")] == [1, 1, 0]
    problem(doctor.get(lines, None, left="x", right=f"{other}:1"), 400, "request.malformed")
    told = problem(doctor.get(lines, None, left="x", right="y:1"), 400, "request.malformed")
    assert fields(told) == {"left": outside, "right": outside}
    told = problem(doctor.get(lines), 400, "request.malformed")
    assert fields(told) == {"left": missing, "right": missing}
    problem(doctor.get(lines, None, left=f"{line_id}:9", right=f"{other}:1"), 404, "compare.unknown_version")
    elsewhere = stories.treated(house, doctor)[3]
    problem(
        doctor.get(lines, None, left=f"{elsewhere}:1", right=f"{other}:1"), 404, "compare.unknown_version"
    )


def test_an_auditor_sees_the_envelope_whole_and_finds_events(
    house: House, doctor: Caller, auditor: Caller
) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    items = auditor.read("/audit/events", None, patient=patient_id)["items"]
    assert [one["tag"] for one in items][::-1] == [
        "patient.registered",
        "patient.care_team_member_assigned",
        "diagnosis.recorded",
        "recommendation.drafted",
        "recommendation.issued",
    ]
    assert [one["position"] for one in items] == sorted((one["position"] for one in items), reverse=True)
    first = items[-1]
    assert set(first) == {
        "position",
        "stream_id",
        "version",
        "tag",
        "schema",
        "patient_id",
        "actor_id",
        "recorded_at",
        "occurred_at",
        "meta",
        "data",
        "leaf_hash",
    }
    assert first["meta"]["origin"] == {
        "channel": "api",
        "method": "practitioner",
        "device_id": None,
        "client_event_id": None,
        "captured_offline_at": None,
        "model_id": None,
        "model_version": None,
        "source_ref": None,
    }
    assert (first["meta"]["role"], first["meta"]["locale"]) == ("practitioner", "fa")
    found = auditor.read("/audit/events", None, actor=doctor.account_id, type="diagnosis.recorded", limit=1)
    assert found["items"][0]["stream_id"] == items[2]["stream_id"]
    older = auditor.read("/audit/events", None, patient=patient_id, limit=2)
    rest = auditor.read("/audit/events", None, patient=patient_id, before=older["next"])
    assert older["items"] + rest["items"] == items
