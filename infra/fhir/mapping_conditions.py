"""Condition, and the Observations that say how strong a symptom is."""

from collections.abc import Iterator, Mapping

import msgspec

from domain.diagnosis import OpenStatus
from infra.fhir.concepts import SEVERITIES, among, coded, codes
from infra.fhir.mapping_base import Source, first, last_known
from infra.fhir.resources import Condition, Observation
from infra.fhir.scores import INSTRUMENTS
from infra.fhir.stated import Ending, PassedOver, Stated, StatedDiagnosis, StatedSymptom, Unusable
from infra.fhir.times import When, unknown

STATUSES: Mapping[str, OpenStatus] = {
    "confirmed": "confirmed",
    "differential": "differential",
    "provisional": "provisional",
    "unconfirmed": "provisional",
}
OVER = frozenset({"resolved", "inactive", "remission"})
VOID = frozenset({"entered-in-error", "cancelled"})

_condition = msgspec.json.Decoder(Condition).decode
_observation = msgspec.json.Decoder(Observation).decode


def of_condition(raw: bytes, source: Source) -> Iterator[Stated]:
    condition = _condition(raw)
    name = coded(condition.code)
    if name is None:
        raise Unusable("import.code_missing")
    onset = first(
        source.when("onsetDateTime", condition.onset_date_time),
        source.when("onsetPeriod.start", condition.onset_period.start),
    )
    recorded = source.when("recordedDate", condition.recorded_date)
    ending = _ending(condition, source, onset, recorded)
    yield StatedDiagnosis(
        ref=source.ref,
        patient=source.patient(condition.subject),
        at=_since(condition, source, onset, recorded, ending),
        condition=name,
        severity=among(condition.severity, SEVERITIES),
        onset=onset,
        status=among(condition.verification_status, STATUSES) or "provisional",
        by=source.practitioner(condition.recorder, condition.asserter),
        encounter=source.resolve(condition.encounter.reference),
        ending=ending,
    )


def _ending(condition: Condition, source: Source, onset: When | None, recorded: When | None) -> Ending | None:
    """Refuted and entered in error go before resolved; a time that is not given is the last that is known."""
    abated = first(
        source.when("abatementDateTime", condition.abatement_date_time),
        source.when("abatementPeriod.end", condition.abatement_period.end),
        source.when("abatementPeriod.start", condition.abatement_period.start),
    )
    verification = codes(condition.verification_status)
    last = last_known(onset, recorded, source.when("meta.lastUpdated", condition.meta.last_updated))
    if "entered-in-error" in verification:
        return Ending("entered_in_error", last)
    if "refuted" in verification:
        return Ending("refuted", abated or last)
    if abated or OVER & set(codes(condition.clinical_status)):
        return Ending("resolved", abated or last)
    return None


def _since(
    condition: Condition, source: Source, onset: When | None, recorded: When | None, ending: Ending | None
) -> When | None:
    """When it was recorded, or began; what was written down only after its end stood before it."""
    ended = ending.at if ending else None
    if recorded and ended and recorded.at > ended.at:
        recorded = onset or unknown(ended)
    updated = last_known(source.when("meta.lastUpdated", condition.meta.last_updated))
    return first(recorded, onset, unknown(ended) if ended else None, updated)


def of_observation(raw: bytes, source: Source) -> Iterator[Stated]:
    observation = _observation(raw)
    instrument, name = among(observation.code, INSTRUMENTS), coded(observation.code)
    if instrument is None or name is None:
        raise PassedOver("import.no_symptom")
    if observation.status in VOID:
        raise PassedOver("import.not_true")
    score = observation.value_integer
    value = observation.value_quantity.value if observation.value_quantity else score
    if value is None or not 0 <= value <= instrument.highest:
        raise Unusable("import.score_missing", "" if value is None else str(value))
    yield StatedSymptom(
        ref=source.ref,
        patient=source.patient(observation.subject),
        at=first(
            source.when("effectiveDateTime", observation.effective_date_time),
            source.when("effectiveInstant", observation.effective_instant),
            source.when("effectivePeriod.start", observation.effective_period.start),
            last_known(source.when("issued", observation.issued)),
        ),
        symptom_code=instrument.symptom_code,
        score=instrument.score(value),
        scale=instrument.scale,
        raw=instrument.raw(value),
        name=name,
        by=source.practitioner(*observation.performer),
        about=source.targets(observation.focus, "Condition"),
        encounter=source.resolve(observation.encounter.reference),
    )
