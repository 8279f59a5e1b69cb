"""What belongs to what among a patient's records: diagnosis, encounter, goals, practitioner."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from uuid import UUID

from domain.recommendation import Goal
from infra.fhir.known import KnownPatient
from infra.fhir.practitioners import account_of
from infra.fhir.stated import (
    AnyStated,
    StatedDiagnosis,
    StatedEncounter,
    StatedGoal,
    StatedPlan,
    StatedPrescription,
    StatedSymptom,
)


class Links:
    """Follows references as far as something stated or known stands at their end."""

    def __init__(self, known: KnownPatient, records: Mapping[str, AnyStated]) -> None:
        self._known = known
        self.diagnoses = {r: one for r, one in records.items() if isinstance(one, StatedDiagnosis)}
        self._encounters = {r: one for r, one in records.items() if isinstance(one, StatedEncounter)}
        self._goals = [one for one in records.values() if isinstance(one, StatedGoal)]
        self._plans = [one for one in records.values() if isinstance(one, StatedPlan)]
        self._named = {ref for plan in self._plans for ref in plan.goal_refs}

    def about(self, record: AnyStated) -> str | None:
        """The diagnosis that a record is for, as it says itself, else as its encounter says."""
        match record:
            case (
                StatedPlan(addresses=refs) | StatedPrescription(reasons=refs) | StatedSymptom(about=refs)
            ) if refs:
                return next((r for r in refs if r in self.diagnoses or r in self._known.imported), None)
            case StatedSymptom(encounter=str() as encounter):
                return self._of_encounter(encounter, record.at.at if record.at else None)
            case _:
                return None

    def author(self, record: AnyStated) -> UUID | None:
        """The account of the practitioner whom a record or its encounter names."""
        met = self._encounters.get(record.encounter or "")
        ref = record.by or (met.practitioners[0] if met and met.practitioners else None)
        return account_of(ref) if ref else None

    def goals(self, plan: StatedPlan) -> tuple[Goal, ...]:
        """Those that the plan names, and those for what it addresses that no plan names."""
        return tuple(goal.goal for goal in self._goals if self._is_of(goal, plan))

    def has_plan(self, goal: StatedGoal) -> bool:
        """Whether the goal is a part of some plan."""
        return any(self._is_of(goal, plan) for plan in self._plans)

    def _is_of(self, goal: StatedGoal, plan: StatedPlan) -> bool:
        if goal.ref in self._named:
            return goal.ref in plan.goal_refs
        return not set(goal.addresses).isdisjoint(plan.addresses)

    def _of_encounter(self, encounter: str, at: datetime | None) -> str | None:
        """What the encounter is said to be for; else the only diagnosis that was made in it."""
        met = [ref for ref, one in self.diagnoses.items() if one.encounter == encounter]
        if len(met) == 1:
            return met[0]
        said = self._encounters.get(encounter)
        if said is None:
            return None
        named = (ref for ref in said.reasons if ref in self.diagnoses or ref in self._known.imported)
        return next(named, None) or max(self._by_codes(said, at), default=("", None))[1]

    def _by_codes(self, said: StatedEncounter, at: datetime | None) -> Iterator[tuple[str, str]]:
        """Diagnoses begun before, with a code that the encounter gives as its reason, and when they began."""
        for ref, one in self.diagnoses.items():
            begun = one.at.at if one.at else None
            if one.condition.code in said.codes and begun and (at is None or begun <= at):
                yield begun.isoformat(), ref
