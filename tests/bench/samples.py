"""Invented records, made as fast as possible and always the same but for their ids."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

from domain.diagnosis import DiagnosisRecorded, FindingRecorded, SymptomObserved
from domain.event import Coded, Event, Origin
from domain.feedback import FeedbackSubmitted
from domain.items import ItemBody, recorded_item
from domain.patient import PatientRegistered
from domain.recommendation import RecommendationDrafted, RecommendationIssued, SafetyCheck
from domain.recorded import Meta
from infra.event_log.append import Append, NewEvent
from infra.ids import new_id

ACTOR = new_id()
META = Meta(role="practitioner", origin=Origin(), correlation_id=new_id())
START = datetime(2024, 3, 20, 8, tzinfo=UTC)


def requests(patients: int, symptoms: int) -> Iterator[Append]:
    """Whole records, one request for each stream; `symptoms` events of each patient are observations."""
    for number in range(patients):
        patient_id, diagnosis_id, line_id, feedback_id = (new_id() for _ in range(4))
        yield _request(patient_id, patient_id, [_patient(number)])
        yield _request(patient_id, diagnosis_id, list(_diagnosis(patient_id, symptoms)))
        yield _request(patient_id, line_id, list(_line(patient_id, diagnosis_id)))
        yield _request(patient_id, feedback_id, [_feedback(patient_id, diagnosis_id, line_id)])


def single(patient_id: UUID) -> Append:
    """A request of one event on a new stream of a patient."""
    return _request(patient_id, new_id(), [_diagnosed(patient_id)])


def day(patient_id: UUID, diagnosis_id: UUID, number: int) -> Iterator[Append]:
    """What is recorded of a patient on a day, beginning with the first."""
    if number == 1:
        yield _request(patient_id, patient_id, [_patient(number)])
        yield _request(patient_id, diagnosis_id, [_diagnosed(patient_id)])
    else:
        symptom = SymptomObserved(
            occurred_at=day_of(number), symptom_code="headache", score=float(number % 10)
        )
        yield _request(patient_id, diagnosis_id, [symptom], number)


def day_of(number: int) -> datetime:
    return START + timedelta(days=number - 1)


def _request(patient_id: UUID, stream_id: UUID, events: list[Event], first: int = 1) -> Append:
    return Append(
        request_id=os.urandom(32),
        events=tuple(
            NewEvent(
                stream_id=stream_id,
                version=version,
                subject_id=patient_id,
                actor_id=ACTOR,
                event=event,
                meta=META,
            )
            for version, event in enumerate(events, first)
        ),
    )


def _patient(number: int) -> Event:
    return PatientRegistered(occurred_at=START, patient_no=f"B-{number}", name="بیمار نمونه", sex="female")


def _diagnosed(patient_id: UUID) -> Event:
    return DiagnosisRecorded(
        occurred_at=START,
        patient_id=patient_id,
        condition=Coded(text="میگرن", system="icd10", code="G43"),
        tradition="avicenna",
        severity="moderate",
    )


def _diagnosis(patient_id: UUID, symptoms: int) -> Iterator[Event]:
    yield _diagnosed(patient_id)
    yield FindingRecorded(
        occurred_at=START, finding_id=new_id(), modality="pulse", attributes={"rate": 82}, confidence=0.8
    )
    for day in range(symptoms):
        yield SymptomObserved(
            occurred_at=START + timedelta(days=day), symptom_code="headache", score=float(day % 10)
        )


def _line(patient_id: UUID, diagnosis_id: UUID) -> Iterator[Event]:
    item = recorded_item(ItemBody(kind="herbal", remedy=Coded(text="بابونه")), new_id())
    yield RecommendationDrafted(
        occurred_at=START, patient_id=patient_id, diagnosis_id=diagnosis_id, tradition="avicenna"
    )
    yield RecommendationIssued(
        occurred_at=START,
        recommendation_version=1,
        items=(item,),
        valid_from=START,
        decided_by=ACTOR,
        safety_check=SafetyCheck(),
    )


def _feedback(patient_id: UUID, diagnosis_id: UUID, line_id: UUID) -> Event:
    return FeedbackSubmitted(
        occurred_at=START + timedelta(days=7),
        captured_at=START + timedelta(days=7),
        patient_id=patient_id,
        diagnosis_id=diagnosis_id,
        recommendation_id=line_id,
        recommendation_version=1,
        rating=4,
        effectiveness=6.0,
    )
