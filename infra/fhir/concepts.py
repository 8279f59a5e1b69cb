"""Codeable concepts: into words with a code, and into the house's own short lists."""

from collections.abc import Iterable, Mapping
from typing import TypeVar

from domain.diagnosis import Severity
from domain.event import Coded
from infra.fhir.resources import CodeableConcept

T = TypeVar("T")

LONGEST_TEXT = 400
LONGEST_CODE = 100
SEVERITIES: Mapping[str, Severity] = {
    "255604002": "mild",
    "371923003": "moderate",  # mild to moderate: the graver of the two
    "6736007": "moderate",
    "371924009": "severe",  # moderate to severe: the graver of the two
    "24484000": "severe",
}
"""By SNOMED CT code."""


def coded(concept: CodeableConcept) -> Coded | None:
    """The concept's own words and first code; None where it has no words at all."""
    text = words(concept)
    if text is None:
        return None
    for coding in concept.coding:
        if coding.code and len(coding.code) <= LONGEST_CODE:
            system = coding.system if coding.system and len(coding.system) <= LONGEST_CODE else None
            return Coded(text=text, system=system, code=coding.code)
    return Coded(text=text)


def words(concept: CodeableConcept) -> str | None:
    """What a person would call it."""
    options = (concept.text, *(c.display for c in concept.coding), *(c.code for c in concept.coding))
    return next((cut(option) for option in options if option and option.strip()), None)


def joined(parts: Iterable[str | None], separator: str = "; ") -> str | None:
    """What is there, in one line; None where nothing is."""
    return separator.join(part.strip() for part in parts if part and part.strip()) or None


def cut(text: str, longest: int = LONGEST_TEXT) -> str:
    """The text, shortened visibly where it is longer than the record takes."""
    text = text.strip()
    return text if len(text) <= longest else text[: longest - 1] + "…"


def codes(concept: CodeableConcept) -> list[str]:
    """Its codes, whichever their system."""
    return [coding.code for coding in concept.coding if coding.code]


def among(concept: CodeableConcept, known: Mapping[str, T]) -> T | None:
    """What the first of its codes that we know stands for."""
    return next((known[code] for code in codes(concept) if code in known), None)
