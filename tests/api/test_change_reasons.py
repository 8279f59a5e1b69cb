"""Why recommendations were changed, asked over HTTP by an admin."""

from tests.api import stories
from tests.api.house import Caller, House


def test_an_admin_sees_why_recommendations_were_changed(house: House, doctor: Caller, admin: Caller) -> None:
    asked = {"from_": "2000-01-01", "to": "2100-01-01"}
    before = _count(admin.read("/admin/change-reasons", None, **asked))
    _, _, _, line_id = stories.treated(house, doctor)
    stories.add(doctor, line_id, stories.BARLEY)
    for lang, title in (("fa", "ترجیح بیمار"), ("en", "Patient preference"), ("ar", "تفضيل المريض")):
        told = admin.read("/admin/change-reasons", None, lang=lang, **asked)
        found = next(one for one in told["reasons"] if one["reason_code"] == "ADHERENCE.PREFERENCE")
        assert (_count(told), found["title"]) == (before + 1, title)
    last = admin.read("/admin/change-reasons", None, **asked)["reasons"][-1]
    assert last["cumulative"] == 1
    for narrower in ({"group": "ADHERENCE"}, {"condition": "uncoded"}, {"condition": "G43"}):
        found_there = _count(admin.read("/admin/change-reasons", None, **asked, **narrower))
        assert 0 <= found_there <= before + 1
    assert _count(admin.read("/admin/change-reasons", None, **asked, author=stories.nobody())) == 0
    assert _count(admin.read("/admin/change-reasons", None, **asked, group="SAFETY")) == 0
    assert doctor.get("/admin/change-reasons").status_code == 403


def _count(told: dict[str, object]) -> int:
    reasons = told["reasons"]
    assert isinstance(reasons, list)
    return sum(one["n"] for one in reasons if one["reason_code"] == "ADHERENCE.PREFERENCE")
