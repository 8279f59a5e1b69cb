"""Accounts and reports over HTTP: what admins do that concerns no patient."""

from uuid import UUID

import pytest

from tests.api import stories
from tests.api.house import Caller, House, Json, fields, problem


def active(admin: Caller, *roles: str) -> str:
    """An account in use."""
    account: str = admin.tell("/accounts", {"roles": list(roles)})["id"]
    admin.tell(f"/accounts/{account}/activate")
    return account


def test_an_account_is_invited_given_roles_and_suspended(house: House, admin: Caller, doctor: Caller) -> None:
    account = active(admin, "practitioner")
    path = f"/accounts/{account}"
    admin.tell(f"{path}/roles", {"role": "patient"})
    admin.tell(f"{path}/roles/patient/revoke")
    problem(admin.post(f"{path}/roles", {"role": "auditor"}), 422, "account.auditor_writes")
    problem(admin.post(f"{path}/roles/king/revoke"), 404, "not_found")
    admin.tell(f"{path}/locale", {"locale": "ar"})
    admin.tell(f"{path}/suspend")
    problem(admin.post(f"{path}/activate"), 422, "account.suspended")
    admin.tell(f"{path}/reinstate")
    problem(admin.post("/accounts", {"roles": []}), 422, "account.role_required")
    for caller in (doctor, house.caller("auditor"), house.caller("service"), house.caller("patient")):
        problem(caller.post("/accounts", {"roles": ["admin"]}), 403, "access.role")
        problem(caller.post(f"{path}/roles", {"role": "admin"}), 403, "access.role")


def test_nobody_grants_a_role_to_themselves(house: House, admin: Caller) -> None:
    account = active(admin, "admin")
    self_made = house.caller("admin", account_id=UUID(account))
    problem(self_made.post(f"/accounts/{account}/roles", {"role": "practitioner"}), 422, "account.self_grant")
    admin.tell(f"/accounts/{account}/roles", {"role": "practitioner"})


def test_what_is_no_account_is_not_found(house: House, admin: Caller, doctor: Caller) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    for path in (f"/accounts/{patient_id}/suspend", f"/accounts/{stories.nobody()}/suspend"):
        problem(admin.post(path), 404, "not_found")
    problem(admin.post(f"/reports/{patient_id}/archive"), 404, "not_found")


WEEKLY = {"cadence": "weekly", "hour": 8, "weekday": "friday", "time_zone": "Asia/Tehran", "locale": "fa"}
REPORT = {"report_on": "statistics", "span": "week", "formats": ["xlsx"]}


def test_a_report_is_defined_and_comes_round(admin: Caller, doctor: Caller) -> None:
    reader = active(admin, "auditor")
    report = admin.tell("/reports", REPORT)["id"]
    path = f"/reports/{report}"
    admin.tell(f"{path}/revise", {"changes": {"span": "month"}})
    schedule = stories.nobody()
    body: Json = {"recurrence": WEEKLY, "recipients": [reader]}
    admin.tell(f"{path}/schedules", {**body, "schedule_id": schedule})
    daily = {**body, "recurrence": {**WEEKLY, "cadence": "daily", "weekday": None}}
    told = admin.tell(f"{path}/schedules/{schedule}/change", daily)
    again = admin.tell(f"{path}/schedules/{schedule}/change", daily)
    assert again["version"] == told["version"]
    for step in ("pause", "resume", "cancel"):
        admin.tell(f"{path}/schedules/{schedule}/{step}")
    problem(admin.post(f"{path}/schedules/{schedule}/pause"), 404, "not_found")
    problem(doctor.post("/reports", REPORT), 403, "access.role")
    admin.tell(f"{path}/archive")
    problem(admin.post(f"{path}/schedules", body), 422, "report.archived")


@pytest.mark.parametrize(
    ("recurrence", "wrong"),
    [
        ({"time_zone": "Asia/Shahr"}, {"recurrence.time_zone": "report.zone_unknown"}),
        ({"weekday": None}, {"recurrence.weekday": "report.day_required"}),
        ({"cadence": "daily"}, {"recurrence.weekday": "report.day_meaningless"}),
    ],
)
def test_a_clock_that_there_is_not_and_a_week_without_its_day(
    admin: Caller, recurrence: Json, wrong: Json
) -> None:
    reader = active(admin, "auditor")
    report = admin.tell("/reports", REPORT)["id"]
    body = {"recurrence": {**WEEKLY, **recurrence}, "recipients": [reader]}
    ((path, code),) = wrong.items()
    assert fields(problem(admin.post(f"/reports/{report}/schedules", body), 422, code)) == {path: code}


def test_recipients_are_accounts_in_use(house: House, admin: Caller, doctor: Caller) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    gone = active(admin, "auditor")
    admin.tell(f"/accounts/{gone}/suspend")
    report = admin.tell("/reports", REPORT)["id"]
    body = {"recurrence": WEEKLY, "recipients": [patient_id, gone, stories.nobody()]}
    told = problem(admin.post(f"/reports/{report}/schedules", body), 422, "report.recipient_unknown")
    assert set(fields(told)) == {"recipients.0", "recipients.1", "recipients.2"}


def test_admins_see_who_has_an_account(admin: Caller, doctor: Caller, auditor: Caller) -> None:
    found = [active(admin, "service") for _ in range(3)]
    invited = admin.tell("/accounts", {"roles": ["service", "practitioner"]})["id"]
    admin.tell(f"/accounts/{found[0]}/suspend")

    def ids(**query: object) -> list[str]:
        return [one["id"] for one in admin.read("/admin/accounts", None, **query)["items"]]

    assert ids(limit=4) == [invited, *reversed(found)]
    assert ids(role="service", status="active")[:2] == [found[2], found[1]]
    assert ids(role="service", status="suspended")[0] == found[0]
    assert ids(status="invited", role="practitioner")[0] == invited
    first = admin.read("/admin/accounts", None, limit=2)
    second = admin.read("/admin/accounts", None, limit=2, before=first["next"])
    assert [one["id"] for one in (*first["items"], *second["items"])] == [invited, *reversed(found)]
    (shown,) = [one for one in first["items"] if one["id"] == invited]
    assert (shown["status"], shown["roles"]) == ("invited", ["practitioner", "service"])
    for caller in (doctor, auditor):
        problem(caller.get("/admin/accounts"), 403, "access.role")
    problem(admin.get("/admin/accounts", None, role="king"), 400, "request.malformed")
    problem(admin.get("/admin/accounts", None, before="x"), 400, "cursor.invalid")
    problem(admin.get("/admin/accounts", None, known_at=1), 400, "time.not_here")
    held = admin.get("/admin/accounts").headers["ETag"]
    assert admin.get("/admin/accounts", {"If-None-Match": held}).status_code == 304
