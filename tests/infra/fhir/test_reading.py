"""Stories of files: what is found in them, under which name, and what is said of what cannot be read."""

import gzip
import json
from pathlib import Path

from infra.fhir.reading import Found, Unreadable, files, resources
from tests.infra.fhir.bundles import care_plan, condition, patient, write_bundle, write_lines


def read(path: Path) -> tuple[list[Found], list[Unreadable]]:
    all_of_it = list(resources(path))
    found = [one for one in all_of_it if isinstance(one, Found)]
    return found, [one for one in all_of_it if isinstance(one, Unreadable)]


def test_references_inside_a_bundle_lead_to_its_entries(tmp_path: Path) -> None:
    found, wrong = read(write_bundle(tmp_path, "b", patient(), condition()))
    assert [one.ref for one in found] == ["Patient/1", "Condition/c1"]
    assert found[1].resolve("urn:uuid:Patient-1") == "Patient/1"
    assert wrong == []


def test_references_are_told_apart_from_servers_and_histories(tmp_path: Path) -> None:
    (found, *_), _ = read(write_lines(tmp_path, "p", [patient()]))
    assert found.resolve("Condition/7") == "Condition/7"
    assert found.resolve("https://example.org/fhir/Condition/7/_history/3") == "Condition/7"
    assert found.resolve("#part") == "Patient/1#part"
    assert found.resolve("#") == "Patient/1"
    assert found.resolve(None) is None


def test_a_contained_condition_stands_for_itself(tmp_path: Path) -> None:
    plan = care_plan(contained=[condition("x"), {"resourceType": "CareTeam", "id": "t"}])
    found, _ = read(write_lines(tmp_path, "plans", [plan]))
    assert [one.ref for one in found] == ["CarePlan/p1", "CarePlan/p1#x"]


def test_a_contained_thing_that_is_none_is_named_with_its_holder(tmp_path: Path) -> None:
    found, wrong = read(write_lines(tmp_path, "plans", [care_plan(contained=[{"id": "no type"}])]))
    assert [one.ref for one in found] == ["CarePlan/p1"]
    assert [one.place.split()[1] for one in wrong] == ["CarePlan/p1"]


def test_one_bad_line_does_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "p.ndjson"
    path.write_text(f"{json.dumps(patient('1'))}\n{{oops\n\n{json.dumps(patient('2'))}\n[]\n", "utf-8")
    found, wrong = read(path)
    assert [one.ref for one in found] == ["Patient/1", "Patient/2"]
    assert [one.place for one in wrong] == [f"{path}:2", f"{path}:5"]


def test_one_bad_entry_does_not_hide_the_others(tmp_path: Path) -> None:
    path = tmp_path / "b.json"
    entries: list[object] = [{"resource": {"id": "no type"}}, {}, {"resource": patient()}]
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}), "utf-8")
    found, wrong = read(path)
    assert [one.ref for one in found] == ["Patient/1"]
    assert [one.code for one in wrong] == ["import.no_resource", "import.no_resource"]


def test_a_resource_without_an_id_has_the_name_of_its_entry(tmp_path: Path) -> None:
    nameless = condition()
    del nameless["id"]
    path = tmp_path / "b.json"
    entries = [{"fullUrl": "urn:uuid:77", "resource": nameless}, {"resource": nameless}]
    path.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}), "utf-8")
    found, wrong = read(path)
    assert [one.ref for one in found] == ["urn:uuid:77"]
    assert [one.code for one in wrong] == ["import.identity_missing"]


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    whole = write_bundle(tmp_path, "whole", patient()).read_bytes()
    for name, content in {"cut": whole[:-20], "no_gzip": b"plain", "empty": gzip.compress(b"")}.items():
        path = tmp_path / f"{name}.json.gz"
        path.write_bytes(content)
        found, wrong = read(path)
        assert found == []
        assert len(wrong) == 1


def test_folders_are_searched_in_a_fixed_order_and_each_file_is_read_once(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    first, second = write_lines(inner, "a", [patient()]), write_bundle(tmp_path, "z", patient())
    (tmp_path / "README.md").write_text("not ours", "utf-8")
    assert files([tmp_path, first]) == [first, second]
