"""What may belong to one living record only: the patient's number, phone and national id."""

from collections.abc import Iterable
from functools import reduce
from typing import Literal, NamedTuple
from unicodedata import category, decimal, normalize

from domain.patient.events import PatientEvent
from domain.patient.evolving import evolve
from domain.patient.state import ErasedPatient, MissingPatient, PatientState, unmerged

ClaimKind = Literal["patient_no", "phone", "national_id"]


class Claim(NamedTuple):
    kind: ClaimKind
    value: str


class Claims(NamedTuple):
    take: frozenset[Claim]
    release: frozenset[Claim]


def claims(events: Iterable[PatientEvent], state: PatientState) -> Claims:
    """What these events, coming after `state`, claim and let go. Values are normalised and not yet hashed."""
    held, wanted = _held(state), _held(reduce(evolve, events, state))
    return Claims(take=wanted - held, release=held - wanted)


def normalised(kind: ClaimKind, value: str) -> str:
    """One form for all ways of writing: ASCII digits, no case, no spaces or invisible joiners.

    Dashes, dots and brackets go too, but not from patient numbers, where 1-23 and 12-3 are two patients.
    """
    plain = "".join(map(_letter, normalize("NFKC", value).casefold()))
    if kind == "patient_no":
        return plain
    bare = "".join(letter for letter in plain if letter.isalnum() or letter == "+")
    return f"+{bare[2:]}" if kind == "phone" and bare.startswith("00") else bare


def _letter(letter: str) -> str:
    match category(letter):
        case "Nd":
            return str(decimal(letter))
        case "Pd":
            return "-"
        case "Zs" | "Zl" | "Zp" | "Cc" | "Cf":
            return ""
        case _:
            return letter


def _held(state: PatientState) -> frozenset[Claim]:
    if isinstance(state, MissingPatient | ErasedPatient):
        return frozenset()
    details = unmerged(state).known.details
    written: dict[ClaimKind, str | None] = {
        "patient_no": details.patient_no,
        "phone": details.phone,
        "national_id": details.national_id,
    }
    forms = {kind: normalised(kind, value or "") for kind, value in written.items()}
    return frozenset(Claim(kind, form) for kind, form in forms.items() if form)
