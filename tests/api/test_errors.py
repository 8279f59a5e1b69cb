"""What is wrong with a request is told whole, in the caller's language, and nothing is stored."""

from collections.abc import Iterator

import httpx
import pytest

from locales import translate
from tests.api import stories
from tests.api.house import Caller, House, Json, fields, problem

MANY_WRONG = {
    "name": 5,
    "birth_date": "1404-13-40",
    "sex": "unclear",
    "colour": "blue",
    "phone": "",
    "origin": {"channel": "pigeon", "speed": 1},
}
WHAT_IS_WRONG = {
    "patient_no": "request.missing_field",
    "name": "request.wrong_type",
    "birth_date": "request.out_of_range",
    "sex": "request.out_of_range",
    "colour": "request.unknown_field",
    "phone": "request.out_of_range",
    "origin.channel": "request.out_of_range",
    "origin.speed": "request.unknown_field",
}


@pytest.mark.parametrize("locale", ["fa", "en", "ar"])
def test_all_wrong_fields_are_told_at_once_in_the_callers_language(doctor: Caller, locale: str) -> None:
    answered = doctor.post("/patients", MANY_WRONG, {"Accept-Language": locale})
    told = problem(answered, 400, "request.malformed")
    assert fields(told) == WHAT_IS_WRONG
    assert answered.headers["Content-Language"] == locale
    assert told["title"] == translate(locale, "problem.title.400")
    assert {one["detail"] for one in told["errors"]} == {
        translate(locale, f"problem.{code}") for code in set(WHAT_IS_WRONG.values())
    }


def test_wrong_fields_deep_inside_lists_are_told_too(house: House, doctor: Caller) -> None:
    _, _, diagnosis_id, line_id = stories.treated(house, doctor)
    items: list[object] = [
        {"kind": "magic", "remedy": {"text": ""}},
        7,
        {"kind": "herbal", "dose": {"amount": "two"}},
    ]
    answered = doctor.post(f"/diagnoses/{diagnosis_id}/recommendations", {"items": items})
    assert fields(problem(answered, 400, "request.malformed")) == {
        "items.0.kind": "request.out_of_range",
        "items.0.remedy.text": "request.out_of_range",
        "items.1": "request.wrong_type",
        "items.2.remedy": "request.missing_field",
        "items.2.dose.amount": "request.wrong_type",
    }
    answered = doctor.post(
        f"/recommendations/{line_id}/revise", {"base_version": 1, "changes": [{}, {"op": "x"}]}
    )
    assert fields(problem(answered, 400, "request.malformed")) == {
        "changes.0.op": "request.missing_field",
        "changes.0.reason_code": "request.missing_field",
        "changes.1.op": "request.out_of_range",
        "changes.1.reason_code": "request.missing_field",
    }


def test_rules_tell_all_their_fields_too(house: House, doctor: Caller) -> None:
    body = {"patient_no": " ", "name": "\u200c", "phone": "1", "email": "nobody"}
    assert fields(problem(doctor.post("/patients", body), 422, "request.rejected")) == {
        "patient_no": "text.blank",
        "name": "text.blank",
        "phone": "patient.phone_invalid",
        "email": "patient.email_invalid",
    }
    _, patient_id, _, _ = stories.treated(house, doctor)
    late = {**stories.MIGRAINE, "occurred_at": "2999-01-01T00:00:00Z"}
    told = problem(doctor.post(f"/patients/{patient_id}/diagnoses", late), 422, "request.rejected")
    assert [one["code"] for one in told["errors"]] == ["time.out_of_range", "time.in_future"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": "a\0b"}, "name"),
        ({"name": "a", "origin": {"source_ref": "\0"}}, "origin.source_ref"),
    ],
)
def test_what_cannot_be_stored_is_refused(doctor: Caller, body: Json, path: str) -> None:
    answered = doctor.post("/patients", {"patient_no": stories.number(), **body})
    assert fields(problem(answered, 400, "request.malformed")) == {path: "text.nul"}


@pytest.mark.parametrize(
    ("attributes", "code"),
    [
        ({"a": {"b": ["x", "\0"]}}, {"attributes.a.b.1": "text.nul"}),
        ({"\0": 1}, {"attributes": "text.nul"}),
        ({"n": 2**63}, {"attributes.n": "request.out_of_range"}),
    ],
)
def test_nor_anywhere_in_free_attributes(
    house: House, doctor: Caller, attributes: Json, code: dict[str, str]
) -> None:
    _, _, diagnosis_id, _ = stories.treated(house, doctor)
    body = {"modality": "pulse", "attributes": attributes}
    answered = doctor.post(f"/diagnoses/{diagnosis_id}/findings", body)
    assert fields(problem(answered, 400, "request.malformed")) == code


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"nonsense", b'{"a":NaN}', b'{"a":1e999}', b'"\xff"', b'{"a":"\\ud800"}', b"[" * 200_000],
)
def test_what_is_no_json_is_refused(doctor: Caller, content: bytes) -> None:
    answered = doctor.http.post("/v1/patients", content=content, headers={"Content-Type": "application/json"})
    problem(answered, 400, "request.not_json")


@pytest.mark.parametrize("body", [None, [], "text", 5])
def test_a_body_that_is_no_object_is_refused(doctor: Caller, body: object) -> None:
    answered = doctor.http.post("/v1/patients", json=body if body is not None else [None])
    assert fields(problem(answered, 400, "request.malformed")) == {"": "request.wrong_type"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_only_json_is_taken(doctor: Caller, content_type: str) -> None:
    answered = doctor.http.post("/v1/patients", content=b"{}", headers={"Content-Type": content_type})
    problem(answered, 415, "request.unsupported_media_type")


def test_too_large_a_body_is_refused_by_its_length_and_while_it_streams(doctor: Caller) -> None:
    large = b'{"name": "' + b"x" * 1_100_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    problem(doctor.http.post("/v1/patients", content=large, headers=headers), 413, "request.too_large")

    def streamed() -> Iterator[bytes]:
        for start in range(0, len(large), 65_536):
            yield large[start : start + 65_536]

    problem(doctor.http.post("/v1/patients", content=streamed(), headers=headers), 413, "request.too_large")


def test_parameters_are_known_and_given_once(house: House, doctor: Caller) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    path = f"/v1/patients/{patient_id}/timeline"
    told = problem(doctor.http.get(f"{path}?colour=1"), 400, "request.unknown_parameter")
    assert fields(told) == {"colour": "request.unknown_parameter"}
    told = problem(doctor.http.get(f"{path}?limit=1&limit=2"), 400, "request.repeated_parameter")
    assert fields(told) == {"limit": "request.repeated_parameter"}
    told = problem(doctor.http.get(f"{path}?kind=a%00"), 400, "text.nul")
    assert fields(told) == {"kind": "text.nul"}
    told = problem(doctor.http.get(f"{path}?colour=1&limit=1&limit=2"), 400, "request.malformed")
    assert len(told["errors"]) == 2
    told = problem(doctor.http.post("/v1/patients?colour=1", json={}), 400, "request.unknown_parameter")


@pytest.mark.parametrize("name", ["known_at", "as_of"])
def test_not_every_view_can_be_asked_about_the_past(
    doctor: Caller, admin: Caller, auditor: Caller, name: str
) -> None:
    for caller, path in ((doctor, "/patients"), (doctor, "/me"), (admin, "/admin/statistics")):
        problem(caller.get(path, None, **{name: "2020-01-01"}), 400, "time.not_here")
    problem(auditor.get("/audit/events", None, **{name: "2020-01-01"}), 400, "time.not_here")
    problem(doctor.http.post(f"/v1/patients?{name}=1", json={}), 400, "time.not_here")


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("diagnosis=x", "diagnosis"),
        ("diagnosis=null", "diagnosis"),
        ("kind=", "kind"),
        ("kind=diagnosis,horoscope", "kind"),
        ("known_at=null", "known_at"),
        ("from=yesterday", "from"),
        ("to=2020-13-01", "to"),
        ("known_at=soon", "known_at"),
        ("known_at=-1", "known_at"),
        ("known_at=20250101", "known_at"),
        ("known_at=2025-W01", "known_at"),
        ("as_of=2025-W01-1", "as_of"),
        ("as_of=20250101", "as_of"),
        ("from=2025-W01-1", "from"),
        ("as_of=9999-12-31", "as_of"),
        ("as_of=0001-01-01T00:00:00%2B14:00", "as_of"),
    ],
)
def test_a_parameter_that_cannot_be_read_is_named(
    house: House, doctor: Caller, query: str, path: str
) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    answered = doctor.http.get(f"/v1/patients/{patient_id}/timeline?{query}")
    assert set(fields(problem(answered, 400, "request.malformed"))) == {path}


def test_days_without_an_end_begin_at_the_first_of_all_days(admin: Caller) -> None:
    told = admin.read("/admin/statistics", None, to="0001-01-01")
    assert (told["from"], told["to"], told["figures"]) == ("0001-01-01", "0001-01-01", [])
    assert admin.read("/admin/statistics", None, from_="2020-01-01", to="2020-01-01")["figures"] is not None


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("/audit/events?type=patient.registered,patient.flew", {"type": "request.out_of_range"}),
        ("/audit/events?from=2021-01-01&to=2020-01-01", {"to": "time.ends_before_start"}),
        ("/audit/events?from=x&to=y", {"from": "time.malformed", "to": "time.malformed"}),
        ("/audit/events?lang=de", {"lang": "request.out_of_range"}),
        ("/me?lang=", {"lang": "request.out_of_range"}),
        ("/audit/replay", {"patient": "request.missing_field"}),
        ("/audit/replay?patient=x&lang=x", dict.fromkeys(("patient", "lang"), "request.out_of_range")),
        ("/audit/consistency?to=x", {"from": "request.missing_field", "to": "request.out_of_range"}),
    ],
)
def test_every_wrong_or_missing_parameter_is_named(auditor: Caller, path: str, wrong: dict[str, str]) -> None:
    assert fields(problem(auditor.http.get(f"/v1{path}"), 400, "request.malformed")) == wrong


def test_days_that_end_before_they_begin_are_no_days(house: House, doctor: Caller, admin: Caller) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    for caller, path in ((doctor, f"/patients/{patient_id}/timeline"), (admin, "/admin/statistics")):
        answered = caller.get(path, from_="2021-01-02", to="2021-01-01")
        told = problem(answered, 400, "request.malformed")
        assert fields(told) == {"to": "time.ends_before_start"}
    answered = admin.get("/admin/statistics", from_="9999-12-31")
    assert fields(problem(answered, 400, "request.malformed")) == {"from": "time.ends_before_start"}


def test_a_header_that_cannot_be_read_is_named(house: House, doctor: Caller) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    for value in ("x", "-1"):
        answered = doctor.get(f"/patients/{patient_id}/timeline", {"Tarikh-Min-Position": value})
        assert fields(problem(answered, 400, "request.malformed")) == {
            "Tarikh-Min-Position": "request.out_of_range"
        }


@pytest.mark.parametrize("cursor", ["x", "MDox", "!", "MDoxOjI6Mw", "2" * 3000])
def test_a_cursor_of_ones_own_making_is_refused(house: House, doctor: Caller, cursor: str) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    problem(doctor.get(f"/patients/{patient_id}/timeline", before=cursor), 400, "cursor.invalid")


def test_addresses_that_lead_nowhere(house: House, doctor: Caller) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    for path in ("/patients/none/timeline", "/patients/1", "/nothing", f"/patients/{patient_id}/nothing"):
        problem(doctor.get(path), 404, "not_found")
    problem(doctor.post(f"/patients/{patient_id}/consents/everything/withdraw"), 404, "not_found")
    problem(httpx.get(f"{house.url}/nothing"), 404, "not_found")
    problem(doctor.get(f"/diagnoses/{patient_id}"), 404, "not_found")
    problem(doctor.post(f"/diagnoses/{patient_id}/recur"), 404, "not_found")


def test_another_method_is_told_which_ones_there_are(doctor: Caller) -> None:
    answered = doctor.http.delete("/v1/patients")
    problem(answered, 405, "request.method")
    assert {"GET", "POST"} <= set(answered.headers["Allow"].split(", "))


def test_nothing_is_stored_when_an_error_is_answered(doctor: Caller, auditor: Caller) -> None:
    patient_id = stories.register(doctor)["id"]
    before = auditor.read("/audit/events", limit=1)["items"][0]["position"]
    late = {**stories.MIGRAINE, "occurred_at": "2999-01-01T00:00:00Z"}
    for body in ({}, {"condition": {"text": " "}}, late):
        assert doctor.post(f"/patients/{patient_id}/diagnoses", body).status_code >= 400
    assert auditor.read("/audit/events", patient=patient_id)["items"][0]["position"] <= before


def test_a_bug_tells_an_incident_and_the_log_where_it_happened(
    house: House, doctor: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "Zaynab-Unmistakable"

    def broken(*_: object) -> None:
        raise ArithmeticError(name)

    monkeypatch.setattr(house.services.commands, "run", broken)
    answered = doctor.post("/patients", {"patient_no": stories.number(), "name": name})
    told = problem(answered, 500, "internal")
    incident = told["instance"].removeprefix("urn:uuid:")
    assert incident in told["detail"]
    assert answered.headers["X-Request-Id"] == incident
    assert "Arithmetic" not in answered.text
    assert name not in answered.text
    logged = house.logged.read_text()
    assert any(incident in line and "ArithmeticError" in line for line in logged.splitlines())
    assert name not in logged


def test_no_log_line_tells_what_was_said(house: House, doctor: Caller) -> None:
    patient, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    mark = "Unmistakable"
    stories.register(doctor, name=f"{mark}-name", email=f"{mark}@example.org")
    doctor.post("/patients", {"name": f"{mark}-wrong", mark: 1})
    doctor.post(f"/diagnoses/{diagnosis_id}/findings", {"modality": "interview", "attributes": {mark: mark}})
    doctor.post(f"/diagnoses/{diagnosis_id}/enter-in-error", {"reason_code": mark})
    stories.answer(patient, line_id, comment=f"{mark}-comment")
    doctor.get(f"/patients/{patient_id}/timeline", kind=mark, bogus=mark)
    doctor.get(f"/{mark}")
    doctor.http.get(
        "/v1/me", headers={"Authorization": f"Bearer {mark}", "X-Request-Id": mark, "User-Agent": mark}
    )
    doctor.http.post(
        "/v1/patients", content=f'{{"name": "{mark}'.encode(), headers={"Content-Type": "application/json"}
    )
    logged = house.logged.read_text()
    assert "route=/patients/{id:uuid}/timeline" in logged or "/v1/patients/{id:uuid}/timeline" in logged
    assert mark not in logged
    assert patient_id not in logged


def test_a_request_is_known_by_one_id_everywhere(house: House, doctor: Caller, auditor: Caller) -> None:
    mine = stories.nobody()
    answered = doctor.post("/patients", {"patient_no": stories.number(), "name": "x"}, {"X-Request-Id": mine})
    assert answered.headers["X-Request-Id"] == mine
    (shown, *_) = auditor.read("/audit/events", correlation=mine)["items"]
    assert shown["meta"]["correlation_id"] == mine
    assert mine in house.logged.read_text()
