"""The parts of FHIR R4 resources that are read; everything else in them is passed over."""

import msgspec


class Shape(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Nothing is required here: what a resource needs, its mapping asks for."""


class Coding(Shape, frozen=True, kw_only=True):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Shape, frozen=True, kw_only=True):
    coding: tuple[Coding, ...] = ()
    text: str | None = None


class Reference(Shape, frozen=True, kw_only=True):
    reference: str | None = None
    display: str | None = None


class Period(Shape, frozen=True, kw_only=True):
    start: str | None = None
    end: str | None = None


class Quantity(Shape, frozen=True, kw_only=True):
    value: float | None = None
    comparator: str | None = None
    unit: str | None = None
    code: str | None = None


class Meta(Shape, frozen=True, kw_only=True):
    last_updated: str | None = None


class Resource(Shape, frozen=True, kw_only=True):
    """What every resource says of itself."""

    resource_type: str
    id: str | None = None
    meta: Meta = Meta()


class Identifier(Shape, frozen=True, kw_only=True):
    type: CodeableConcept = CodeableConcept()
    system: str | None = None
    value: str | None = None


class HumanName(Shape, frozen=True, kw_only=True):
    use: str | None = None
    text: str | None = None
    family: str | None = None
    given: tuple[str, ...] = ()


class ContactPoint(Shape, frozen=True, kw_only=True):
    system: str | None = None
    value: str | None = None
    use: str | None = None
    rank: int | None = None


class Communication(Shape, frozen=True, kw_only=True):
    language: CodeableConcept = CodeableConcept()
    preferred: bool = False


class Patient(Resource, frozen=True, kw_only=True):
    identifier: tuple[Identifier, ...] = ()
    name: tuple[HumanName, ...] = ()
    telecom: tuple[ContactPoint, ...] = ()
    gender: str | None = None
    birth_date: str | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None
    communication: tuple[Communication, ...] = ()


class Condition(Resource, frozen=True, kw_only=True):
    clinical_status: CodeableConcept = CodeableConcept()
    verification_status: CodeableConcept = CodeableConcept()
    severity: CodeableConcept = CodeableConcept()
    code: CodeableConcept = CodeableConcept()
    subject: Reference = Reference()
    encounter: Reference = Reference()
    onset_date_time: str | None = None
    onset_period: Period = Period()
    abatement_date_time: str | None = None
    abatement_period: Period = Period()
    recorded_date: str | None = None
    recorder: Reference = Reference()
    asserter: Reference = Reference()


class Reaction(Shape, frozen=True, kw_only=True):
    substance: CodeableConcept = CodeableConcept()


class AllergyIntolerance(Resource, frozen=True, kw_only=True):
    clinical_status: CodeableConcept = CodeableConcept()
    verification_status: CodeableConcept = CodeableConcept()
    code: CodeableConcept = CodeableConcept()
    patient: Reference = Reference()
    onset_date_time: str | None = None
    onset_period: Period = Period()
    recorded_date: str | None = None
    recorder: Reference = Reference()
    encounter: Reference = Reference()
    reaction: tuple[Reaction, ...] = ()


class Observation(Resource, frozen=True, kw_only=True):
    status: str | None = None
    code: CodeableConcept = CodeableConcept()
    subject: Reference = Reference()
    encounter: Reference = Reference()
    focus: tuple[Reference, ...] = ()
    performer: tuple[Reference, ...] = ()
    effective_date_time: str | None = None
    effective_instant: str | None = None
    effective_period: Period = Period()
    issued: str | None = None
    value_quantity: Quantity | None = None
    value_integer: int | None = None


class ActivityDetail(Shape, frozen=True, kw_only=True):
    kind: str | None = None
    code: CodeableConcept = CodeableConcept()
    status: str | None = None
    do_not_perform: bool = False
    scheduled_period: Period = Period()
    scheduled_string: str | None = None
    product_codeable_concept: CodeableConcept = CodeableConcept()
    daily_amount: Quantity | None = None
    description: str | None = None
    reason_code: tuple[CodeableConcept, ...] = ()


class Activity(Shape, frozen=True, kw_only=True):
    detail: ActivityDetail | None = None
    reference: Reference = Reference()


class CarePlan(Resource, frozen=True, kw_only=True):
    status: str | None = None
    intent: str | None = None
    category: tuple[CodeableConcept, ...] = ()
    title: str | None = None
    description: str | None = None
    subject: Reference = Reference()
    period: Period = Period()
    created: str | None = None
    encounter: Reference = Reference()
    author: Reference = Reference()
    addresses: tuple[Reference, ...] = ()
    goal: tuple[Reference, ...] = ()
    activity: tuple[Activity, ...] = ()


class Repeat(Shape, frozen=True, kw_only=True):
    bounds_period: Period = Period()
    frequency: float | None = None
    period: float | None = None
    period_unit: str | None = None
    day_of_week: tuple[str, ...] = ()
    time_of_day: tuple[str, ...] = ()
    when: tuple[str, ...] = ()


class Timing(Shape, frozen=True, kw_only=True):
    repeat: Repeat = Repeat()
    code: CodeableConcept = CodeableConcept()


class DoseAndRate(Shape, frozen=True, kw_only=True):
    dose_quantity: Quantity | None = None


class Dosage(Shape, frozen=True, kw_only=True):
    text: str | None = None
    additional_instruction: tuple[CodeableConcept, ...] = ()
    timing: Timing = Timing()
    as_needed_boolean: bool = False
    route: CodeableConcept = CodeableConcept()
    dose_and_rate: tuple[DoseAndRate, ...] = ()


class MedicationRequest(Resource, frozen=True, kw_only=True):
    status: str | None = None
    intent: str | None = None
    do_not_perform: bool = False
    medication_codeable_concept: CodeableConcept = CodeableConcept()
    medication_reference: Reference = Reference()
    subject: Reference = Reference()
    authored_on: str | None = None
    encounter: Reference = Reference()
    requester: Reference = Reference()
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    prior_prescription: Reference = Reference()
    dosage_instruction: tuple[Dosage, ...] = ()


class Ingredient(Shape, frozen=True, kw_only=True):
    item_codeable_concept: CodeableConcept = CodeableConcept()
    item_reference: Reference = Reference()


class Medication(Resource, frozen=True, kw_only=True):
    code: CodeableConcept = CodeableConcept()
    ingredient: tuple[Ingredient, ...] = ()


class GoalTarget(Shape, frozen=True, kw_only=True):
    measure: CodeableConcept = CodeableConcept()
    detail_quantity: Quantity | None = None
    detail_string: str | None = None
    due_date: str | None = None


class Goal(Resource, frozen=True, kw_only=True):
    lifecycle_status: str | None = None
    description: CodeableConcept = CodeableConcept()
    subject: Reference = Reference()
    start_date: str | None = None
    target: tuple[GoalTarget, ...] = ()
    addresses: tuple[Reference, ...] = ()


class Participant(Shape, frozen=True, kw_only=True):
    individual: Reference = Reference()


class EncounterDiagnosis(Shape, frozen=True, kw_only=True):
    condition: Reference = Reference()


class Encounter(Resource, frozen=True, kw_only=True):
    status: str | None = None
    subject: Reference = Reference()
    period: Period = Period()
    participant: tuple[Participant, ...] = ()
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    diagnosis: tuple[EncounterDiagnosis, ...] = ()
