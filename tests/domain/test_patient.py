"""The story of a patient: registered, corrected, trusted, rested, died, erased."""

from datetime import date, datetime

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain import patient
from domain.event import Actor, Change, Coded
from domain.patient import (
    AssessConstitution,
    AssignCareTeamMember,
    BackgroundRecorded,
    CareTeamMemberAssigned,
    CareTeamMemberRemoved,
    ConsentGranted,
    ConsentWithdrawn,
    ConstitutionAssessed,
    CorrectPatientDetails,
    DeactivatePatient,
    ErasePatient,
    GrantConsent,
    PatientCommand,
    PatientDeactivated,
    PatientDetails,
    PatientDetailsCorrected,
    PatientDied,
    PatientErased,
    PatientErasureRequested,
    PatientEvent,
    PatientFacts,
    PatientReactivated,
    PatientRegistered,
    PatientsMerged,
    PatientState,
    ReactivatePatient,
    RecordBackground,
    RecordDeath,
    RegisterPatient,
    Relation,
    RemoveCareTeamMember,
    RequestErasure,
    WithdrawConsent,
)
from tests.domain.spec import (
    ADMIN,
    BY_MODEL,
    NOW,
    ORIGIN,
    PATIENT,
    PRACTITIONER,
    SERVICE,
    Spec,
    Story,
    ago,
    an_id,
    hence,
)
from tests.domain.strategies import anything

FACTS = PatientFacts(now=NOW, actor=PRACTITIONER, origin=ORIGIN, new_id=an_id(1))
SPEC: Spec[PatientCommand, PatientEvent, PatientFacts, PatientState] = Spec(
    patient.decide, patient.evolve, patient.INITIAL, FACTS
)

REGISTER = RegisterPatient(patient_no="P-1", name="شیرین", birth_date=date(1980, 5, 1), phone="0912 000 0001")
REGISTERED = PatientRegistered(
    occurred_at=ago(days=30),
    precision="day",
    patient_no="P-1",
    name="شیرین",
    birth_date=date(1980, 5, 1),
    phone="0912 000 0001",
)
DIED = PatientDied(occurred_at=ago(days=5), precision="day")
DEACTIVATED = PatientDeactivated(occurred_at=ago(days=5))
MERGED = PatientsMerged(
    occurred_at=ago(days=5), survivor_id=an_id(2), retired_id=an_id(1), approver=ADMIN.account_id
)
ERASED = PatientErased(occurred_at=ago(days=4), legal_basis="gdpr.17")
ADVISER = an_id(77)


def registered(*later: PatientEvent) -> Story[PatientCommand, PatientEvent, PatientFacts, PatientState]:
    return SPEC.given(REGISTERED, *later)


def correct(**changes: object) -> CorrectPatientDetails:
    details = msgspec.convert(changes, PatientDetails)
    return CorrectPatientDetails(changes=details, reason_code="CORRECTION.DATA_ENTRY")


def corrected(at: datetime, precision: str, **changes: Change) -> PatientDetailsCorrected:
    return msgspec.convert(
        {
            "occurred_at": at,
            "precision": precision,
            "changes": changes,
            "reason_code": "CORRECTION.DATA_ENTRY",
        },
        PatientDetailsCorrected,
        from_attributes=True,
    )


# Registering


def test_who_registers_is_of_the_care_team() -> None:
    SPEC.given().when(REGISTER).then(
        PatientRegistered(
            occurred_at=NOW,
            patient_no="P-1",
            name="شیرین",
            birth_date=date(1980, 5, 1),
            phone="0912 000 0001",
        ),
        CareTeamMemberAssigned(occurred_at=NOW, account_id=PRACTITIONER.account_id, relation="practitioner"),
    )


def test_a_service_registers_for_nobody() -> None:
    assert len(SPEC.given().when(REGISTER, actor=SERVICE).events) == 1


def test_all_wrong_fields_are_told_at_once() -> None:
    SPEC.given().when(
        RegisterPatient(
            occurred_at=hence(minutes=6),
            patient_no=" ",
            name="\u200c",
            birth_date=date(2030, 1, 1),
            phone="12",
            email="nobody",
            national_id="\t",
        )
    ).then_rejected(
        "request.rejected",
        "occurred_at time.in_future",
        "patient_no text.blank",
        "name text.blank",
        "national_id text.blank",
        "birth_date time.in_future",
        "phone patient.phone_invalid",
        "email patient.email_invalid",
    )


def test_clocks_may_differ_by_five_minutes() -> None:
    SPEC.given().when(msgspec.structs.replace(REGISTER, occurred_at=hence(minutes=5))).then_done()


@pytest.mark.parametrize("email", ["a@b", "نام@نمونه.ایران"])
def test_email_is_looked_at_lightly(email: str) -> None:
    SPEC.given().when(RegisterPatient(patient_no="1", name="A", email=email)).then_done()


@pytest.mark.parametrize("email", ["@b", "a@", "a b@c"])
def test_what_is_no_email(email: str) -> None:
    SPEC.given().when(RegisterPatient(patient_no="1", name="A", email=email)).then_rejected(
        "patient.email_invalid", "email patient.email_invalid"
    )


@pytest.mark.parametrize("national_id", ["0000000000", "1234567890", "AB 12-34"])
def test_national_ids_of_any_nation_are_taken(national_id: str) -> None:
    SPEC.given().when(RegisterPatient(patient_no="1", name="A", national_id=national_id)).then_done()


def test_a_solar_hijri_year_is_no_gregorian_one() -> None:
    SPEC.given().when(
        RegisterPatient(
            patient_no="1", name="A", birth_date=date(1359, 2, 1), occurred_at=ago(days=365 * 621)
        )
    ).then_rejected("time.out_of_range", "occurred_at time.out_of_range", "birth_date time.out_of_range")


def test_nobody_is_registered_twice() -> None:
    registered().when(REGISTER).then_conflict("patient.registered_already")
    registered(ERASED).when(REGISTER).then_rejected("patient.erased")


def test_a_model_registers_nobody_and_says_which_one_it_is() -> None:
    SPEC.given().when(REGISTER, origin=BY_MODEL).then_rejected("origin.model_may_only_propose")
    nameless = msgspec.structs.replace(BY_MODEL, model_id=None, model_version=None)
    SPEC.given().when(REGISTER, origin=nameless).then_rejected(
        "request.rejected",
        "origin.model_id origin.model_required",
        "origin.model_version origin.model_required",
        "origin.method origin.model_may_only_propose",
    )


@pytest.mark.parametrize(
    "command",
    [
        correct(name="A"),
        RecordDeath(),
        RecordBackground(kind="allergy", code=Coded(text="x")),
        WithdrawConsent(scope="care"),
        RemoveCareTeamMember(account_id=ADVISER, relation="proxy"),
        DeactivatePatient(),
        ReactivatePatient(),
        RequestErasure(legal_basis="x"),
        ErasePatient(legal_basis="x"),
    ],
)
def test_who_is_not_there_is_not_found(command: PatientCommand) -> None:
    SPEC.given().when(command).then_not_found()


# Correcting


def test_a_correction_takes_the_time_of_the_registration() -> None:
    registered().when(correct(name="شیرین", phone=None, birth_date=date(1981, 5, 1))).then(
        corrected(
            ago(days=30),
            "day",
            birth_date=Change(before="1980-05-01", after="1981-05-01"),
            phone=Change(before="0912 000 0001", after=None),
        )
    ).when(correct(phone=None, birth_date=date(1981, 5, 1))).then_nothing()


def test_a_correction_checks_what_it_changes() -> None:
    registered().when(
        CorrectPatientDetails(changes=PatientDetails(name=" ", phone="x"), reason_code=" ")
    ).then_rejected(
        "request.rejected",
        "reason_code text.blank",
        "changes.name text.blank",
        "changes.phone patient.phone_invalid",
    )


@pytest.mark.parametrize("end", [DIED, DEACTIVATED, MERGED])
def test_corrections_go_on_after_the_end(end: PatientEvent) -> None:
    registered(end).when(correct(name="Shirin")).then_done().when(correct(name="Shirin")).then_nothing()


def test_a_death_can_be_moved_and_taken_back() -> None:
    moved = registered(DIED).when(correct(died_at=ago(days=6), name="Shirin"))
    story = moved.then(
        corrected(ago(days=30), "day", name=Change(before="شیرین", after="Shirin")),
        corrected(
            ago(days=5), "day", died_at=Change(before="2026-03-16T08:00:00Z", after="2026-03-15T08:00:00Z")
        ),
    )
    assert patient.standing(story.state) == "dead"
    story.when(correct(died_at=ago(days=6))).then_nothing()
    alive = story.when(correct(died_at=None)).then(
        corrected(ago(days=6), "day", died_at=Change(before="2026-03-15T08:00:00Z", after=None))
    )
    assert patient.standing(alive.state) == "active"
    alive.when(correct(died_at=None)).then_nothing()


def test_what_death_allows() -> None:
    registered().when(correct(died_at=NOW)).then_rejected(
        "patient.not_dead", "changes.died_at patient.not_dead"
    )
    registered(DIED).when(correct(died_at=hence(days=1))).then_rejected("time.in_future")
    registered(DIED).when(correct(birth_date=date(2026, 3, 18))).then_rejected(
        "patient.died_before_birth", "changes.birth_date patient.died_before_birth"
    )
    registered(DIED).when(correct(died_at=ago(days=365 * 60))).then_rejected(
        "patient.died_before_birth", "changes.died_at patient.died_before_birth"
    )
    registered().when(RecordDeath(occurred_at=ago(days=365 * 60))).then_rejected(
        "patient.died_before_birth", "occurred_at patient.died_before_birth"
    )


def test_one_dies_once() -> None:
    story = registered().when(RecordDeath(occurred_at=ago(days=2), precision="day"))
    dead = story.then(PatientDied(occurred_at=ago(days=2), precision="day"))
    dead.when(RecordDeath(occurred_at=ago(days=2))).then_nothing()
    dead.when(RecordDeath(occurred_at=ago(days=1))).then_rejected("patient.dead")


# Standing


@pytest.mark.parametrize(
    ("end", "code"), [(DIED, "dead"), (DEACTIVATED, "deactivated"), (MERGED, "merged"), (ERASED, "erased")]
)
@pytest.mark.parametrize(
    "command",
    [
        RecordDeath(),
        AssessConstitution(code="hot", hot_cold=2, dry_wet=0, confidence=0.5),
        RecordBackground(kind="allergy", code=Coded(text="x")),
        GrantConsent(scope="care", policy_version="1"),
        AssignCareTeamMember(account_id=ADVISER, relation="guardian"),
    ],
)
def test_nothing_new_after_the_end(end: PatientEvent, code: str, command: PatientCommand) -> None:
    registered(end).when(command).then_rejected(f"patient.{code}")


def test_standing_is_what_others_go_by() -> None:
    assert patient.standing(patient.INITIAL) == "missing"
    assert patient.standing(registered().state) == "active"
    assert patient.standing(registered(DIED).state) == "dead"
    assert patient.standing(registered(DEACTIVATED).state) == "deactivated"
    assert patient.standing(registered(MERGED).state) == "merged"
    assert patient.standing(SPEC.given(ERASED).state) == "erased"


def test_rest_and_wake() -> None:
    resting = (
        registered()
        .when(DeactivatePatient(occurred_at=ago(days=2), reason="moved"))
        .then(PatientDeactivated(occurred_at=ago(days=2), reason="moved"))
    )
    resting.when(DeactivatePatient()).then_nothing()
    resting.when(ReactivatePatient(occurred_at=ago(days=3))).then_rejected("time.backwards")
    awake = resting.when(ReactivatePatient(reason="back")).then(
        PatientReactivated(occurred_at=NOW, reason="back")
    )
    awake.when(ReactivatePatient()).then_nothing()
    awake.when(DeactivatePatient(occurred_at=ago(days=1))).then_rejected(
        "time.backwards", "occurred_at time.backwards"
    )
    registered(DIED).when(DeactivatePatient()).then_rejected("patient.dead")
    registered(DIED).when(ReactivatePatient()).then_rejected("patient.dead")


def test_what_is_told_without_a_time_follows_what_came_before() -> None:
    ahead = PatientDeactivated(occurred_at=hence(minutes=4))
    registered(ahead).when(ReactivatePatient()).then(PatientReactivated(occurred_at=hence(minutes=4)))


# Constitution and background


def test_constitution_rests_on_live_findings_and_a_model_may_say_it() -> None:
    assess = AssessConstitution(
        code="cold_wet", hot_cold=-2, dry_wet=-1, confidence=0.7, basis_finding_ids=(an_id(5), an_id(6))
    )
    registered().when(assess, live_finding_ids=frozenset({an_id(5)})).then_rejected(
        "evidence.unresolved", "basis_finding_ids.1 evidence.unresolved"
    )
    story = (
        registered()
        .when(assess, live_finding_ids=frozenset({an_id(5), an_id(6)}), origin=BY_MODEL)
        .then(
            ConstitutionAssessed(
                occurred_at=NOW,
                tradition="avicenna",
                code="cold_wet",
                hot_cold=-2,
                dry_wet=-1,
                confidence=0.7,
                basis_finding_ids=(an_id(5), an_id(6)),
            )
        )
    )
    known = frozenset({an_id(5), an_id(6)})
    story.when(assess, live_finding_ids=known).then_nothing()
    assert len(story.when(assess, live_finding_ids=known, now=hence(days=1)).events) == 1
    older = msgspec.structs.replace(assess, occurred_at=ago(days=99))
    story.when(older, live_finding_ids=known).then_done().when(assess, live_finding_ids=known).then_nothing()


def test_background_is_news_when_it_changes() -> None:
    allergy = RecordBackground(kind="allergy", code=Coded(text="پنی‌سیلین"), onset=ago(days=900))
    story = (
        registered()
        .when(allergy)
        .then(
            BackgroundRecorded(
                occurred_at=NOW, kind="allergy", code=Coded(text="پنی‌سیلین"), onset=ago(days=900)
            )
        )
    )
    story.when(allergy, now=hence(days=1)).then_nothing()
    earlier = story.when(msgspec.structs.replace(allergy, occurred_at=ago(days=800))).then_done()
    earlier.when(allergy).then_nothing()
    ended = story.when(msgspec.structs.replace(allergy, status="ended")).then_done()
    ended.when(allergy).then_done()


def test_background_is_told_apart_by_code() -> None:
    coded = Coded(text="asthma", system="sct", code="195967001")
    story = registered().when(RecordBackground(kind="condition", code=coded)).then_done()
    story.when(
        RecordBackground(kind="condition", code=Coded(text="آسم", system="sct", code="195967001"))
    ).then_nothing()
    story.when(RecordBackground(kind="condition", code=Coded(text="asthma"))).then_done()
    story.when(RecordBackground(kind="condition", code=Coded(text=" "), onset=hence(days=3))).then_rejected(
        "request.rejected", "code.text text.blank", "onset time.in_future"
    )


# Trust


def test_a_consent_is_granted_renewed_and_withdrawn() -> None:
    grant = GrantConsent(scope="export", policy_version="2", occurred_at=ago(days=3))
    story = (
        registered()
        .when(grant)
        .then(ConsentGranted(occurred_at=ago(days=3), scope="export", policy_version="2"))
    )
    story.when(GrantConsent(scope="export", policy_version="2")).then_nothing()
    story.when(GrantConsent(scope="export", policy_version="3", occurred_at=ago(days=4))).then_rejected(
        "time.backwards"
    )
    story.when(GrantConsent(scope="export", policy_version=" ", expires_at=ago(days=1))).then_rejected(
        "request.rejected", "policy_version text.blank", "expires_at time.ends_before_start"
    )
    story.when(WithdrawConsent(scope="export", occurred_at=ago(days=4))).then_rejected("time.backwards")
    gone = story.when(WithdrawConsent(scope="export")).then(
        ConsentWithdrawn(occurred_at=NOW, scope="export", policy_version="2")
    )
    gone.when(WithdrawConsent(scope="export")).then_nothing()
    gone.when(GrantConsent(scope="export", policy_version="2")).then_done()


@pytest.mark.parametrize("actor", [PRACTITIONER, ADMIN, SERVICE])
def test_only_the_patients_side_consents_to_research(actor: Actor) -> None:
    grant = GrantConsent(scope="research_cohort", policy_version="1")
    registered().when(grant, actor=actor).then_rejected("consent.research_by_patient")
    given = registered().when(grant, actor=PATIENT).then_done()
    given.when(WithdrawConsent(scope="research_cohort"), actor=PRACTITIONER).then_done()


@pytest.mark.parametrize("relation", ["guardian", "proxy"])
def test_who_treats_the_patient_does_not_choose_who_speaks_for_them(relation: Relation) -> None:
    assign = AssignCareTeamMember(account_id=ADVISER, relation=relation)
    for actor in (PRACTITIONER, SERVICE):
        registered().when(assign, actor=actor).then_rejected("care_team.guardian_by_patient")
    for actor in (PATIENT, ADMIN):
        registered().when(assign, actor=actor).then_done()


def test_withdrawing_from_one_and_from_everybody() -> None:
    story = registered(
        ConsentGranted(occurred_at=ago(days=9), scope="care", policy_version="1", grantee=ADVISER),
        ConsentGranted(occurred_at=ago(days=9), scope="export", policy_version="1"),
    )
    story.when(WithdrawConsent(scope="care", grantee=ADVISER)).then(
        ConsentWithdrawn(occurred_at=NOW, scope="care", policy_version="1", grantee=ADVISER)
    )
    story.when(WithdrawConsent(scope="care")).then(
        ConsentWithdrawn(occurred_at=NOW, scope="care"),
        ConsentWithdrawn(occurred_at=NOW, scope="care", policy_version="1", grantee=ADVISER),
    )


@pytest.mark.parametrize("end", [DIED, DEACTIVATED, MERGED])
def test_trust_can_be_taken_back_after_the_end(end: PatientEvent) -> None:
    member = CareTeamMemberAssigned(occurred_at=ago(days=9), account_id=ADVISER, relation="guardian")
    story = registered(member, end)
    story.when(WithdrawConsent(scope="messaging")).then_done()
    story.when(RemoveCareTeamMember(account_id=ADVISER, relation="guardian")).then_done()


def test_members_come_and_go() -> None:
    assign = AssignCareTeamMember(account_id=ADVISER, relation="practitioner", until=hence(days=9))
    story = (
        registered()
        .when(assign)
        .then(
            CareTeamMemberAssigned(
                occurred_at=NOW, account_id=ADVISER, relation="practitioner", until=hence(days=9)
            )
        )
    )
    story.when(assign, now=hence(days=1)).then_nothing()
    story.when(msgspec.structs.replace(assign, until=None)).then_done()
    story.when(msgspec.structs.replace(assign, until=NOW)).then_rejected(
        "time.ends_before_start", "until time.ends_before_start"
    )
    remove = RemoveCareTeamMember(account_id=ADVISER, relation="practitioner")
    story.when(remove, now=hence(days=10)).then_nothing()
    story.when(msgspec.structs.replace(remove, occurred_at=ago(days=1))).then_rejected("time.backwards")
    gone = story.when(remove, now=hence(days=2)).then(
        CareTeamMemberRemoved(occurred_at=hence(days=2), account_id=ADVISER, relation="practitioner")
    )
    gone.when(remove, now=hence(days=3)).then_nothing()
    gone.when(assign, now=hence(days=3)).then_done()
    registered().when(remove).then_nothing()


def test_nobody_lets_themselves_in() -> None:
    himself = AssignCareTeamMember(account_id=ADMIN.account_id, relation="practitioner")
    registered().when(himself, actor=ADMIN).then_rejected("care_team.self_assigned")


def test_a_time_needs_its_zone() -> None:
    naive = datetime(2026, 4, 1)  # noqa: DTZ001 - this is the mistake
    registered().when(
        AssignCareTeamMember(
            account_id=ADVISER, relation="proxy", until=naive.replace(day=2), occurred_at=naive
        )
    ).then_rejected("time.zone_required", "occurred_at time.zone_required", "until time.zone_required")


# Erasure


@pytest.mark.parametrize("end", [DIED, DEACTIVATED, MERGED])
def test_erasure_is_open_to_everybody(end: PatientEvent) -> None:
    asked = (
        registered(end)
        .when(RequestErasure(legal_basis="gdpr.17"), actor=PATIENT)
        .then(PatientErasureRequested(occurred_at=NOW, legal_basis="gdpr.17"))
    )
    asked.when(RequestErasure(legal_basis="gdpr.17")).then_nothing()
    asked.when(RequestErasure(legal_basis="court.order")).then_done()
    gone = asked.when(ErasePatient(legal_basis="gdpr.17"), actor=ADMIN).then(
        PatientErased(occurred_at=NOW, legal_basis="gdpr.17")
    )
    gone.when(ErasePatient(legal_basis="gdpr.17")).then_nothing()
    gone.when(RequestErasure(legal_basis="gdpr.17")).then_rejected("patient.erased")
    gone.when(correct(name="A")).then_rejected("patient.erased")


def test_the_last_event_names_nobody() -> None:
    numbered = SPEC.given(msgspec.structs.replace(REGISTERED, national_id="0012345678"))
    numbered.when(ErasePatient(legal_basis="case/0012345678")).then_rejected(
        "erasure.basis_personal", "legal_basis erasure.basis_personal"
    )
    registered().when(ErasePatient(legal_basis="p-1.is.short.enough.to.be.chance")).then_done()


@pytest.mark.parametrize("words", ["asked by her", "کد", " ", "gdpr.17\n", ".17", "x" * 65, "a\u200c"])
def test_a_legal_basis_is_a_code_and_never_words(words: str) -> None:
    for command in (ErasePatient(legal_basis=words), RequestErasure(legal_basis=words)):
        registered().when(command).then_rejected("erasure.basis_code", "legal_basis erasure.basis_code")
    for kind in (ErasePatient, RequestErasure, PatientErased):
        if not words.endswith("\n"):
            with pytest.raises(msgspec.ValidationError):
                msgspec.convert({"legal_basis": words, "occurred_at": NOW}, kind)


# Claims


def test_claims_are_taken_changed_and_let_go() -> None:
    first = patient.claims([REGISTERED], patient.INITIAL)
    assert set(first.take) == {("patient_no", "p-1"), ("phone", "09120000001")}
    assert not first.release
    change = registered().when(correct(phone="۰۰۹۸ ۹۱۲-۰۰۰-۰۰۰۱", national_id="٠٠١-٢٣")).events
    second = patient.claims(change, registered().state)
    assert set(second.take) == {("phone", "+989120000001"), ("national_id", "00123")}
    assert set(second.release) == {("phone", "09120000001")}
    same = registered().when(correct(phone="(0912)\u200c000-0001")).events
    assert patient.claims(same, registered().state) == (frozenset(), frozenset())
    last = patient.claims([ERASED], registered().state)
    assert set(last.release) == {("patient_no", "p-1"), ("phone", "09120000001")}


# Laws

STORIES = st.lists(anything(PatientCommand), min_size=1, max_size=8).map(tuple)
KNOWN = st.lists(
    anything(PatientFacts, survivor=st.none() | st.just(patient.INITIAL) | st.just(registered().state)),
    min_size=8,
    max_size=8,
)


@settings(max_examples=120, deadline=None)
@given(STORIES, KNOWN, st.integers(0, 12), anything(RegisterPatient))
def test_laws(
    story: tuple[PatientCommand, ...], facts: list[PatientFacts], cut: int, register: RegisterPatient
) -> None:
    """Deciding raises the three errors only, refusals leave nothing, and folding can pause anywhere."""
    events = SPEC.decides_lawfully((register, REGISTER, *story), [FACTS, FACTS, *facts])
    SPEC.folds_in_parts(events, cut)


@settings(max_examples=60, deadline=None)
@given(st.lists(anything(PatientEvent), max_size=6))
def test_evolving_never_fails_on_what_cannot_follow(events: list[PatientEvent]) -> None:
    """Details apart, whose new values were checked when they were decided."""
    SPEC.fold(event for event in events if not isinstance(event, PatientDetailsCorrected))
    SPEC.fold(event for event in (REGISTERED, *events) if not isinstance(event, PatientDetailsCorrected))
