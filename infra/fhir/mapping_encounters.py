"""Encounter and Practitioner: who met the patient, when and why."""

from collections.abc import Iterator

import msgspec

from infra.fhir.concepts import codes
from infra.fhir.mapping_base import Source, first
from infra.fhir.resources import Encounter
from infra.fhir.stated import PassedOver, Stated, StatedEncounter

DID_NOT_HAPPEN = frozenset({"entered-in-error", "cancelled", "planned"})

_encounter = msgspec.json.Decoder(Encounter).decode


def of_encounter(raw: bytes, source: Source) -> Iterator[Stated]:
    encounter = _encounter(raw)
    if encounter.status in DID_NOT_HAPPEN:
        raise PassedOver("import.not_true")
    start = source.when("period.start", encounter.period.start)
    conditions = (*encounter.reason_reference, *(one.condition for one in encounter.diagnosis))
    yield StatedEncounter(
        ref=source.ref,
        patient=source.patient(encounter.subject),
        at=first(start, source.when("period.end", encounter.period.end)),
        practitioners=source.practitioners(one.individual for one in encounter.participant),
        reasons=source.targets(conditions, "Condition"),
        codes=tuple(code for reason in encounter.reason_code for code in codes(reason)),
    )


def of_practitioner(raw: bytes, source: Source) -> Iterator[Stated]:  # noqa: ARG001  as all mappings are
    """Its identity is all that is taken, and every reference to it tells that: no name, no account."""
    raise PassedOver("import.only_identity")
    yield  # a generator all the same
