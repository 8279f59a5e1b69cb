"""What happens in a practice, in the words of a story: findings, advice, answers from the telephone."""

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.diagnosis import (
    AddAssessment,
    DiagnosisDetails,
    HumorShift,
    Modality,
    ObserveSymptom,
    RecordDiagnosis,
    RecordFinding,
    ReviseDiagnosis,
)
from domain.event import Actor, Coded, EvidenceLink, EvidenceType, Locale, Narrative, Origin
from domain.feedback import SubmitFeedback
from domain.items import Dose, Kind, NewItem, NewItemChange
from domain.patient import RegisterPatient, Sex
from domain.recommendation import INITIAL, IssueRecommendation, ReviseRecommendation, evolve, issued
from infra.demo.telling import Telling
from infra.ids import NOISE_BYTES, uuid7


class Practice(Telling):
    """A story about one patient."""

    def __init__(
        self, name: str, today: datetime, days_ago: int, locale: Locale, practitioner: Actor
    ) -> None:
        super().__init__(name, today, days_ago, locale, practitioner)
        self.patient_id = UUID(int=0)
        self.patient_name = ""
        self._items: dict[str, NewItem] = {}

    async def register(
        self, patient_no: str, name: str, birth_date: str, sex: Sex, *, phone: str | None = None
    ) -> UUID:
        """Register the patient whom the story is about from now on."""
        asked = RegisterPatient(
            patient_no=patient_no,
            name=name,
            birth_date=date.fromisoformat(birth_date),
            sex=sex,
            phone=phone,
            locale=self.locale,
        )
        self.patient_id, self.patient_name = await self.say(asked), name
        return self.patient_id

    @property
    def patient(self) -> Actor:
        """The patient as who they sign in as."""
        account = uuid7(0, hashlib.sha256(f"account of {self.name}".encode()).digest()[:NOISE_BYTES])
        return Actor(account_id=account, role="patient", patient_id=self.patient_id)

    async def issue(self, diagnosis_id: UUID, items: Mapping[str, NewItem], **more: Any) -> UUID:  # noqa: ANN401  fields of the command
        """Issue a recommendation whose items the story calls by these names."""
        self._items |= {name: replace(item, item_id=self.fresh_id()) for name, item in items.items()}
        first = tuple(self._items[name] for name in items)
        asked = IssueRecommendation(tradition=more.pop("tradition", "avicenna"), items=first, **more)
        return await self.say(asked, diagnosis_id)

    async def revise(
        self,
        line_id: UUID,
        *changes: NewItemChange,
        words: str | None = None,
        **more: Any,  # noqa: ANN401  as above
    ) -> UUID:
        """Revise the version in force."""
        asked = ReviseRecommendation(
            base_version=self.version(line_id), changes=changes, narrative=self.narrative(words), **more
        )
        return await self.say(asked, line_id)

    def add(self, name: str, item: NewItem, code: str, *evidence: EvidenceLink) -> NewItemChange:
        self._items[name] = replace(item, item_id=self.fresh_id())
        return NewItemChange(op="add", after=self._items[name], reason_code=code, evidence=evidence)

    def change(self, name: str, code: str, *evidence: EvidenceLink, **fields: Any) -> NewItemChange:  # noqa: ANN401  fields of an item
        self._items[name] = replace(self._items[name], **fields)
        after = self._items[name]
        return NewItemChange(
            op="replace", item_id=after.item_id, after=after, reason_code=code, evidence=evidence
        )

    def drop(self, name: str, code: str, *evidence: EvidenceLink) -> NewItemChange:
        item_id = self._items.pop(name).item_id
        return NewItemChange(op="remove", item_id=item_id, reason_code=code, evidence=evidence)

    async def answer(self, line_id: UUID, *, late: float = 0, seen: int | None = None, **parts: Any) -> UUID:  # noqa: ANN401  parts of a feedback
        """The patient answers on the phone; `late` days passed until it was online again."""
        captured_at = self.ago(late)
        asked = SubmitFeedback(
            recommendation_version=seen or self.version(line_id), captured_at=captured_at, **parts
        )
        return await self.say(asked, line_id, self.patient, self.phone(captured_at if late else None))

    def phone(self, captured_offline_at: datetime | None = None) -> Origin:
        """The patient's own telephone."""
        return Origin(
            channel="mobile",
            method="self_report",
            device_id=f"phone-{self.name}",
            client_event_id=f"{self.name}-{len(self.requests) + 1}",
            captured_offline_at=captured_offline_at,
        )

    def version(self, line_id: UUID) -> int:
        """The version of a recommendation that is in force."""
        return issued(self.memory.read(line_id).state(INITIAL, evolve)).line.version

    def open_review(self, line_id: UUID) -> UUID:
        """The safety review that waits for its answer."""
        line = issued(self.memory.read(line_id).state(INITIAL, evolve)).line
        return next(id_ for id_, review in line.reviews.items() if review.decision is None)

    def open_proposal(self, line_id: UUID) -> UUID:
        """The proposal that waits for its answer."""
        line = issued(self.memory.read(line_id).state(INITIAL, evolve)).line
        return next(id_ for id_, proposal in line.proposals.items() if proposal.answer is None)

    def item_id(self, name: str) -> UUID | None:
        return self._items[name].item_id

    def narrative(self, words: str | None) -> Narrative | None:
        return None if words is None else Narrative(text=words, lang=self.locale)

    async def diagnose(self, text: str, **more: Any) -> UUID:  # noqa: ANN401  fields of the command
        """Suspect something."""
        return await self.say(RecordDiagnosis(condition=Coded(text=text), **more), self.patient_id)

    async def find(self, diagnosis_id: UUID, modality: Modality, attributes: dict[str, str]) -> EvidenceLink:
        """See something, and say so by a link."""
        finding_id = self.fresh_id()
        await self.say(
            RecordFinding(finding_id=finding_id, modality=modality, attributes=attributes), diagnosis_id
        )
        return rests_on("finding", finding_id)

    async def assess(
        self, diagnosis_id: UUID, statement: str, *basis: EvidenceLink, **humors: str
    ) -> EvidenceLink:
        """Judge what was found; `humors` are shifts by name."""
        assessment_id = self.fresh_id()
        shifts = [{"humor": humor, "direction": direction} for humor, direction in humors.items()]
        asked = AddAssessment(
            assessment_id=assessment_id,
            statement=statement,
            humors=msgspec.convert(shifts, tuple[HumorShift, ...]),
            confidence=0.8,
            basis_finding_ids=tuple(UUID(link.ref) for link in basis),
        )
        await self.say(asked, diagnosis_id)
        return rests_on("assessment", assessment_id)

    async def suffers(self, diagnosis_id: UUID, symptom: str, score: float) -> EvidenceLink:
        """The patient tells how bad it is, 0..10."""
        await self.say(ObserveSymptom(symptom_code=symptom, score=score), diagnosis_id)
        return rests_on("symptom_series", symptom)

    async def rediagnose(
        self,
        diagnosis_id: UUID,
        code: str,
        words: str,
        *evidence: EvidenceLink,
        **changes: Any,  # noqa: ANN401  fields of a diagnosis
    ) -> UUID:
        """Know better what it was all along."""
        asked = ReviseDiagnosis(
            changes=DiagnosisDetails(**changes),
            reason_code=code,
            narrative=self.narrative(words),
            evidence=evidence,
        )
        return await self.say(asked, diagnosis_id)


def rests_on(kind: EvidenceType, ref: object, relation: str = "supports") -> EvidenceLink:
    """A link to what was seen or said."""
    return msgspec.convert({"type": kind, "ref": str(ref), "relation": relation}, EvidenceLink)


def advice(kind: Kind, text: str, *dose: Any, **more: Any) -> NewItem:  # noqa: ANN401  fields of an item
    """An item; a dose is given as amount, unit, times a day, and when."""
    given = dict(zip(("amount", "unit", "times_per_day", "timing"), dose, strict=False))
    return NewItem(
        kind=kind, remedy=Coded(text=text), dose=msgspec.convert(given, Dose) if given else None, **more
    )
