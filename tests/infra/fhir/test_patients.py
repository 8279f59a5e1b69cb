"""Stories of patients, their death and their allergies, as a source states them."""

from datetime import UTC, date, datetime

import pytest

from domain.patient import BackgroundRecorded, PatientDetailsCorrected, PatientDied, PatientRegistered
from infra.fhir.stated import PassedOver, StatedPatient, Unusable
from tests.infra.fhir.bundles import Resource, allergy, coded, concept, condition, patient
from tests.infra.fhir.stories import NOW, Record, events, refusals, said, tags


def stated_patient(resource: Resource) -> StatedPatient:
    record = said(resource)[0]
    assert isinstance(record, StatedPatient)
    return record


def test_a_patient_is_registered_as_of_the_first_date_that_is_known() -> None:
    (registered,) = events(Record().brings(patient()))
    assert registered == PatientRegistered(
        occurred_at=datetime(1980, 5, 1, 19, 30, tzinfo=UTC),
        precision="unknown",
        patient_no="MRN-1",
        name="Parvin Nik",
        birth_date=date(1980, 5, 2),
        sex="female",
    )


def test_without_a_birth_date_it_is_the_first_date_of_anything_said_of_them() -> None:
    planned = Record().brings(patient(birthDate=None), condition(), allergy())
    assert events(planned)[0].occurred_at == datetime(1990, 1, 1, 8, tzinfo=UTC)


def test_of_whom_nothing_is_dated_we_know_by_now() -> None:
    (registered,) = events(Record().brings(patient(birthDate=None)))
    assert (registered.occurred_at, registered.precision) == (NOW, "unknown")


def test_a_year_of_birth_is_no_day_of_birth() -> None:
    record = stated_patient(patient(birthDate="1980"))
    assert (record.birth_date, record.at) != (None, None)
    assert record.birth_date is None


def test_the_number_is_that_of_the_record_or_else_of_the_resource() -> None:
    assert stated_patient(patient(identifier=[{"value": "passport"}])).patient_no == "1"


def test_who_has_no_name_is_called_by_the_number() -> None:
    assert stated_patient(patient(name=[{"use": "old"}])).name == "MRN-1"


def test_the_official_name_goes_first() -> None:
    names = [{"use": "nickname", "text": "Pari"}, {"use": "official", "text": "Parvin Etesami"}]
    assert stated_patient(patient(name=names)).name == "Parvin Etesami"


def test_the_preferred_of_our_languages_is_theirs() -> None:
    spoken = [{"language": coded("en-US")}, {"language": coded("ar"), "preferred": True}]
    assert stated_patient(patient(communication=spoken)).locale == "ar"
    assert stated_patient(patient(communication=[{"language": coded("it")}])).locale is None


def test_current_phone_and_address_are_kept() -> None:
    telecom = [
        {"system": "phone", "value": "1", "use": "old"},
        {"system": "phone", "value": "22", "rank": 2},
        {"system": "phone", "value": "333", "rank": 1},
        {"system": "email", "value": "p@example.org"},
        {"use": "home"},
    ]
    record = stated_patient(patient(telecom=telecom))
    assert (record.phone, record.email) == ("333", "p@example.org")


def test_death_comes_last_and_at_its_time() -> None:
    planned = Record().brings(patient(deceasedDateTime="2009-01-01T08:00:00Z"), condition(), allergy())
    assert refusals(planned) == {}
    assert events(planned)[-1] == PatientDied(occurred_at=datetime(2009, 1, 1, 8, tzinfo=UTC))


def test_a_death_without_a_date_is_told_as_of_the_last_date_known() -> None:
    planned = Record().brings(patient(deceasedBoolean=True), condition())
    died = events(planned)[-1]
    assert (died.occurred_at, died.precision) == (datetime(2010, 3, 4, 8, tzinfo=UTC), "unknown")


def test_who_is_alive_did_not_die() -> None:
    assert tags(Record().brings(patient(deceasedBoolean=False))) == ["patient.registered"]


def test_what_is_said_otherwise_is_corrected_and_nothing_else() -> None:
    record = Record()
    record.brings(patient())
    (corrected,) = events(record.brings(patient(gender="male")))
    assert isinstance(corrected, PatientDetailsCorrected)
    assert {name: (c.before, c.after) for name, c in corrected.changes.items()} == {"sex": ("female", "male")}
    assert record.brings(patient(gender="male"))[0].request is None


def test_a_death_is_learned_later_and_its_date_corrected() -> None:
    record = Record()
    record.brings(patient())
    assert tags(record.brings(patient(deceasedDateTime="2020-01-01T08:00:00Z"))) == ["patient.died"]
    assert record.brings(patient(deceasedDateTime="2020-01-01T08:00:00Z"))[1].request is None
    (corrected,) = events(record.brings(patient(deceasedDateTime="2020-01-02T08:00:00Z")))
    assert isinstance(corrected, PatientDetailsCorrected)
    assert list(corrected.changes) == ["died_at"]


def test_an_allergy_is_background() -> None:
    planned = Record().brings(patient(), allergy(onsetDateTime="1989"))
    background = events(planned)[-1]
    assert isinstance(background, BackgroundRecorded)
    assert (background.kind, background.code.code, background.status) == ("allergy", "91935009", "active")
    assert background.occurred_at == datetime(1990, 1, 1, 8, tzinfo=UTC)
    assert background.onset == datetime(1988, 12, 31, 20, 30, tzinfo=UTC)


def test_an_allergy_that_is_over_ends_as_of_now() -> None:
    record = Record()
    record.brings(patient(), allergy())
    (ended,) = events(record.brings(patient(), allergy(clinicalStatus=coded("resolved"))))
    assert isinstance(ended, BackgroundRecorded)
    assert (ended.status, ended.occurred_at, ended.precision) == ("ended", NOW, "unknown")


def test_that_there_is_no_allergy_is_no_allergy() -> None:
    with pytest.raises(PassedOver, match=r"import\.no_known_allergy"):
        said(allergy(code=concept("716186003", "No known allergy")))


def test_an_allergy_that_was_refuted_is_not_true() -> None:
    with pytest.raises(PassedOver, match=r"import\.not_true"):
        said(allergy(verificationStatus=coded("refuted")))


def test_the_substance_of_a_reaction_says_what_it_is() -> None:
    record = said(allergy(code={}, reaction=[{"substance": concept("1", "Cashew")}]))[0]
    assert getattr(record, "code").text == "Cashew"  # noqa: B009  every kind of record is stated alike
    with pytest.raises(Unusable, match=r"import\.code_missing"):
        said(allergy(code={}))


def test_a_malformed_field_names_its_place() -> None:
    with pytest.raises(Unusable) as refusal:
        said(patient(name="Parvin"))
    assert refusal.value.code == "import.malformed"
    assert "$.name" in refusal.value.detail
    with pytest.raises(Unusable, match=r"import\.date_malformed"):
        said(patient(birthDate="long ago"))


def test_nobody_else_is_recorded_for_a_patient_who_cannot_be_registered() -> None:
    planned = Record().brings(patient(birthDate="1700-01-01"), condition())
    assert refusals(planned) == {"Patient/1": "time.out_of_range", "Condition/c1": "not_found"}
