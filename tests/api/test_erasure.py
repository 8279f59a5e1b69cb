"""An erasure over HTTP: what is left are proofs, a certificate, and a phone that learns to wipe itself."""

import asyncio
import base64
from pathlib import Path
from uuid import UUID

import pytest

from infra.cli import main
from infra.erasure.carrying import carry
from infra.notary import merkle
from infra.notary.note import Verifier, read
from infra.services import opened
from infra.settings import Settings
from tests.api import stories
from tests.api.house import Caller, House, problem

BASIS = {"legal_basis": "GDPR.17"}


@pytest.fixture
def people(doctor: Caller, admin: Caller, auditor: Caller) -> tuple[Caller, Caller, Caller]:
    return doctor, admin, auditor


def carried(house: House) -> None:
    """What the worker does."""

    async def work() -> None:
        async with opened(house.settings, house.servers) as services:
            await carry(services)

    asyncio.run(work())


def test_an_admin_and_an_auditor_see_the_certificate(
    house: House, doctor: Caller, admin: Caller, auditor: Caller
) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    path = f"/patients/{patient_id}/erasure"
    problem(admin.get(path), 404, "not_found")
    answered = admin.tell(f"/patients/{patient_id}/erase", BASIS)
    early = admin.get(path)
    assert problem(early, 503, "erasure.unfinished")
    assert early.headers["Retry-After"]
    carried(house)
    told = admin.read(path)
    assert told == auditor.read(path)
    assert told["patients"] == [patient_id]
    assert (told["basis"], told["by"], told["role"]) == ("GDPR.17", str(admin.account_id), "admin")
    assert told["positions"] == [answered["position"]] * 2
    assert (told["keys"], told["rows"] > 5, told["tables"] >= 5) == (1, True, True)
    for lang, words in (("fa", "گواهی پاک‌سازی"), ("en", "Certificate of erasure"), ("ar", "شهادة المحو")):
        assert auditor.read(path, lang=lang)["text"].startswith(words)
    key = Verifier.parse(auditor.get("/audit/checkpoint").headers["Tarikh-Verifier-Key"])
    text, _ = read(told["note"], [key], "the certificate")
    assert f"\nafter {told['after']['size']} {b64(told['after']['root'])}\n" in text
    for nosy in (doctor, house.caller("patient", UUID(patient_id)), house.caller("service")):
        assert nosy.get(path).status_code in {403, 404}


def b64(root: str) -> str:
    return base64.b64encode(bytes.fromhex(root)).decode()


def test_the_log_went_from_before_to_after_and_on(
    house: House, doctor: Caller, admin: Caller, auditor: Caller
) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    admin.tell(f"/patients/{patient_id}/erase", BASIS)
    carried(house)
    stories.register(doctor)
    told = auditor.read(f"/patients/{patient_id}/erasure")
    before, after = told["before"], told["after"]
    assert (before["size"] + 1, after["size"]) == (told["positions"][0], told["positions"][1])
    proof = auditor.read("/audit/consistency", from_=before["size"], to=after["size"])
    old, new = (bytes.fromhex(head["root"]) for head in (before, after))
    path = [bytes.fromhex(hash_) for hash_ in proof["path"]]
    assert merkle.verify_consistency(before["size"], after["size"], old, new, path)


def test_proofs_of_what_the_erased_said_still_hold(
    house: House,
    people: tuple[Caller, Caller, Caller],
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    doctor, admin, auditor = people
    _, patient_id, _, _ = stories.treated(house, doctor)
    events = auditor.read("/audit/events", patient=patient_id)["items"]
    proven = {event["position"]: event["leaf_hash"] for event in events}
    admin.tell(f"/patients/{patient_id}/erase", BASIS)
    carried(house)
    for position, leaf_hash in proven.items():
        proof = auditor.read(f"/audit/proof/{position}")
        assert proof["leaf_hash"] == leaf_hash
        path = [bytes.fromhex(hash_) for hash_ in proof["path"]]
        leaf, root = bytes.fromhex(leaf_hash), bytes.fromhex(proof["root"])
        assert merkle.verify_inclusion(leaf, position - 1, proof["tree_size"], path, root)
    keys = settings.data_dir / "secrets"
    given = {
        "DATABASE_URL": house.servers.database_url,
        "VAULT_URL": house.servers.vault_url,
        "CACHE_URL": "none",
        "DATA_DIR": str(house.settings.data_dir),
        **{f"{name}_KEY_FILE": str(keys / f"{name.lower()}.key") for name in ("MASTER", "TOKEN", "NOTARY")},
    }
    for name, value in given.items():
        monkeypatch.setenv(f"TARIKH_{name}", value)
    file = str(tmp_path / "log.export")
    assert main(["log", "export", file]) == 0
    assert main(["log", "verify", "--export", file]) == 0
    assert main(["log", "verify"]) == 0


def test_a_phone_that_was_away_learns_that_it_must_wipe_itself(
    house: House, doctor: Caller, admin: Caller
) -> None:
    phone, patient_id, diagnosis_id, line_id = stories.treated(house, doctor)
    origin = {"device_id": "phone-1", "client_event_id": "7", "method": "self_report"}
    body = {"recommendation_version": 1, "rating": 4, "origin": origin}
    feedback = phone.tell(f"/recommendations/{line_id}/feedback", body)
    kept = phone.get(f"/patients/{patient_id}/timeline").headers["ETag"]
    admin.tell(f"/patients/{patient_id}/erase", BASIS)
    own = (f"/patients/{patient_id}", f"/patients/{patient_id}/timeline", f"/patients/{patient_id}/diagnoses")
    for path in (*own, f"/diagnoses/{diagnosis_id}", f"/recommendations/{line_id}"):
        problem(phone.get(path), 410, "patient.erased")
    problem(phone.get(own[1], {"If-None-Match": kept}), 410, "patient.erased")
    problem(phone.get(own[1], known_at=feedback["position"]), 410, "patient.erased")
    new = {**body, "origin": {**origin, "client_event_id": "8"}}
    for said in (body, new):
        problem(phone.post(f"/recommendations/{line_id}/feedback", said), 410, "patient.erased")
    problem(phone.post(f"/feedback/{feedback['id']}/amend", {}), 410, "patient.erased")


def test_an_erasure_is_answered_as_any_command(house: House, doctor: Caller, admin: Caller) -> None:
    _, patient_id, _, _ = stories.treated(house, doctor)
    path = f"/patients/{patient_id}/erase"
    key = {"Idempotency-Key": stories.number()}
    first = admin.post(path, BASIS, key)
    assert first.status_code == 200, first.text
    assert set(first.json()) == {"id", "version", "position"}
    assert first.json()["id"] == patient_id
    assert first.headers["ETag"] == f'"{first.json()["version"]}"'
    assert first.headers["Tarikh-Position"] == str(first.json()["position"])
    again = admin.post(path, BASIS, key)
    assert again.status_code in {200, 410}, again.text
