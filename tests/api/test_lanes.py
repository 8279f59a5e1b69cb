"""Which commands of a batch wait for which."""

from typing import Any

from api.lanes import Place, places, resolved
from infra.ids import new_id

ONE, TWO, THREE = new_id(), new_id(), new_id()


def after(*commands: tuple[str, str | None, Any]) -> list[set[int]]:
    return [set(place.after) for place in places(commands)]


def test_commands_of_one_stream_wait_and_those_of_others_do_not() -> None:
    path = "/diagnoses/{}/symptoms".format
    assert after(
        (path(ONE), None, {}),
        (path(TWO), None, {}),
        (path(str(ONE).upper()), None, {}),
        (path(ONE), None, {}),
    ) == [set(), set(), {0}, {2}]


def test_an_id_in_a_body_is_waited_for_as_one_in_a_path() -> None:
    finding = {"finding_id": str(TWO), "modality": "pulse"}
    evidence = {"changes": [{"evidence": [{"type": "finding", "ref": str(TWO)}]}]}
    assert after(
        (f"/diagnoses/{ONE}/findings", None, finding), (f"/recommendations/{THREE}/revise", None, evidence)
    ) == [set(), {0}]


def test_that_a_device_has_an_id_says_nothing_about_order() -> None:
    origin = {"device_id": str(ONE), "client_event_id": "1"}
    again = {"device_id": str(ONE), "client_event_id": "2"}
    assert after(
        (f"/diagnoses/{TWO}/symptoms", None, {"origin": origin}),
        (f"/diagnoses/{THREE}/symptoms", None, {"origin": again}),
        ("/patients", None, {"origin": again}),
        ("/patients", None, {"origin": "phone"}),
        ("/patients", None, {"origin": {"device_id": str(ONE)}}),
        ("/patients", None, [5, None]),
    ) == [set(), set(), {1}, set(), set(), set()]


def test_who_refers_to_a_key_waits_for_it_and_for_who_referred_before() -> None:
    diagnose: tuple[str, str | None, Any] = (f"/patients/{ONE}/diagnoses", "d", {})
    find: tuple[str, str | None, Any] = ("/diagnoses/$d/findings", None, {})
    assert list(places([find, diagnose, find, find])) == [
        Place(frozenset(), {"d": None}),
        Place(frozenset({0}), {}),
        Place(frozenset({1}), {"d": 1}),
        Place(frozenset({2}), {"d": 1}),
    ]


def test_the_same_key_twice_is_one_after_the_other() -> None:
    assert after(("/patients", "k", {}), ("/patients", "k", {}), ("/patients", "l", {})) == [
        set(),
        {0},
        set(),
    ]


def test_ids_take_the_place_of_keys_that_are_known() -> None:
    assert resolved("/v1/diagnoses/$d 1/findings/$f/retract", {"d 1": ONE}) == (
        f"/v1/diagnoses/{ONE}/findings/$f/retract"
    )
