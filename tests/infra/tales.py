"""Histories by chance: commands are told to the house, which refuses what makes no sense."""

from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import msgspec

from domain.diagnosis import (
    AddAssessment,
    AdviseReferral,
    ConfirmDiagnosis,
    EnterDiagnosisInError,
    ObserveSymptom,
    RecordDiagnosis,
    RecordFinding,
    RecurDiagnosis,
    RefuteDiagnosis,
    ResolveDiagnosis,
    RetractFinding,
    ReviseDiagnosis,
)
from domain.diagnosis.commands import DiagnosisDetails
from domain.errors import DomainError
from domain.event import Actor, Coded, Command, EvidenceLink, Narrative, Origin
from domain.feedback import (
    AmendFeedback,
    FeedbackDetails,
    RetractFeedback,
    ReviewFeedback,
    SideEffect,
    SubmitFeedback,
)
from domain.items import Dose, Kind, NewItem, NewItemChange
from domain.patient import (
    ApproveMerge,
    CorrectPatientDetails,
    DeactivatePatient,
    ErasePatient,
    ProposeMerge,
    ReactivatePatient,
    RecordBackground,
    RegisterPatient,
    ReverseMerge,
)
from domain.patient.commands import PatientDetails
from domain.recommendation import (
    DiscontinueRecommendation,
    IssueRecommendation,
    RestoreVersion,
    ResumeRecommendation,
    ReviseRecommendation,
    SuspendRecommendation,
)
from infra.commands import Result, Wish
from infra.erasure.forget import forget
from infra.ids import new_id
from infra.services import Services

WORDS = Narrative(text="because the patient told us so, and we believe it", lang="en")
DOCTOR = Actor(account_id=new_id(), role="practitioner")
OTHER_DOCTOR = Actor(account_id=new_id(), role="practitioner")
ADMIN = Actor(account_id=new_id(), role="admin")


class Line(msgspec.Struct):
    """A recommendation and how far it is."""

    line_id: UUID
    patient_id: UUID
    version: int = 1


class Teller:
    """Tells commands, by chance, of patients it has registered itself."""

    def __init__(self, services: Services, seed: int, since: datetime | None = None) -> None:
        """Everything happens when it is told, or else a few days after each other, `since` then."""
        self.services = services
        self.at = since
        self.chance = Random(seed)  # noqa: S311  a tale is no secret
        self.told: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.patients: list[UUID] = []
        self.retired: list[UUID] = []
        self.erased: list[UUID] = []
        self.diagnoses: list[UUID] = []
        self.findings: list[tuple[UUID, UUID]] = []
        self.lines: list[Line] = []
        self.feedback: list[tuple[UUID, UUID]] = []

    async def tell(self, count: int) -> "Teller":
        """This many commands; the first few make patients with something to be said about."""
        for number in range(count):
            step = Teller._begin if number % 6 == 0 or len(self.patients) < 2 else self.chance.choice(STEPS)
            try:
                await step(self)
            except (DomainError, IndexError) as error:
                self.refused[str(error)] += 1
        return self

    async def say(self, command: Command, target: UUID | None, actor: Actor = DOCTOR) -> Result:
        if self.at is not None:
            self.at += timedelta(hours=self.chance.randint(1, 200))
            command = msgspec.structs.replace(command, occurred_at=self.at)
        wish = Wish(
            command=command,
            target_id=target,
            actor=actor,
            origin=Origin(),
            correlation_id=new_id(),
            digest="-",
        )
        result = await self.services.commands.run(wish)
        self.told[type(command).__name__] += 1
        return result

    async def _begin(self) -> UUID:
        """A patient with a diagnosis and a recommendation."""
        number = str(new_id())
        patient = (await self.say(RegisterPatient(patient_no=number, name=self._word()), None)).id
        self.patients.append(patient)
        await self._diagnose(patient)
        await self._issue(self.diagnoses[-1], patient)
        return patient

    async def _diagnose(self, patient: UUID) -> None:
        command = RecordDiagnosis(
            condition=Coded(text=self._word()),
            tradition=self.chance.choice(["avicenna", "modern"]),
            severity=self.chance.choice([None, "mild", "moderate"]),
        )
        self.diagnoses.append((await self.say(command, patient)).id)

    async def _issue(self, diagnosis: UUID, patient: UUID) -> None:
        items = tuple(self._item() for _ in range(self.chance.randint(1, 3)))
        result = await self.say(IssueRecommendation(items=items), diagnosis)
        self.lines.append(Line(result.id, patient))

    async def _patient(self) -> None:
        patient = self.chance.choice(self.patients)
        about: Command = self.chance.choice(
            [
                CorrectPatientDetails(
                    changes=PatientDetails(name=self._word()), reason_code="CORRECTION.TRANSLATION"
                ),
                RecordBackground(kind="allergy", code=Coded(text=self._word())),
                DeactivatePatient(),
                ReactivatePatient(),
                ReactivatePatient(),
            ]
        )
        await self.say(about, patient)

    async def _diagnosis(self) -> None:
        diagnosis = self.chance.choice(self.diagnoses)
        evidence = tuple(
            EvidenceLink(type="finding", ref=str(finding))
            for where, finding in self.findings
            if where == diagnosis
        )[:1]
        about: Command = self.chance.choice(
            [
                ObserveSymptom(symptom_code="pain", score=self.chance.randint(0, 10)),
                AddAssessment(statement=self._word()),
                ReviseDiagnosis(
                    changes=DiagnosisDetails(condition=Coded(text=self._word())),
                    reason_code="CORRECTION.TRANSLATION",
                    narrative=WORDS,
                ),
                ConfirmDiagnosis(evidence=evidence),
                RefuteDiagnosis(reason_code="OTHER", narrative=WORDS),
                ResolveDiagnosis(outcome="improved"),
                RecurDiagnosis(),
                AdviseReferral(specialty="cardiology"),
                EnterDiagnosisInError(reason_code="CORRECTION.TRANSLATION"),
            ]
        )
        await self.say(about, diagnosis)

    async def observe(self, diagnosis: UUID) -> None:
        await self.say(ObserveSymptom(symptom_code="pain", score=self.chance.randint(0, 10)), diagnosis)

    async def _finding(self) -> None:
        diagnosis, finding = self.chance.choice(self.diagnoses), new_id()
        command = RecordFinding(finding_id=finding, modality="pulse", attributes={"rate": self._word()})
        await self.say(command, diagnosis)
        self.findings.append((diagnosis, finding))

    async def _retract_finding(self) -> None:
        diagnosis, finding = self.chance.choice(self.findings)
        await self.say(RetractFinding(finding_id=finding, reason_code="CORRECTION.TRANSLATION"), diagnosis)

    async def _revise(self) -> None:
        line = self.chance.choice(self.lines)
        change = NewItemChange(op="add", after=self._item(), reason_code="ADHERENCE.PREFERENCE")
        command = ReviseRecommendation(base_version=line.version, changes=(change,), narrative=WORDS)
        line.version = (await self.say(command, line.line_id)).recommendation_version or line.version

    async def _line(self) -> None:
        line = self.chance.choice(self.lines)
        restored = self.chance.randint(1, line.version)
        about: Command = self.chance.choice(
            [
                SuspendRecommendation(reason_code="ADHERENCE.COST"),
                ResumeRecommendation(reason_code="ADHERENCE.COST"),
                RestoreVersion(restored_version=restored, reason_code="OTHER", narrative=WORDS),
                DiscontinueRecommendation(reason_code="ADHERENCE.COST"),
            ]
        )
        result = await self.say(about, line.line_id)
        line.version = result.recommendation_version or line.version

    async def _submit(self) -> None:
        line = self.chance.choice(self.lines)
        patient = Actor(account_id=new_id(), role="patient", patient_id=line.patient_id)
        effects = (SideEffect(code="nausea", severity=self.chance.choice(["mild", "severe"])),)
        command = SubmitFeedback(
            recommendation_version=self.chance.randint(1, line.version),
            rating=self.chance.randint(1, 5),
            effectiveness=self.chance.randint(0, 20) / 2,
            side_effects=effects if self.chance.random() < 0.5 else (),
            comment=self._word(),
        )
        self.feedback.append(((await self.say(command, line.line_id, patient)).id, line.patient_id))

    async def _feedback(self) -> None:
        feedback, patient = self.chance.choice(self.feedback)
        reporter = Actor(account_id=new_id(), role="patient", patient_id=patient)
        amended = FeedbackDetails(rating=self.chance.randint(1, 5))
        code = "CORRECTION.TRANSLATION"
        command, actor = self.chance.choice(
            [
                (AmendFeedback(changes=amended, reason_code=code), reporter),
                (RetractFeedback(reason_code=code), reporter),
                (ReviewFeedback(causality="possible", action="none"), DOCTOR),
            ]
        )
        await self.say(command, feedback, actor)

    async def _merge(self) -> None:
        survivor, retired = self.chance.sample(self.patients, 2)
        await self.merge(survivor, retired)

    async def merge(self, survivor: UUID, retired: UUID) -> None:
        """One proposes, another one approves."""
        await self.say(ProposeMerge(survivor_id=survivor, retired_id=retired), retired)
        await self.say(ApproveMerge(), retired, OTHER_DOCTOR)
        self.retired.append(retired)

    async def _reverse(self) -> None:
        await self.say(ReverseMerge(), self.chance.choice(self.retired), OTHER_DOCTOR)

    async def _erase(self) -> None:
        if self.chance.random() < 0.3:
            await self.erase(self.chance.choice(self.patients))

    async def erase(self, patient: UUID) -> Result:
        """Forget a patient, and whoever is merged with them, as the route does."""
        services = self.services
        result = await self.say(ErasePatient(legal_basis="GDPR.17"), patient, ADMIN)
        await forget(services.settings, services.vault, services.reader, services.pool)
        self.erased.append(patient)
        return result

    def _item(self) -> NewItem:
        dose = Dose(amount=self.chance.randint(1, 9), unit="g", times_per_day=self.chance.randint(1, 3))
        kind: Kind = self.chance.choice(("herbal", "dietary", "lifestyle"))
        return NewItem(kind=kind, remedy=Coded(text=self._word()), dose=dose)

    def _word(self) -> str:
        return f"MARK{self.chance.getrandbits(60):x}"


STEPS: list[Callable[[Teller], Awaitable[object]]] = [
    Teller._patient,
    Teller._diagnosis,
    Teller._diagnosis,
    Teller._finding,
    Teller._retract_finding,
    Teller._revise,
    Teller._revise,
    Teller._line,
    Teller._submit,
    Teller._submit,
    Teller._feedback,
    Teller._feedback,
    Teller._merge,
    Teller._reverse,
    Teller._erase,
]
