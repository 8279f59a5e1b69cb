"""Invented resources, as small as a story needs them, and bundles and files of them."""

import gzip
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Resource = dict[str, Any]

SNOMED = "http://snomed.info/sct"


def concept(code: str, text: str, system: str = SNOMED) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": text}], "text": text}


def coded(code: str) -> Resource:
    return {"coding": [{"code": code}]}


def patient(number: str = "1", **more: object) -> Resource:
    return {
        "resourceType": "Patient",
        "id": number,
        "identifier": [{"type": coded("MR"), "value": f"MRN-{number}"}],
        "name": [{"use": "official", "family": "Nik", "given": ["Parvin"]}],
        "gender": "female",
        "birthDate": "1980-05-02",
        **more,
    }


def condition(number: str = "c1", *, whose: str = "1", **more: object) -> Resource:
    return {
        "resourceType": "Condition",
        "id": number,
        "clinicalStatus": coded("active"),
        "verificationStatus": coded("confirmed"),
        "code": concept("195967001", "Asthma"),
        "subject": {"reference": f"Patient/{whose}"},
        "onsetDateTime": "2010-03-04T08:00:00Z",
        "recordedDate": "2010-03-04T08:00:00Z",
        **more,
    }


def resolved(at: str = "2011-01-01T08:00:00Z") -> Resource:
    return {"clinicalStatus": coded("resolved"), "abatementDateTime": at}


def allergy(number: str = "a1", *, whose: str = "1", **more: object) -> Resource:
    return {
        "resourceType": "AllergyIntolerance",
        "id": number,
        "clinicalStatus": coded("active"),
        "code": concept("91935009", "Allergy to peanuts"),
        "patient": {"reference": f"Patient/{whose}"},
        "recordedDate": "1990-01-01T08:00:00Z",
        **more,
    }


def pain(number: str = "o1", *, whose: str = "1", score: float = 6, **more: object) -> Resource:
    return {
        "resourceType": "Observation",
        "id": number,
        "status": "final",
        "code": concept("72514-3", "Pain severity", "http://loinc.org"),
        "subject": {"reference": f"Patient/{whose}"},
        "effectiveDateTime": "2010-03-04T08:00:00Z",
        "valueQuantity": {"value": score, "unit": "{score}"},
        **more,
    }


def score(code: str, value: float, number: str = "o1", **more: Any) -> Resource:  # noqa: ANN401  JSON
    return pain(number, score=value, code=concept(code, f"Score {code}", "http://loinc.org"), **more)


def encounter(
    number: str = "e1", *, whose: str = "1", by: tuple[str, ...] = ("d1",), **more: object
) -> Resource:
    return {
        "resourceType": "Encounter",
        "id": number,
        "status": "finished",
        "subject": {"reference": f"Patient/{whose}"},
        "period": {"start": "2010-03-04T07:30:00Z", "end": "2010-03-04T08:30:00Z"},
        "participant": [{"individual": {"reference": f"Practitioner/{one}"}} for one in by],
        **more,
    }


def goal(
    number: str = "g1", text: str = "Hemoglobin A1c < 7.0", *, whose: str = "1", **more: object
) -> Resource:
    return {
        "resourceType": "Goal",
        "id": number,
        "lifecycleStatus": "accepted",
        "description": {"text": text},
        "subject": {"reference": f"Patient/{whose}"},
        **more,
    }


def activity(code: str, text: str, status: str = "in-progress") -> Resource:
    return {"detail": {"code": concept(code, text), "status": status}}


def care_plan(number: str = "p1", *, whose: str = "1", **more: object) -> Resource:
    return {
        "resourceType": "CarePlan",
        "id": number,
        "status": "active",
        "intent": "order",
        "category": [concept("182964004", "Asthma self management")],
        "subject": {"reference": f"Patient/{whose}"},
        "period": {"start": "2010-03-05T08:00:00Z"},
        "addresses": [{"reference": "Condition/c1"}],
        "activity": [
            activity("710081004", "Smoking cessation therapy"),
            activity("229065009", "Exercise therapy"),
        ],
        **more,
    }


def prescription(
    number: str = "m1", *, whose: str = "1", code: str = "1", status: str = "active", **more: object
) -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": number,
        "status": status,
        "intent": "order",
        "medicationCodeableConcept": concept(code, f"Medicine {code}", "rxnorm"),
        "subject": {"reference": f"Patient/{whose}"},
        "authoredOn": "2010-04-01T08:00:00Z",
        "reasonReference": [{"reference": "Condition/c1"}],
        **more,
    }


def bundle(*resources: Resource) -> Resource:
    """A bundle whose entries refer to each other by URN, as servers send them."""
    urns = {f"{r['resourceType']}/{r['id']}": f"urn:uuid:{r['resourceType']}-{r['id']}" for r in resources}
    text = json.dumps([{"fullUrl": urns[f"{r['resourceType']}/{r['id']}"], "resource": r} for r in resources])
    for plain, urn in urns.items():
        text = text.replace(f'"reference": "{plain}"', f'"reference": "{urn}"')
    return {"resourceType": "Bundle", "type": "collection", "entry": json.loads(text)}


def write_bundle(folder: Path, name: str, *resources: Resource) -> Path:
    """A gzipped bundle."""
    path = folder / f"{name}.json.gz"
    path.write_bytes(gzip.compress(json.dumps(bundle(*resources)).encode()))
    return path


def write_lines(folder: Path, name: str, resources: Iterable[Resource]) -> Path:
    """One resource in each line."""
    path = folder / f"{name}.ndjson"
    path.write_text("".join(json.dumps(resource) + "\n" for resource in resources), "utf-8")
    return path
