"""Whoever may sign in can hold the log to what it said before: checkpoints, proofs, and refusals."""

import httpx
import psycopg
import pytest

from infra.notary import merkle
from infra.notary.note import Checkpoint, Verifier, opened
from tests.api import stories
from tests.api.house import Caller, House, fields, problem


def signed(answered: httpx.Response) -> Checkpoint:
    """A checkpoint, checked with the key that the answer names."""
    assert answered.status_code == 200, answered.text
    assert answered.headers["content-type"].startswith("text/plain")
    checkpoint, _ = opened(answered.text, [Verifier.parse(answered.headers["Tarikh-Verifier-Key"])])
    return checkpoint


def test_an_auditor_proves_that_an_event_is_in_the_log(doctor: Caller, auditor: Caller) -> None:
    told = stories.register(doctor)
    (event,) = auditor.read("/audit/events", patient=told["id"], type="patient.registered")["items"]
    proof = auditor.read(f"/audit/proof/{event['position']}")
    assert set(proof) == {"position", "leaf_hash", "tree_size", "root", "path", "checkpoint"}
    assert (proof["position"], proof["leaf_hash"]) == (event["position"], event["leaf_hash"])
    head = signed(auditor.get("/audit/checkpoint"))
    assert proof["tree_size"] >= event["position"]
    path = [bytes.fromhex(hash_) for hash_ in proof["path"]]
    leaf, root = bytes.fromhex(proof["leaf_hash"]), bytes.fromhex(proof["root"])
    assert merkle.verify_inclusion(leaf, event["position"] - 1, proof["tree_size"], path, root)
    assert f"\n{proof['tree_size']}\n" in proof["checkpoint"]
    assert head.size >= proof["tree_size"]


def test_a_phone_that_kept_a_checkpoint_sees_that_the_log_has_only_grown(
    house: House, doctor: Caller
) -> None:
    patient, _, _, line_id = stories.treated(house, doctor)
    old = signed(patient.get("/audit/checkpoint"))
    stories.answer(patient, line_id)
    new = signed(patient.get("/audit/checkpoint"))
    assert new.size > old.size
    proof = patient.read("/audit/consistency", from_=old.size, to=new.size)
    assert (proof["from"], proof["to"]) == (old.size, new.size)
    path = [bytes.fromhex(hash_) for hash_ in proof["path"]]
    assert merkle.verify_consistency(old.size, new.size, old.root, new.root, path)
    until_now = patient.read("/audit/consistency", from_=old.size)
    assert until_now["to"] >= new.size
    assert patient.read("/audit/consistency", from_=old.size, to=old.size)["path"] == []


def test_what_the_log_does_not_have_is_not_proven(doctor: Caller, auditor: Caller) -> None:
    stories.register(doctor)
    for position in (0, 10**9, 10**30):
        problem(auditor.get(f"/audit/proof/{position}"), 404, "not_found")
    problem(auditor.get("/audit/proof/first"), 404, "not_found")
    for asked in ("from=2&to=1", f"from=1&to={10**9}", f"from={10**9}"):
        told = problem(auditor.get(f"/audit/consistency?{asked}"), 400, "request.malformed")
        assert set(fields(told).values()) == {"request.out_of_range"}
    problem(auditor.get("/audit/consistency"), 400, "request.malformed")
    problem(auditor.get("/audit/consistency", from_=-1), 400, "request.malformed")
    problem(auditor.get("/audit/checkpoint", size=1), 400, "request.unknown_parameter")


@pytest.mark.parametrize("role", ["patient", "practitioner", "auditor", "admin", "service"])
def test_everybody_who_signs_in_may_verify(house: House, doctor: Caller, role: str) -> None:
    position = stories.register(doctor)["position"]
    caller = house.caller(role)  # type: ignore[arg-type]  # one of the roles
    assert caller.get("/audit/checkpoint").status_code == 200
    assert caller.get(f"/audit/proof/{position}").status_code == 200
    assert caller.get("/audit/consistency", from_=1).status_code == 200


def test_a_log_that_was_forked_is_neither_proven_nor_ready(
    house: House, doctor: Caller, auditor: Caller
) -> None:
    stories.register(doctor)
    size = signed(auditor.get("/audit/checkpoint")).size
    flipped = """
        ALTER TABLE log.event DISABLE TRIGGER append_only;
        UPDATE log.event SET leaf_hash = set_byte(leaf_hash, 0, get_byte(leaf_hash, 0) # 1)
        WHERE notification_id = (SELECT max(size) FROM log.tree_head);
        ALTER TABLE log.event ENABLE TRIGGER append_only;
        """
    with psycopg.connect(house.servers.database_url, autocommit=True) as owner:
        owner.execute(flipped)
        try:
            problem(auditor.get(f"/audit/proof/{size}"), 503, "notary.refused")
            problem(auditor.get("/audit/checkpoint"), 503, "notary.refused")
            assert httpx.get(f"{house.url}/health/ready").json()["problems"] == ["notary.refused"]
        finally:
            owner.execute(flipped)
    assert signed(auditor.get("/audit/checkpoint")).size == size
