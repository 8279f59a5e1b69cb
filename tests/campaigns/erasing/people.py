"""People who are their marks: whatever can be written of them says so, over HTTP or in what is imported."""

from random import Random
from uuid import UUID

import httpx
import msgspec

from infra.ids import new_id
from tests.campaigns.erasing.house import House
from tests.campaigns.erasing.marks import Mark
from tests.infra.fhir import bundles

Json = dict[str, object]
READ = ("", "/timeline", "/diagnoses")
LANGUAGES = ("fa", "en", "ar")
LONG = 3_000
"""So many letters without rhyme are stored apart, and cannot be compressed."""


class Person(msgspec.Struct):
    """Who they are and which ids they were given."""

    mark: Mark
    number: int
    patient_id: UUID
    diagnosis_id: str = ""
    line_id: str = ""


class Refused(Exception):
    """The house did not take what the campaign is about."""


class Telling:
    """Writes people into the record, and reads them."""

    def __init__(self, house: House, chance: Random) -> None:
        self.house = house
        self.accepted = 0
        self._chance = chance
        self._whose = ""
        self._doctor_id = new_id()
        self._doctor = house.client("practitioner", account=self._doctor_id)
        self._auditor = house.client("auditor")

    def person(self, mark: Mark, number: int) -> Person:
        """Everything that a practitioner and a patient can say."""
        self._whose = mark.latin
        registered = self._tell(
            self._doctor,
            "/patients",
            patient_no=mark.code,
            name=mark.text,
            birth_date="1980-02-03",
            phone=f"+98912{number:07}",
            email=f"{mark.latin}@{mark.latin}.example",
            national_id=mark.code,
            origin={"device_id": mark.code, "client_event_id": mark.code, "source_ref": mark.text},
        )
        person = Person(mark, number, UUID(str(registered["id"])))
        self._of_patient(person)
        self._of_diagnosis(person)
        self._of_recommendation(person)
        self._of_feedback(person)
        return person

    def imported(self, marks: list[Mark], first: int) -> list[Person]:
        """The same people in the bundles of another system, brought in by the command."""
        folder = self.house.folder / "bundles"
        folder.mkdir()
        for number, mark in enumerate(marks, first):
            bundles.write_bundle(folder, f"b{number}", *_resources(mark, number))
        ended = self.house.run("import", "fhir", str(folder), "--json")
        if ended.returncode:
            raise Refused(ended.stderr)
        for file in folder.iterdir():
            file.unlink()  # it is not ours, but the other system's
        ids = self._ids_by_number()
        return [Person(mark, number, ids[f"MRN-{mark.code}"]) for number, mark in enumerate(marks, first)]

    def read(self, person: Person) -> None:
        """As the patient and an auditor do, in every language, today and as it was."""
        patient = self.house.client("patient", person.patient_id)
        path = f"/v1/patients/{person.patient_id}"
        for client in (patient, self._auditor):
            for view in READ:
                for lang in LANGUAGES:
                    answered = client.get(path + view, params={"lang": lang})
                    if answered.status_code != httpx.codes.OK or person.mark.latin not in answered.text:
                        raise Refused(f"{path + view}: {answered.status_code}")
        for more in ("/audit/events", "/audit/replay"):
            self._auditor.get(f"/v1{more}", params={"patient": str(person.patient_id)})
        if person.line_id:
            patient.get(f"/v1/recommendations/{person.line_id}/compare", params={"from": 1, "to": 2})
        self._stumble(patient, person)

    def _stumble(self, patient: httpx.Client, person: Person) -> None:
        """Mistakes that hold the words, wherever a log might take them from."""
        text, path = person.mark.text, f"/v1/patients/{person.patient_id}"
        patient.get(f"/v1/patients/{text}")
        patient.get(f"{path}/timeline", params={"kind": text, text: text})
        patient.post(f"{path}/background", json={text: text})
        patient.post(
            f"{path}/background", content=text.encode(), headers={"Content-Type": "application/json"}
        )
        self._doctor.post(f"{path}/background", json={"kind": text, "code": text})
        self._doctor.post("/v1/patients", json={"patient_no": text, "name": text, "sex": text})
        self._auditor.get(path, headers={"X-Request-Id": person.mark.latin, "User-Agent": person.mark.latin})

    def _ids_by_number(self) -> dict[str, UUID]:
        found: dict[str, UUID] = {}
        query = {"limit": "200"}
        while True:
            page = self._auditor.get("/v1/patients", params=query).json()
            found |= {one["patient_no"]: UUID(one["id"]) for one in page["items"]}
            if page["next"] is None:
                return found
            query["before"] = page["next"]

    def _tell(self, client: httpx.Client, path: str, **body: object) -> Json:
        answered = client.post(
            f"/v1{path}", json=body, headers={"Idempotency-Key": f"{self._whose}-{self.accepted}"}
        )
        if answered.status_code not in {200, 201}:
            raise Refused(f"{path}: {answered.status_code} {answered.text}")
        self.accepted += 1
        told: Json = answered.json()
        return told

    def _of_patient(self, person: Person) -> None:
        mark, path = person.mark, f"/patients/{person.patient_id}"
        for change in ({"name": f"{mark.text} II"}, {"national_id": f"{mark.code}-2"}):
            self._tell(self._doctor, f"{path}/details", changes=change, reason_code="CORRECTION.TRANSLATION")
        for kind in ("allergy", "medication"):
            self._tell(self._doctor, f"{path}/background", kind=kind, code=_coded(mark))
        self._tell(self._doctor, f"{path}/consents", scope="care", policy_version=mark.code)

    def _of_diagnosis(self, person: Person) -> None:
        mark = person.mark
        told = self._tell(
            self._doctor,
            f"/patients/{person.patient_id}/diagnoses",
            condition=_coded(mark),
            severity="severe",
            referral_override=f"{mark.text} at length",
        )
        person.diagnosis_id = str(told["id"])
        path = f"/diagnoses/{person.diagnosis_id}"
        finding = str(new_id())
        attributes = {mark.latin: mark.text, "note": self._long(mark), "deep": [{"er": mark.persian}]}
        self._tell(
            self._doctor,
            f"{path}/findings",
            finding_id=finding,
            modality="tongue",
            attributes=attributes,
            media_hash=mark.code,
        )
        self._tell(self._doctor, f"{path}/assessments", statement=self._long(mark), predicted_by=mark.code)
        self._tell(self._doctor, f"{path}/symptoms", symptom_code=mark.code, score=4, scale=mark.latin)
        self._tell(self._doctor, f"{path}/referrals", specialty=mark.code, override_reason=mark.text)
        self._tell(
            self._doctor,
            f"{path}/revise",
            changes={"condition": {"text": f"{mark.text} revised"}},
            reason_code="OTHER",
            narrative=self._words(mark),
            referral_override=f"{mark.text} again",
            evidence=[{"type": "finding", "ref": finding, "note": mark.text}],
        )
        self._tell(self._doctor, f"{path}/confirm", evidence=[{"type": "finding", "ref": finding}])

    def _of_recommendation(self, person: Person) -> None:
        mark = person.mark
        told = self._tell(
            self._doctor,
            f"/diagnoses/{person.diagnosis_id}/recommendations",
            items=[self._item(mark)],
            title=mark.text,
            goals=[{"metric": mark.code, "target": mark.latin}],
            safety_check={"result": "acknowledged", "alerts": [mark.code]},
        )
        person.line_id = str(told["id"])
        path = f"/recommendations/{person.line_id}"
        change = {
            "op": "add",
            "after": self._item(mark),
            "reason_code": "EVIDENCE.NEW_LITERATURE",
            "evidence": [{"type": "literature", "ref": mark.code, "note": mark.text}],
        }
        revision: Json = {"changes": [change], "narrative": self._words(mark)}
        self._tell(self._doctor, f"{path}/revise", base_version=1, **revision)
        self._tell(self._doctor, f"{path}/proposals", base_version=2, **revision)
        self._tell(self._doctor, f"{path}/safety-reviews", trigger=mark.text, severity="mild")
        for step in ("suspend", "resume"):
            reason: Json = {"reason_code": "OTHER", "narrative": self._words(mark)}
            self._tell(self._doctor, f"{path}/{step}", **reason)

    def _of_feedback(self, person: Person) -> None:
        mark = person.mark
        patient = self.house.client("patient", person.patient_id)
        told = self._tell(
            patient,
            f"/recommendations/{person.line_id}/feedback",
            recommendation_version=2,
            rating=2,
            adherence={"taken": 1, "expected": 3, "reason": mark.text},
            symptom_scores=[{"symptom_code": mark.code, "score": 3, "scale": mark.latin}],
            side_effects=[{"code": mark.code, "severity": "severe"}],
            comment=self._long(mark),
        )
        path = f"/feedback/{told['id']}"
        code = "CORRECTION.TRANSLATION"
        self._tell(patient, f"{path}/amend", changes={"comment": mark.text}, reason_code=code)
        self._tell(self._doctor, f"{path}/review", causality="possible", action="none", note=mark.text)

    def _item(self, mark: Mark) -> Json:
        return {
            "kind": "herbal",
            "remedy": _coded(mark),
            "preparation": mark.text,
            "dose": {"amount": 1, "unit": mark.latin, "timing": mark.text, "text": mark.text},
            "cautions": [mark.text, self._long(mark)],
            "rationale": mark.text,
            "source_ref": mark.code,
        }

    def _words(self, mark: Mark) -> Json:
        return {"text": f"{mark.text} because it was so and not otherwise, we believe", "lang": "en"}

    def _long(self, mark: Mark) -> str:
        """Words of length, with the mark at both ends and in the middle."""
        letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        halves = ("".join(self._chance.choices(letters, k=LONG // 2)) for _ in range(2))
        return mark.text + f" {mark.text} ".join(halves) + mark.text


def _coded(mark: Mark) -> Json:
    return {"text": mark.text, "system": mark.latin, "code": mark.code}


def _resources(mark: Mark, number: int) -> list[bundles.Resource]:
    """What another system says of them."""
    concept = bundles.concept(mark.latin, mark.text)
    whose = mark.latin
    name = [{"use": "official", "family": mark.latin, "given": [mark.persian]}]
    phone = [{"system": "phone", "value": f"+98935{number:07}"}]
    address = [{"text": mark.text, "city": mark.text}]
    identifier = [{"type": bundles.coded("MR"), "value": f"MRN-{mark.code}"}]
    reason = [{"reference": f"Condition/{mark.latin}-c"}]
    return [
        bundles.patient(whose, name=name, telecom=phone, address=address, identifier=identifier),
        bundles.condition(f"{mark.latin}-c", whose=whose, code=concept, note=[{"text": mark.text}]),
        bundles.allergy(f"{mark.latin}-a", whose=whose, code=concept),
        bundles.pain(f"{mark.latin}-o", whose=whose, note=[{"text": mark.text}]),
        bundles.care_plan(f"{mark.latin}-p", whose=whose, category=[concept], addresses=reason),
        bundles.prescription(
            f"{mark.latin}-m", whose=whose, medicationCodeableConcept=concept, reasonReference=reason
        ),
    ]
