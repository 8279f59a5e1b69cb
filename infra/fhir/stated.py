"""What a source states, one record for each resource, before any rule of the house is asked.

A record's bytes are its identity over runs: the same bytes mean that the source says the same as last time.
"""

from datetime import date
from typing import Literal

import msgspec

from domain.diagnosis import OpenStatus, Score, Severity
from domain.event import Code, Coded, Locale, ShortText, Text
from domain.patient import Sex
from domain.recommendation import Dose, Goal, ItemStatus, Kind, Period
from infra.fhir.times import When

UNNAMED = Coded(text="?")
"""Stands for a medicine until the resource that names it has been read."""


class Stated(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`ref` is the resource (`Condition/17`), `patient` whose it is; no time: the source knows none.

    `by` is the practitioner whom it names itself; `encounter` may name another.
    """

    ref: str
    patient: str
    at: When | None = None
    by: str | None = None
    encounter: str | None = None


class StatedPatient(Stated, frozen=True, kw_only=True, omit_defaults=True, tag="patient"):
    patient_no: Code
    name: ShortText
    birth_date: date | None = None
    sex: Sex = "unknown"
    phone: Code | None = None
    email: ShortText | None = None
    locale: Locale | None = None


class StatedDeath(Stated, frozen=True, kw_only=True, omit_defaults=True, tag="death"):
    """`ref` is `Patient/1#deceased`, so that a death that is learned later is a change of its own."""


class StatedBackground(Stated, frozen=True, kw_only=True, omit_defaults=True, tag="background"):
    code: Coded
    status: Literal["active", "ended"] = "active"
    onset: When | None = None


class Ending(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a diagnosis or a plan ended or stands still, and when."""

    kind: Literal["resolved", "refuted", "entered_in_error", "completed", "discontinued", "suspended"]
    at: When | None = None


class StatedDiagnosis(Stated, frozen=True, kw_only=True, omit_defaults=True, tag="diagnosis"):
    condition: Coded
    severity: Severity | None = None
    onset: When | None = None
    status: OpenStatus = "provisional"
    ending: Ending | None = None


class StatedSymptom(Stated, frozen=True, kw_only=True, omit_defaults=True, tag="symptom"):
    """`name` is what was measured, `about` are the diagnoses that it names itself."""

    symptom_code: str
    score: Score
    scale: str
    name: Coded
    raw: float | None = None
    about: tuple[str, ...] = ()


class StatedItem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an activity or a prescription asks for."""

    kind: Kind
    remedy: Coded
    status: ItemStatus = "active"
    dose: Dose | None = None
    rationale: Text | None = None
    period: Period | None = None


class StatedPlan(Stated, frozen=True, kw_only=True, omit_defaults=True, tag="plan"):
    items: tuple[StatedItem, ...]
    title: ShortText | None = None
    addresses: tuple[str, ...] = ()
    goal_refs: tuple[str, ...] = ()
    goals: tuple[Goal, ...] = ()
    valid_until: When | None = None
    ending: Ending | None = None


class StatedGoal(Stated, frozen=True, kw_only=True, omit_defaults=True, tag="goal"):
    """A part of the plan that names it, or else of the plan for what it `addresses`."""

    goal: Goal
    addresses: tuple[str, ...] = ()


class StatedEncounter(Stated, frozen=True, kw_only=True, omit_defaults=True, tag="encounter"):
    """Who met the patient, and why: diagnoses, and codes of conditions."""

    practitioners: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()


class StatedPrescription(Stated, frozen=True, kw_only=True, omit_defaults=True, tag="prescription"):
    """`medication` is a resource to be looked up where the request itself does not say what it is."""

    item: StatedItem
    reasons: tuple[str, ...] = ()
    replaces: str | None = None
    medication: str | None = None
    withdrawn: bool = False


class StatedMedication(Stated, frozen=True, kw_only=True, omit_defaults=True, tag="medication"):
    """What a medicine is called. It belongs to no patient: `patient` is empty."""

    code: Coded


AnyStated = (
    StatedPatient
    | StatedDeath
    | StatedBackground
    | StatedDiagnosis
    | StatedSymptom
    | StatedPlan
    | StatedGoal
    | StatedEncounter
    | StatedPrescription
    | StatedMedication
)

encode = msgspec.json.Encoder().encode
decode = msgspec.json.Decoder(AnyStated).decode


class Unusable(Exception):
    """A resource that cannot be brought in; `code` says why, `detail` where."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail


class PassedOver(Exception):
    """A resource that by our rules is not brought in, although nothing is wrong with it; `code` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code
