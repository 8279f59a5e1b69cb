"""Patient, with death, and AllergyIntolerance."""

from collections.abc import Iterator
from datetime import date
from typing import Literal, get_args

import msgspec

from domain.event import Coded, Locale
from domain.patient import Sex
from infra.fhir.concepts import coded, codes, cut, joined
from infra.fhir.mapping_base import Source, first, last_known
from infra.fhir.resources import AllergyIntolerance, ContactPoint, HumanName, Patient
from infra.fhir.stated import (
    PassedOver,
    Stated,
    StatedBackground,
    StatedDeath,
    StatedPatient,
    Unusable,
)

MEDICAL_RECORD_NUMBER = "MR"
NAMES_BY_USE = ("official", "usual", None)
NO_KNOWN_ALLERGY = frozenset({"716186003", "409137002", "716184000", "428607008", "429625007"})
"""SNOMED CT codes that deny an allergy: recorded as one they would say the opposite."""

_patient = msgspec.json.Decoder(Patient).decode
_allergy = msgspec.json.Decoder(AllergyIntolerance).decode


def of_patient(raw: bytes, source: Source) -> Iterator[Stated]:
    """The patient, and the death where there is one."""
    patient = _patient(raw)
    number = _number(patient)
    birth = source.when("birthDate", patient.birth_date)
    yield StatedPatient(
        ref=source.ref,
        patient=source.ref,
        at=birth,
        patient_no=number,
        name=_name(patient.name) or number,
        birth_date=_day(patient.birth_date),
        sex=_sex(patient.gender),
        phone=_contact(patient.telecom, "phone"),
        email=_contact(patient.telecom, "email"),
        locale=_locale(patient),
    )
    died = source.when("deceasedDateTime", patient.deceased_date_time)
    if died or patient.deceased_boolean:
        updated = source.when("meta.lastUpdated", patient.meta.last_updated)
        yield StatedDeath(ref=f"{source.ref}#deceased", patient=source.ref, at=died or last_known(updated))


def of_allergy(raw: bytes, source: Source) -> Iterator[Stated]:
    allergy = _allergy(raw)
    if {"entered-in-error", "refuted"} & set(codes(allergy.verification_status)):
        raise PassedOver("import.not_true")
    if NO_KNOWN_ALLERGY & set(codes(allergy.code)):
        raise PassedOver("import.no_known_allergy")
    onset = first(
        source.when("onsetDateTime", allergy.onset_date_time),
        source.when("onsetPeriod.start", allergy.onset_period.start),
    )
    recorded = source.when("recordedDate", allergy.recorded_date)
    updated = last_known(source.when("meta.lastUpdated", allergy.meta.last_updated))
    yield StatedBackground(
        ref=source.ref,
        patient=source.patient(allergy.patient),
        at=first(recorded, onset, updated),
        by=source.practitioner(allergy.recorder),
        encounter=source.resolve(allergy.encounter.reference),
        code=_substance(allergy),
        status=_status(allergy),
        onset=onset,
    )


def _number(patient: Patient) -> str:
    for identifier in patient.identifier:
        if MEDICAL_RECORD_NUMBER in codes(identifier.type) and identifier.value:
            return identifier.value
    if not patient.id:
        raise Unusable("import.identity_missing")
    return patient.id


def _name(names: tuple[HumanName, ...]) -> str | None:
    by_use = sorted(names, key=lambda n: NAMES_BY_USE.index(n.use) if n.use in NAMES_BY_USE else 9)
    spelled = (name.text or joined((*name.given, name.family), " ") for name in by_use)
    return next((cut(name) for name in spelled if name), None)


def _day(text: str | None) -> date | None:
    """The day of birth; of a month or a year alone the record says nothing rather than a wrong day."""
    return date.fromisoformat(text) if text and len(text) == len("2000-01-01") else None


def _sex(gender: str | None) -> Sex:
    return next((sex for sex in get_args(Sex) if sex == gender), "unknown")


def _contact(points: tuple[ContactPoint, ...], system: str) -> str | None:
    current = [p for p in points if p.system == system and p.value and p.use != "old"]
    ranked = sorted(current, key=lambda p: p.rank or 99)
    return ranked[0].value if ranked else None


def _locale(patient: Patient) -> Locale | None:
    """The language that the patient is spoken to in, where it is one of ours."""
    spoken = sorted(patient.communication, key=lambda c: not c.preferred)
    tags = [code.partition("-")[0].lower() for said in spoken for code in codes(said.language)]
    return next((locale for tag in tags for locale in get_args(Locale) if locale == tag), None)


def _substance(allergy: AllergyIntolerance) -> Coded:
    options = (coded(allergy.code), *(coded(reaction.substance) for reaction in allergy.reaction))
    found = next((option for option in options if option), None)
    if found is None:
        raise Unusable("import.code_missing")
    return found


def _status(allergy: AllergyIntolerance) -> Literal["active", "ended"]:
    return "ended" if {"inactive", "resolved"} & set(codes(allergy.clinical_status)) else "active"
