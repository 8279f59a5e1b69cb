"""MedicationRequest, and the Medication that it may refer to."""

from collections.abc import Iterator, Mapping

import msgspec

from domain.event import Coded
from domain.recommendation import Dose, ItemStatus, Period
from infra.fhir.concepts import coded, cut, joined, words
from infra.fhir.mapping_base import Source, first, last_known
from infra.fhir.mapping_plans import NOT_DECIDED, measured
from infra.fhir.resources import Dosage, Medication, MedicationRequest, Repeat
from infra.fhir.stated import (
    UNNAMED,
    PassedOver,
    Stated,
    StatedItem,
    StatedMedication,
    StatedPrescription,
    Unusable,
)
from infra.fhir.times import When

STATUSES: Mapping[str, ItemStatus] = {
    "on-hold": "on_hold",
    "stopped": "stopped",
    "completed": "completed",
    "cancelled": "cancelled",
}
OVER = frozenset({"stopped", "completed", "cancelled"})
DAYS = {"s": 1 / 86_400, "min": 1 / 1_440, "h": 1 / 24, "d": 1.0, "wk": 7.0, "mo": 30.4375, "a": 365.25}
AS_NEEDED = "as_needed"
MOST_TIMES_PER_DAY = 96
LONGEST_TEXT = 4000
_request = msgspec.json.Decoder(MedicationRequest).decode
_medication = msgspec.json.Decoder(Medication).decode


def of_request(raw: bytes, source: Source) -> Iterator[Stated]:
    request = _request(raw)
    if request.status == "draft" or request.intent in NOT_DECIDED:
        raise PassedOver("import.not_in_force")
    remedy, medication = _medicine(request, source)
    authored = source.when("authoredOn", request.authored_on)
    updated = last_known(source.when("meta.lastUpdated", request.meta.last_updated))
    at = first(authored, updated)
    yield StatedPrescription(
        ref=source.ref,
        patient=source.patient(request.subject),
        at=at,
        item=StatedItem(
            kind="avoidance" if request.do_not_perform else "medication",
            remedy=remedy,
            status=STATUSES.get(request.status or "", "active"),
            dose=_dose(request.dosage_instruction),
            rationale=joined(words(reason) for reason in request.reason_code),
            period=_period(request, source, at, updated),
        ),
        by=source.practitioner(request.requester),
        encounter=source.resolve(request.encounter.reference),
        reasons=source.targets(request.reason_reference, "Condition"),
        replaces=source.resolve(request.prior_prescription.reference),
        medication=medication,
        withdrawn=request.status == "entered-in-error",
    )


def _medicine(request: MedicationRequest, source: Source) -> tuple[Coded, str | None]:
    """What is prescribed as the request says it, and the resource that says it better where there is one."""
    named = coded(request.medication_codeable_concept)
    if named:
        return named, None
    medication = source.resolve(request.medication_reference.reference)
    display = request.medication_reference.display
    if medication is None and not display:
        raise Unusable("import.code_missing")
    return Coded(text=cut(display)) if display else UNNAMED, medication


def of_medication(raw: bytes, source: Source) -> Iterator[Stated]:
    medication = _medication(raw)
    named = coded(medication.code)
    if named is None:
        parts = joined((words(part.item_codeable_concept) for part in medication.ingredient), " + ")
        if parts is None:
            raise Unusable("import.code_missing")
        named = Coded(text=cut(parts))
    yield StatedMedication(ref=source.ref, patient="", code=named)


def _period(
    request: MedicationRequest, source: Source, since: When | None, updated: When | None
) -> Period | None:
    """Since it was written; the end of one that is over is the last date known, and said to be unknown."""
    bounds = request.dosage_instruction[0].timing.repeat.bounds_period if request.dosage_instruction else None
    bound = source.when("dosageInstruction.timing.repeat.boundsPeriod.end", bounds.end if bounds else None)
    end = bound if request.status not in OVER else last_known(since, updated)
    if since is None and end is None:
        return None
    return Period(
        start=since.at if since else None,
        end=end.at if end else None,
        end_precision=end.precision if end else "exact",
    )


def _dose(instructions: tuple[Dosage, ...]) -> Dose | None:
    """Amount and times of the first instruction, the words of all."""
    if not instructions:
        return None
    main = instructions[0]
    amount, unit = measured(main.dose_and_rate[0].dose_quantity if main.dose_and_rate else None)
    said = joined(_words(instructions))
    dose = Dose(
        amount=amount,
        unit=unit,
        times_per_day=_times_per_day(main.timing.repeat),
        timing=_timing(main),
        text=cut(said, LONGEST_TEXT) if said else None,
    )
    return dose if dose != Dose() else None


def _words(instructions: tuple[Dosage, ...]) -> Iterator[str | None]:
    for instruction in instructions:
        yield instruction.text
        yield words(instruction.route)
        for additional in instruction.additional_instruction:
            yield words(additional)


def _timing(dosage: Dosage) -> str | None:
    repeat = dosage.timing.repeat
    needed = AS_NEEDED if dosage.as_needed_boolean else None
    moments = (*repeat.when, *repeat.day_of_week, *repeat.time_of_day)
    timing = joined((needed, words(dosage.timing.code), *moments), ", ")
    return cut(timing) if timing else None


def _times_per_day(repeat: Repeat) -> float | None:
    """How often a day; None where it is not said, or not in a number that anybody could follow."""
    if not repeat.frequency or not repeat.period or repeat.period_unit not in DAYS:
        return None
    times = round(repeat.frequency / (repeat.period * DAYS[repeat.period_unit]), 4)
    return times if 0 < times <= MOST_TIMES_PER_DAY else None
