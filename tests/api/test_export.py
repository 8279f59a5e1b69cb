"""What auditors are told they can prove: pages and replays with proofs, and a record that travels."""

import io
import json

from infra.notary import merkle
from infra.notary.note import Verifier, opened
from infra.notary.offline_record import verify_record
from tests.api import stories
from tests.api.house import Caller, House, Json, problem

ENTERED_WRONG = {"reason_code": "CORRECTION.DATA_ENTRY"}


def holds(proof: Json, verifier: Verifier) -> bool:
    """What an outsider checks who has the key."""
    head, _ = opened(proof["checkpoint"], [verifier])
    assert (head.size, head.root.hex()) == (proof["tree_size"], proof["root"])
    path = [bytes.fromhex(hash_) for hash_ in proof["path"]]
    leaf = bytes.fromhex(proof["leaf_hash"])
    return merkle.verify_inclusion(leaf, proof["position"] - 1, head.size, path, head.root)


def key_of(caller: Caller) -> Verifier:
    return Verifier.parse(caller.get("/audit/checkpoint").headers["Tarikh-Verifier-Key"])


def test_a_page_of_events_carries_the_checkpoint_and_the_proofs_asked_for(
    house: House, doctor: Caller, auditor: Caller
) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    key = key_of(auditor)
    page = auditor.read("/audit/events", patient=patient_id)
    assert "proofs" not in page
    assert opened(page["checkpoint"], [key])[0].size
    later = stories.diagnose(doctor, patient_id)["position"]
    proven = auditor.read("/audit/events", patient=patient_id, limit=3, proofs="true")
    assert proven["items"][0]["position"] == later
    assert [one["position"] for one in proven["proofs"]] == [one["position"] for one in proven["items"]]
    assert [one["leaf_hash"] for one in proven["proofs"]] == [one["leaf_hash"] for one in proven["items"]]
    assert all(holds(proof, key) for proof in proven["proofs"])
    assert {proof["checkpoint"] for proof in proven["proofs"]} == {proven["checkpoint"]}
    nobody = auditor.read("/audit/events", patient=stories.nobody(), proofs="true")
    assert (nobody["items"], nobody["proofs"]) == ([], [])


def test_a_replay_shows_side_by_side_what_was_known_and_what_was_corrected(
    house: House, doctor: Caller, auditor: Caller
) -> None:
    _, patient_id, diagnosis_id, _ = stories.treated(house, doctor)
    before = house.position
    doctor.tell(
        f"/diagnoses/{diagnosis_id}/revise", {"changes": {"severity": "moderate"}, **ENTERED_WRONG_WITH_WORDS}
    )
    asked = {"patient": patient_id, "known_at": before, "lang": "fa"}
    alone = auditor.read("/audit/replay", None, **asked)
    assert "as_corrected" not in alone
    both = auditor.read("/audit/replay", None, side_by_side="true", proofs="true", **asked)
    assert both["items"] == alone["items"]
    assert severity(both) == ("mild", False)
    assert severity(both["as_corrected"]) == ("moderate", True)
    today = auditor.read("/audit/replay", patient=patient_id, lang="fa")
    assert both["as_corrected"]["items"] == today["items"]
    key = key_of(auditor)
    events = auditor.read("/audit/events", patient=patient_id)["items"]
    known = sorted(event["position"] for event in events if event["position"] <= before)
    assert [proof["position"] for proof in both["proofs"]] == known
    assert all(holds(proof, key) for proof in both["proofs"])
    rows = auditor.read("/audit/replay", None, read_model="diagnoses", side_by_side="true", **asked)
    (was,), (now,) = rows["tables"]["diagnosis"], rows["as_corrected"]["tables"]["diagnosis"]
    assert (was["severity"], now["severity"]) == ("mild", "moderate")


ENTERED_WRONG_WITH_WORDS = {
    **ENTERED_WRONG,
    "narrative": {"text": "در پذیرش اشتباه وارد شده بود", "lang": "fa"},
}


def severity(replayed: Json) -> tuple[str, bool]:
    (item,) = [item for item in replayed["items"] if item["tag"] == "diagnosis.recorded"]
    return item["data"]["severity"], item["corrected"]


def test_a_record_is_taken_along_and_verified_without_the_house(
    house: House, doctor: Caller, admin: Caller, auditor: Caller
) -> None:
    patient, patient_id, _, _ = stories.treated(house, doctor)
    answered = auditor.get("/audit/export", patient=patient_id)
    assert answered.status_code == 200
    assert answered.headers["content-type"].startswith("application/x-ndjson")
    key = Verifier.parse(answered.headers["Tarikh-Verifier-Key"])
    record = answered.content
    events = auditor.read("/audit/events", patient=patient_id)["items"]
    shown = [json.loads(line)["shown"] for line in record.splitlines()[1:-1]]
    assert shown == events[::-1]
    report = verify_record(io.BytesIO(record), [key])
    assert (report.problems, report.size) == ([], len(events))
    place = record.index("زهرا".encode())
    forged = record[:place] + "زهره".encode() + record[place + len("زهره".encode()) :]
    (problem_found,) = verify_record(io.BytesIO(forged), [key]).problems
    assert problem_found.first == events[-1]["position"]

    for caller in (patient, doctor, admin, house.caller("service")):
        problem(caller.get("/audit/export", patient=patient_id), 403, "access.role")
    problem(auditor.get("/audit/export", patient=stories.nobody()), 404, "not_found")
    admin.tell(f"/patients/{patient_id}/erase", {"legal_basis": "GDPR.17"})
    gone = auditor.get("/audit/export", patient=patient_id).content
    assert verify_record(io.BytesIO(gone), [key]).problems == []
    assert "زهرا".encode() not in gone
    assert {json.loads(line)["shown"]["data"] is None for line in gone.splitlines()[1:-2]} == {True}
