"""`tarikh log`: what operators and auditors type, what they read, and the exit code that a script sees."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from infra.cli import main
from tests.infra.house import environment
from tests.infra.notary.logs import Log


@dataclass
class Desk:
    """Somebody at a terminal, in a folder of their own."""

    folder: Path
    environment: dict[str, str]
    patch: pytest.MonkeyPatch
    heard: pytest.CaptureFixture[str]

    def run(self, *words: str, code: int = 0, changed: dict[str, str] | None = None) -> str:
        """What a command says on stdout, or, where it fails, on stderr too."""
        with self.patch.context() as patch:
            patch.chdir(self.folder)
            for name, value in {**self.environment, **(changed or {})}.items():
                patch.setenv(name, value)
            ended = main(["log", *words])
        out, err = self.heard.readouterr()
        assert ended == code, out + err
        return out if code == 0 else out + err


@pytest.fixture
def desk(
    log: Log,
    notary_urls: tuple[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Desk:
    log.fill(300)
    return Desk(tmp_path, environment(notary_urls, tmp_path / "data"), monkeypatch, capsys)


def test_an_auditor_keeps_a_checkpoint_and_verifies_an_export_elsewhere(desk: Desk, log: Log) -> None:
    note = desk.run("checkpoint")
    kept = desk.folder / "kept"
    kept.write_text(note)
    head = json.loads(desk.run("checkpoint", "--json"))
    assert (head["size"], head["checkpoint"]) == (300, note)
    log.fill(310)
    told = desk.run("export", "log.export")
    assert "310 events" in told
    assert head["key"] in told
    assert (desk.folder / "log.export").stat().st_mode & 0o077 == 0
    nothing = dict.fromkeys(desk.environment, "") | {"TARIKH_DATA_DIR": str(desk.folder / "nowhere")}
    verify = ("verify", "--export", "log.export", "--checkpoint", "kept")
    assert "ok: 310 events" in desk.run(*verify, "--key", head["key"], changed=nothing)
    assert "a key that stands in the file itself" in desk.run(*verify, changed=nothing)
    assert not (desk.folder / "nowhere").exists()
    report = json.loads(desk.run("verify", "--json", "--checkpoint", "kept"))
    assert (report["ok"], report["size"], report["first_bad_position"]) == (True, 310, None)


def test_what_is_wrong_is_named_and_ends_with_one(desk: Desk, log: Log) -> None:
    desk.run("export", "log.export")
    (desk.folder / "kept").write_text(desk.run("checkpoint"))
    export = bytearray((desk.folder / "log.export").read_bytes())
    export[-1] ^= 1
    (desk.folder / "log.export").write_bytes(export)
    assert "wrong: position 300: the event does not match" in desk.run(
        "verify", "--export", "log.export", code=1
    )
    report = json.loads(desk.run("verify", "--export", "log.export", "--json", code=1))
    assert (report["ok"], report["first_bad_position"]) == (False, 300)
    log.alter("UPDATE log.event SET leaf_hash = sha256(leaf_hash) WHERE notification_id = 290")
    assert "wrong: position 290" in desk.run("verify", code=1)
    assert "wrong: position 290" in desk.run("verify", "--checkpoint", "kept", code=1)
    assert "tarikh: position 290 was altered" in desk.run("prove", "290", code=1)
    log.fill(301)
    assert "tarikh: the log does not continue the checkpoint of size 300" in desk.run("checkpoint", code=1)
    assert "tarikh: the log does not continue" in desk.run("export", "other.export", code=1)
    assert not (desk.folder / "other.export").exists()


def test_tables_and_keys_that_were_spoilt_are_said_in_one_line(desk: Desk, log: Log) -> None:
    desk.run("checkpoint")
    with log.owner() as owner:
        owner.execute("ALTER TABLE log.tree RENAME TO wood")
        try:
            assert "tarikh: the tables of the log are not as they were made" in desk.run("verify", code=1)
        finally:
            owner.execute("ALTER TABLE log.wood RENAME TO tree")
    (desk.folder / "data" / "secrets" / "notary.verifiers").write_text("nonsense")
    (desk.folder / "log.export").write_bytes(b"")
    for words in (("verify",), ("checkpoint",), ("verify", "--export", "log.export")):
        assert "notary.verifiers cannot be read" in desk.run(*words, code=1)


def test_proofs_are_documents(desk: Desk) -> None:
    proof = json.loads(desk.run("prove", "17"))
    assert list(proof) == ["position", "leaf_hash", "tree_size", "root", "path", "checkpoint"]
    assert (proof["position"], proof["tree_size"]) == (17, 300)
    grown = json.loads(desk.run("consistency", "--from", "17"))
    assert (grown["from"], grown["to"]) == (17, 300)
    assert json.loads(desk.run("consistency", "--from", "17", "--to", "20"))["to"] == 20
    assert "tarikh: the log is not that long" in desk.run("prove", "301", code=1)
    assert "tarikh: the log is not that long" in desk.run("consistency", "--from", "301", code=1)


def test_what_makes_no_sense_ends_with_two(desk: Desk) -> None:
    for words in (
        ("prove", "first"),
        ("prove",),
        ("consistency",),
        ("verify", "--export", "nothing"),
        ("verify", "--checkpoint", "nothing"),
        ("verify", "--key", "nothing"),
        ("export", "no/such/folder/file"),
    ):
        assert "Traceback" not in desk.run(*words, code=2)


def test_a_key_is_replaced_on_purpose(desk: Desk) -> None:
    desk.run("checkpoint")
    (desk.folder / "new.key").write_text("6" * 64)
    new = {"TARIKH_NOTARY_KEY_FILE": str(desk.folder / "new.key")}
    assert "--new-key" in desk.run("checkpoint", code=1, changed=new)
    assert "is not one of" in desk.run("verify", code=1, changed=new)
    desk.run("checkpoint", "--new-key", changed=new)
    assert "ok: 300 events" in desk.run("verify", changed=new)
