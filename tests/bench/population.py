"""The people of the figures of queries: a hundred Synthea patients and two thousand generated ones.

What is recorded of the generated on one day lies together in the log, and then the next day: no record stands
whole. Each has one diagnosis with daily scores, a recommendation that is revised, feedback to its versions.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from itertools import islice
from random import Random
from uuid import UUID

import msgspec

from domain.diagnosis import DiagnosisConfirmed, DiagnosisRecorded, SymptomObserved
from domain.event import Coded, Event, EvidenceLink
from domain.feedback import Adherence, FeedbackSubmitted, SideEffect, SymptomScore
from domain.items import Dose, Item, ItemBody, ItemChange, recorded_item
from domain.patient import BackgroundRecorded, ConsentGranted, ConstitutionAssessed, PatientRegistered
from domain.patient.events import Mizaj
from domain.recommendation import (
    RecommendationDrafted,
    RecommendationIssued,
    RecommendationRevised,
    SafetyCheck,
)
from infra.embedded import Servers
from infra.event_log.append import Append, NewEvent
from infra.fhir.importing import Import
from infra.ids import new_id
from infra.running import projecting
from infra.services import opened
from infra.settings import Settings
from tests.bench.harness import house
from tests.bench.samples import ACTOR, META, START
from tests.conftest import THIRD_PARTY

PATIENTS = 2_000
DAYS = 112
DAYS_BETWEEN_ANSWERS = 4
REVISED_ON = (25, 50, 75)
REQUESTS_AT_ONCE = 2_000
MIZAJ: tuple[Mizaj, ...] = ("hot_dry", "hot_wet", "cold_dry", "cold_wet")
CONDITIONS = (
    Coded(text="میگرن", system="icd10", code="G43"),
    Coded(text="کمردرد", system="icd10", code="M54.5"),
    Coded(text="سوء هاضمه", system="icd10", code="K30"),
)
REMEDIES = ("بابونه", "نعناع", "زنجبیل", "گل‌گاوزبان", "اسطوخودوس", "رازیانه")


class Person:
    """One generated patient: what is recorded of them, day by day."""

    def __init__(self, number: int) -> None:
        self.chance = Random(number)  # noqa: S311  the same on every run
        self.number = number
        self.patient_id, self.diagnosis_id, self.line_id = new_id(), new_id(), new_id()
        self.versions: dict[UUID, int] = {}
        self.recommendation_version = 0
        self.item = self._item(1)

    def day(self, number: int) -> Iterator[Append]:
        """The requests of a day; the first is day 0."""
        at = START + timedelta(days=number, minutes=self.number % 600)
        if number == 0:
            yield self._stored(self.patient_id, *self._registered(at))
            yield self._stored(self.diagnosis_id, *self._diagnosed(at))
            yield self._stored(self.line_id, *self._issued(at))
            return
        score = round(max(0.0, min(10.0, 8 - number * 0.05 + self.chance.uniform(-2, 2))), 1)
        symptom = SymptomObserved(occurred_at=at, symptom_code="headache", score=score)
        yield self._stored(self.diagnosis_id, symptom)
        if number in REVISED_ON:
            yield self._stored(self.line_id, self._revised(at))
        elif number % DAYS_BETWEEN_ANSWERS == 0:
            yield self._stored(new_id(), self._answered(at, score))

    def _stored(self, stream: UUID, *events: Event) -> Append:
        first = self.versions.get(stream, 0) + 1
        self.versions[stream] = first + len(events) - 1
        places = [
            NewEvent(
                stream_id=stream,
                version=version,
                subject_id=self.patient_id,
                actor_id=ACTOR,
                event=event,
                meta=META,
            )
            for version, event in enumerate(events, first)
        ]
        return Append(request_id=new_id().bytes * 2, events=tuple(places))

    def _registered(self, at: datetime) -> Iterator[Event]:
        birth = (START - timedelta(days=self.chance.randint(20, 75) * 365)).date()
        yield PatientRegistered(
            occurred_at=at,
            patient_no=f"P-{self.number}",
            name="بیمار نمونه",
            birth_date=birth,
            sex=self.chance.choice(("female", "male")),
        )
        yield ConstitutionAssessed(
            occurred_at=at,
            tradition="avicenna",
            code=self.chance.choice(MIZAJ),
            hot_cold=2,
            dry_wet=1,
            confidence=0.8,
        )
        yield BackgroundRecorded(occurred_at=at, kind="allergy", code=Coded(text="بادام زمینی"))
        yield ConsentGranted(occurred_at=at, scope="research_cohort", policy_version="1")

    def _diagnosed(self, at: datetime) -> Iterator[Event]:
        yield DiagnosisRecorded(
            occurred_at=at,
            patient_id=self.patient_id,
            condition=self.chance.choice(CONDITIONS),
            tradition="avicenna",
            severity="moderate",
        )
        yield SymptomObserved(occurred_at=at, symptom_code="headache", score=8.0)
        yield DiagnosisConfirmed(
            occurred_at=at, evidence=(EvidenceLink(type="symptom_series", ref="headache"),)
        )

    def _issued(self, at: datetime) -> Iterator[Event]:
        self.recommendation_version = 1
        yield RecommendationDrafted(
            occurred_at=at, patient_id=self.patient_id, diagnosis_id=self.diagnosis_id, tradition="avicenna"
        )
        yield RecommendationIssued(
            occurred_at=at,
            recommendation_version=1,
            items=(self.item,),
            valid_from=at,
            decided_by=ACTOR,
            safety_check=SafetyCheck(),
        )

    def _revised(self, at: datetime) -> Event:
        before, self.item = self.item, self._item(self.recommendation_version + 1, self.item.item_id)
        self.recommendation_version += 1
        change = ItemChange(
            op="replace",
            item_id=before.item_id,
            before_hash=before.item_hash,
            after=self.item,
            reason_code="OUTCOME.PARTIAL_RESPONSE",
            evidence=(EvidenceLink(type="symptom_series", ref="headache"),),
        )
        return RecommendationRevised(
            occurred_at=at,
            recommendation_version=self.recommendation_version,
            base_version=self.recommendation_version - 1,
            changes=(change,),
            decided_by=ACTOR,
            safety_check=SafetyCheck(),
        )

    def _item(self, amount: int, item_id: UUID | None = None) -> Item:
        remedy = Coded(text=REMEDIES[self.number % len(REMEDIES)])
        dose = Dose(amount=float(amount), unit="g", times_per_day=3)
        return recorded_item(ItemBody(kind="herbal", remedy=remedy, dose=dose), item_id or new_id())

    def _answered(self, at: datetime, score: float) -> Event:
        effects = (SideEffect(code="nausea", severity="mild"),) if self.chance.random() < 0.1 else ()
        return FeedbackSubmitted(
            occurred_at=at,
            captured_at=at,
            patient_id=self.patient_id,
            diagnosis_id=self.diagnosis_id,
            recommendation_id=self.line_id,
            recommendation_version=self.recommendation_version,
            rating=4,
            effectiveness=6.0,
            adherence=Adherence(taken=self.chance.randint(8, 12), expected=12),
            symptom_scores=(SymptomScore(symptom_code="headache", score=score),),
            side_effects=effects,
        )


class Population(msgspec.Struct, frozen=True):
    """Where the people of a house are found."""

    people: tuple[tuple[UUID, UUID, UUID], ...]
    """Patient, diagnosis and recommendation of each who was generated."""
    largest: UUID
    """The Synthea patient of whom most is recorded."""
    events: int


@asynccontextmanager
async def populated() -> AsyncIterator[tuple[Settings, Servers, Population]]:
    """A house with all of them, and every read model caught up."""
    with house() as (settings, servers):
        population = await record(settings, servers)
        async with projecting(settings, servers) as (projector, _):
            await projector.take_over()
            await projector.catch_up()
            await projector.give_back()
        yield settings, servers, population


async def record(settings: Settings, servers: Servers) -> Population:
    """Put everybody into the log of a house."""
    people = [Person(number) for number in range(PATIENTS)]
    days = (request for day in range(DAYS) for person in people for request in person.day(day))
    async with opened(settings, servers) as services:
        await Import(services.reader, services.writer, settings).run(
            [THIRD_PARTY / "fhir-synthea-r4" / "dev"]
        )
        imported = await services.reader.after(0, 1_000_000)
        subjects = [one.subject_id for one in imported if one.subject_id]
        while part := list(islice(days, REQUESTS_AT_ONCE)):
            await asyncio.gather(*map(services.writer.append, part))
        head = await services.reader.head()
    return Population(
        people=tuple((one.patient_id, one.diagnosis_id, one.line_id) for one in people),
        largest=max(set(subjects), key=subjects.count),
        events=head.position,
    )
