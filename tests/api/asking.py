"""Every view there is, and a patient whom all of them can be asked about."""

from collections.abc import Iterator

from tests.api import stories
from tests.api.house import Caller, House, Json
from tests.api.routes import routes

PROVE = {
    "/v1/audit/checkpoint",
    "/v1/audit/consistency",
    "/v1/audit/export",
    "/v1/audit/proof/{position}",
    "/v1/patients/{id}/erasure",
}
"""What signs, proves or certifies is no view."""


class Told:
    """A patient whom every route can be asked about, and by whom."""

    def __init__(self, house: House, doctor: Caller, admin: Caller, auditor: Caller) -> None:
        self.house, self.doctor, self.auditor = house, doctor, auditor
        patient, self.patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
        self.callers = (doctor, auditor, admin, patient)
        other = stories.issue(doctor, diagnosis_id, stories.BARLEY)["id"]
        stories.add(doctor, line_id, stories.BARLEY)
        self.ids = {
            "patients": self.patient_id,
            "diagnoses": diagnosis_id,
            "recommendations": line_id,
            "feedback": stories.answer(patient, line_id)["id"],
        }
        self.required: dict[str, object] = {
            "from": 1,
            "to": 2,
            "left": f"{line_id}:1",
            "right": f"{other}:1",
            "patient": self.patient_id,
        }

    def views(self) -> Iterator[tuple[str, str, Json, bool]]:
        """Template, path and query of each route, and whether it may be asked about the past."""
        for method, template, handler in routes(self.house.app):
            if method != "GET" or not template.startswith("/v1") or template in PROVE:
                continue
            kind = template.split("/")[2]
            assert "{id}" not in template or kind in self.ids, f"whose id is meant in {template}?"
            query = {
                f"{name}_" if name == "from" else name: self.required[name]
                for name, parameter in handler.opt["query"].items()
                if parameter.required
            }
            path = template.removeprefix("/v1").format(id=self.ids.get(kind))
            yield template, path, query, "known_at" in handler.opt["query"]

    def changed(self) -> None:
        """Something new of the patient, that all views have taken in."""
        stories.diagnose(self.doctor, self.patient_id)
        self.doctor.read(f"/patients/{self.patient_id}/timeline")
        self.auditor.read("/audit/events", limit=1)

    def who_may(self, path: str, query: Json) -> Caller:
        for caller in self.callers:
            if caller.get(path, None, **query).status_code == 200:
                return caller
        raise AssertionError(f"nobody may ask for {path}")
