"""From one FHIR resource to what it states: pure, one function for each type that is brought in."""

from collections.abc import Callable, Iterator, Mapping
from zoneinfo import ZoneInfo

import msgspec

from infra.fhir import (
    mapping_conditions,
    mapping_encounters,
    mapping_goals,
    mapping_patients,
    mapping_plans,
    mapping_prescriptions,
)
from infra.fhir.mapping_base import Source
from infra.fhir.references import Resolve
from infra.fhir.stated import PassedOver, Stated, Unusable

Map = Callable[[bytes, Source], Iterator[Stated]]

MAPPINGS: Mapping[str, Map] = {
    "Patient": mapping_patients.of_patient,
    "AllergyIntolerance": mapping_patients.of_allergy,
    "Condition": mapping_conditions.of_condition,
    "Observation": mapping_conditions.of_observation,
    "CarePlan": mapping_plans.of_care_plan,
    "Goal": mapping_goals.of_goal,
    "Encounter": mapping_encounters.of_encounter,
    "Practitioner": mapping_encounters.of_practitioner,
    "MedicationRequest": mapping_prescriptions.of_request,
    "Medication": mapping_prescriptions.of_medication,
}
"""What is brought in. Other types are counted."""


def stated(kind: str, raw: bytes, ref: str, resolve: Resolve, zone: ZoneInfo) -> list[Stated]:
    """What a resource of this type states.

    Raises Unusable where something is wrong with it, PassedOver where our rules leave it out.
    """
    try:
        return list(MAPPINGS[kind](raw, Source(ref, resolve, zone)))
    except msgspec.MsgspecError as error:
        raise Unusable("import.malformed", str(error)) from error


__all__ = ["MAPPINGS", "PassedOver", "Unusable", "stated"]
