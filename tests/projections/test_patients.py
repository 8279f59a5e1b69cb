"""Who a patient is and how they stand; whose patients they are is the same rule that lets in."""

import asyncio
from datetime import date, datetime
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import AsyncConnection

from domain import access, patient
from domain.access import PatientAccess
from domain.event import Actor, Change, Event
from domain.recorded import Recorded
from infra.projector.fold import fold_batch
from infra.projector.store import ModelStore
from projections import patient_groups, patient_view
from projections.patient_view import PatientView
from projections.patients import MEMBER, MODEL
from tests.domain.spec import an_id
from tests.infra.event_log.calls import Fresh
from tests.projections.sample import merged, on, registered, reversed_merge
from tests.projections.story import DIAGNOSIS_ID, DOCTOR_ID, OTHER_PATIENT_ID, PATIENT_ID, Log


def story(*events: Event) -> Log:
    return Log().add(PATIENT_ID, registered(), *events)


def shown(log: Log, known_at: int | None = None, as_of: datetime | None = None) -> PatientView:
    return patient_view.by_id_of([log.rows(MODEL, known_at=known_at, as_of=as_of)], PATIENT_ID)


def corrected(**after: object) -> patient.PatientDetailsCorrected:
    changes = {name: Change(before=None, after=value) for name, value in after.items()}
    return patient.PatientDetailsCorrected(
        occurred_at=on(1), changes=changes, reason_code="CORRECTION.DATA_ENTRY"
    )


def test_as_registered() -> None:
    one = shown(story())
    assert (one.id, one.name, one.birth_date, one.standing) == (
        PATIENT_ID,
        "Mina",
        date(1980, 2, 3),
        "active",
    )
    assert (one.version, one.position) == (1, 1)


def test_corrected_details_are_as_they_should_have_been() -> None:
    log = story(corrected(name="Mina Rad", birth_date="1981-02-03", phone=None))
    one = shown(log)
    assert (one.name, one.birth_date, one.phone, one.version) == ("Mina Rad", date(1981, 2, 3), None, 2)
    assert shown(log, known_at=1) == shown(story())
    assert shown(log, as_of=on(1)).name == "Mina Rad"


def test_a_death_can_be_moved_and_taken_back() -> None:
    died = patient.PatientDied(occurred_at=on(3))
    assert (shown(story(died)).standing, shown(story(died)).died_at) == ("dead", on(3))
    moved = story(died, corrected(died_at="2025-04-01T12:00:00Z"))
    assert shown(moved).died_at == on(4)
    alive = shown(story(died, corrected(died_at=None)))
    assert (alive.standing, alive.died_at) == ("active", None)


def test_the_living_have_no_time_of_death() -> None:
    assert shown(story(corrected(died_at="2025-04-01T12:00:00Z"))).died_at is None


def test_a_record_rests_and_wakes() -> None:
    rests, wakes = (
        patient.PatientDeactivated(occurred_at=on(2)),
        patient.PatientReactivated(occurred_at=on(3)),
    )
    assert shown(story(rests)).standing == "deactivated"
    assert shown(story(rests, wakes)).standing == shown(story(wakes)).standing == "active"
    dead = patient.PatientDied(occurred_at=on(2))
    assert shown(story(rests, dead)).standing == "deactivated"
    assert shown(story(dead, rests)).standing == "dead"


def test_a_merge_hides_how_one_stood_and_its_reversal_shows_it_again() -> None:
    rests = patient.PatientDeactivated(occurred_at=on(2))
    log = story(rests, merged(OTHER_PATIENT_ID, PATIENT_ID, "retired"))
    assert (shown(log).standing, shown(log).merged_into) == ("merged", OTHER_PATIENT_ID)
    log.add(PATIENT_ID, reversed_merge(OTHER_PATIENT_ID, PATIENT_ID, "retired"))
    assert (shown(log).standing, shown(log).merged_into) == ("deactivated", None)
    assert shown(story(merged(PATIENT_ID, OTHER_PATIENT_ID, "survivor"))).standing == "active"


def test_a_wish_to_be_erased_is_seen() -> None:
    wish = patient.PatientErasureRequested(occurred_at=on(2), legal_basis="GDPR.17")
    assert (shown(story()).erasure_requested, shown(story(wish)).erasure_requested) == (False, True)


def test_other_streams_do_not_change_the_patient() -> None:
    log = story().add(DIAGNOSIS_ID, patient.PatientDied(occurred_at=on(3)))
    assert (shown(log).version, shown(log).standing) == (1, "active")


def test_who_was_removed_is_a_member_until_then() -> None:
    assigned = patient.CareTeamMemberAssigned(
        occurred_at=on(2), account_id=DOCTOR_ID, relation="practitioner"
    )
    removed = patient.CareTeamMemberRemoved(occurred_at=on(3), account_id=DOCTOR_ID, relation="practitioner")
    found = story(assigned, removed).rows(MODEL).get(MEMBER, DOCTOR_ID, "practitioner")
    assert found is not None
    assert (found.since, found.until) == (on(3), on(3))


OTHER_DOCTOR_ID = an_id(902)
TIMES = st.sampled_from([on(month) for month in range(2, 8)])
ACCOUNTS = st.sampled_from([DOCTOR_ID, OTHER_DOCTOR_ID])
TRUST = st.one_of(
    st.builds(
        patient.CareTeamMemberAssigned,
        occurred_at=TIMES,
        account_id=ACCOUNTS,
        relation=st.sampled_from(["practitioner", "guardian"]),
        until=st.none() | TIMES,
    ),
    st.builds(
        patient.CareTeamMemberRemoved,
        occurred_at=TIMES,
        account_id=ACCOUNTS,
        relation=st.sampled_from(["practitioner", "guardian"]),
    ),
    st.builds(
        patient.ConsentGranted,
        occurred_at=TIMES,
        scope=st.sampled_from(["care", "messaging"]),
        policy_version=st.just("1"),
        grantee=st.none() | ACCOUNTS,
        expires_at=st.none() | TIMES,
    ),
    st.builds(
        patient.ConsentWithdrawn,
        occurred_at=TIMES,
        scope=st.sampled_from(["care", "messaging"]),
        grantee=st.none() | ACCOUNTS,
    ),
)
HISTORIES = st.lists(st.lists(TRUST, max_size=6), min_size=20, max_size=20)


MERGES = st.lists(st.tuples(st.integers(0, 9), st.integers(10, 19)), max_size=6, unique_by=lambda one: one[0])


def people(histories: list[list[Any]], merges: list[tuple[int, int]]) -> tuple[Log, list[UUID]]:
    log, ids = Log(), [an_id(1000 + n) for n in range(len(histories))]
    for patient_id, events in zip(ids, histories, strict=True):
        log.add(patient_id, registered(), *events, subject_id=patient_id)
    for retired, survivor in ((ids[one], ids[other]) for one, other in merges):
        log.add(survivor, merged(survivor, retired, "survivor"), subject_id=survivor)
        log.add(retired, merged(survivor, retired, "retired"), subject_id=retired)
    return log, ids


def access_of(log: Log, patient_id: UUID) -> PatientAccess:
    found = PatientAccess(patient_id=patient_id)
    for recorded in log.of(patient_id):
        found = access.evolve_access(found, recorded.event)  # type: ignore[arg-type]  # of a patient only
    return found


def may_read(log: Log, patient_id: UUID, account_id: UUID, now: datetime) -> bool:
    group, missing = [], {patient_id}
    while missing:
        group += [access_of(log, one) for one in missing]
        missing = {other for one in group for other in one.merged_with} - {one.patient_id for one in group}
    actor = Actor(account_id=account_id, role="practitioner")
    return isinstance(access.allowed_to_person(actor, "read_record", group, now), access.Allowed)


async def listed(url: str, log: Log, account_id: UUID | None, now: datetime) -> list[UUID]:
    """The ids that the pages of a list give one after another."""
    found, before, groups = [], None, patient_groups.MODEL.schema
    async with await AsyncConnection.connect(url, autocommit=True, options="-c timezone=UTC") as connection:
        for store in (ModelStore(MODEL), ModelStore(patient_groups.MODEL)):
            if await store.exists(connection):
                await store.drop(connection)
            await store.create(connection)
            changed = await fold_batch(store, connection, 0, log.events, no_history)
            await store.save(connection, 0, changed)
        while True:
            asked = patient_view.Asked(account_id=account_id, now=now, before=before, limit=3)
            page = await patient_view.page(connection, MODEL.schema, groups, 0, asked)
            assert len(page.items) <= 3
            found += [one.id for one in page.items]
            before = page.next
            if before is None:
                return found


async def no_history(_subject: UUID, _until: int) -> list[Recorded[Event]]:
    return []


@pytest.fixture(scope="module")
def database_url(fresh_database_urls: Fresh) -> str:
    return fresh_database_urls()[0]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(histories=HISTORIES, merges=MERGES, now=TIMES, account_id=ACCOUNTS)
def test_a_list_holds_exactly_those_whose_record_may_be_read(
    database_url: str,
    histories: list[list[Event]],
    merges: list[tuple[int, int]],
    now: datetime,
    account_id: UUID,
) -> None:
    log, ids = people(histories, merges)
    readable = [one for one in reversed(ids) if may_read(log, one, account_id, now)]
    assert asyncio.run(listed(database_url, log, account_id, now)) == readable


def test_without_an_account_everybody_is_listed(database_url: str) -> None:
    log, ids = people([[]] * 7, [])
    assert asyncio.run(listed(database_url, log, None, on(5))) == ids[::-1]
