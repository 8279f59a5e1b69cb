"""Checkpoints are C2SP signed notes: what is signed, by whom it may be, and what is no longer one."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.notary.note import Checkpoint, NoteRefused, Signer, Verifier, opened
from infra.secret import Secret

NAME = "tarikh/example/shard/0"
OURS = Signer(NAME, Secret(bytes(range(32))))
OLDER = Signer(NAME, Secret(bytes(32)))
WITNESS = Signer("witness.example/w1", Secret(b"w" * 32))
HEAD = Checkpoint(NAME, 7, bytes(range(32)))
NOTE = OURS.sign(HEAD.text())


def line(note: str) -> str:
    """The signature line of a note."""
    return note.rpartition("\n\n")[2]


def test_a_checkpoint_says_whose_it_is_how_long_and_what() -> None:
    assert NOTE.split("\n")[:4] == [NAME, "7", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", ""]
    assert opened(NOTE, [OURS.verifier]) == (HEAD, OURS.verifier)


def test_a_verifier_key_can_be_read_back() -> None:
    text = str(OURS.verifier)
    name, id_, key = text.split("+", 2)
    assert (name, len(id_)) == (NAME, 8)
    assert base64.b64decode(key)[:1] == b"\x01"
    assert Verifier.parse(text) == OURS.verifier
    other = "0" if id_[0] != "0" else "1"
    for wrong in ("", "x", text[:-4], text.replace(id_, other + id_[1:]), text.replace(NAME, "tarikh/other")):
        with pytest.raises(NoteRefused):
            Verifier.parse(wrong)


def test_an_old_key_that_is_still_known_still_counts() -> None:
    old = OLDER.sign(HEAD.text())
    assert opened(old, [OURS.verifier, OLDER.verifier]) == (HEAD, OLDER.verifier)
    with pytest.raises(NoteRefused, match="no known key"):
        opened(old, [OURS.verifier])


def test_witnesses_may_sign_too_and_alone_do_not_count() -> None:
    witnessed = NOTE + line(WITNESS.sign(HEAD.text()))
    assert opened(witnessed, [OURS.verifier]) == (HEAD, OURS.verifier)
    with pytest.raises(NoteRefused, match="no known key"):
        opened(WITNESS.sign(HEAD.text()), [OURS.verifier, WITNESS.verifier])


def test_one_wrong_signature_of_a_known_key_spoils_the_note() -> None:
    other = OLDER.sign(Checkpoint(NAME, 8, HEAD.root).text())
    with pytest.raises(NoteRefused, match="wrong"):
        opened(NOTE + line(other), [OURS.verifier, OLDER.verifier])


@given(at=st.integers(0, len(NOTE.encode()) - 1), bit=st.integers(0, 7))
def test_no_bit_of_a_note_can_be_changed(at: int, bit: int) -> None:
    altered = bytearray(NOTE.encode())
    altered[at] ^= 1 << bit
    with pytest.raises((NoteRefused, UnicodeDecodeError)):
        opened(altered.decode(), [OURS.verifier])


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{NAME}\n7\n",
        f"{NAME}\n07\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        f"{NAME}\n-7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
        f"{NAME}\n7\nAAECAwQ=\n",
        f"{NAME}\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=\n",
        f"{NAME}\n7\nno base64\n",
        "\n7\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    ],
)
def test_what_is_no_checkpoint_is_refused_though_it_was_signed(text: str) -> None:
    with pytest.raises(NoteRefused):
        opened(OURS.sign(text), [OURS.verifier])


@pytest.mark.parametrize(
    "note", ["", "\n", "x", NOTE.rstrip("\n"), NOTE.replace("—", "-"), NOTE + "\n", HEAD.text()]
)
def test_what_is_no_note_is_refused(note: str) -> None:
    with pytest.raises(NoteRefused):
        opened(note, [OURS.verifier])


def test_lines_of_other_logs_are_passed_over() -> None:
    assert Checkpoint.parse(HEAD.text() + "something more\n") == HEAD
