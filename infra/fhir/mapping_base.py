"""What every mapping has at hand: who the resource is, what its references mean, which days are meant."""

from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from infra.fhir.references import Resolve
from infra.fhir.resources import Reference
from infra.fhir.stated import Unusable
from infra.fhir.times import NoDate, When, read, unknown

PRACTITIONERS = ("Practitioner/", "Practitioner?")


@dataclass(frozen=True)
class Source:
    """One resource's surroundings."""

    ref: str
    resolve: Resolve
    zone: ZoneInfo

    def patient(self, subject: Reference) -> str:
        """Whose it is. Raises Unusable where it says nobody, or somebody who is no patient."""
        found = self.resolve(subject.reference)
        if found is None:
            raise Unusable("import.patient_not_named")
        if not found.startswith(("Patient/", "urn:")) and "#" not in found:
            raise Unusable("import.subject_no_patient", found)
        return found

    def targets(self, references: Iterable[Reference], kind: str) -> tuple[str, ...]:
        """The resources of one type among those referred to, and contained ones."""
        found = (self.resolve(reference.reference) for reference in references)
        return tuple(ref for ref in found if ref and (ref.startswith((f"{kind}/", "urn:")) or "#" in ref))

    def practitioner(self, *references: Reference) -> str | None:
        """The first of those referred to who is a practitioner."""
        return next(iter(self.practitioners(references)), None)

    def practitioners(self, references: Iterable[Reference]) -> tuple[str, ...]:
        """Those referred to who are practitioners."""
        found = (self.resolve(reference.reference) for reference in references)
        return tuple(ref for ref in found if ref and ref.startswith(PRACTITIONERS))

    def when(self, path: str, text: str | None) -> When | None:
        """A date that may be absent. Raises Unusable where it is none."""
        if text is None:
            return None
        try:
            return read(text, self.zone)
        except NoDate as error:
            raise Unusable("import.date_malformed", f"{path}: {text}") from error


def first(*dates: When | None) -> When | None:
    """The first that is known."""
    return next((date for date in dates if date), None)


def last_known(*dates: When | None) -> When | None:
    """The last date that the source knows, where it does not know the one that is asked for."""
    known = [date for date in dates if date]
    return unknown(max(known)) if known else None
