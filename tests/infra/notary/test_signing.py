"""The notary signs what continues the last it signed, refuses everything else, and proves what is signed."""

import asyncio

import pytest

from domain.patient import PatientErased
from infra.notary import merkle
from infra.notary.note import Signer, Verifier, opened
from infra.notary.signing import NoSuchPosition, Notary, Proof, Refused
from infra.secret import Secret
from tests.domain.spec import NOW, an_id
from tests.infra.notary import reference
from tests.infra.notary.logs import Log
from tests.infra.writing import note, vault, writing

OTHER = Secret(b"k" * 32)


def signed_by(log: Log) -> Verifier:
    with log.owner() as connection:
        (origin,) = connection.execute("SELECT origin FROM log.tree_origin").fetchall()[0]
    return Signer(origin, log.seed).verifier


def heads(log: Log) -> list[tuple[int, bytes]]:
    with log.owner() as connection:
        return connection.execute("SELECT size, root FROM log.tree_head ORDER BY size").fetchall()


def holds(proof: Proof, verifier: Verifier) -> bool:
    """What an outsider checks who has the key: the signature, the root, the path."""
    head, _ = opened(proof.checkpoint, [verifier])
    path = [bytes.fromhex(hash_) for hash_ in proof.path]
    assert (head.size, head.root.hex()) == (proof.tree_size, proof.root)
    leaf = bytes.fromhex(proof.leaf_hash)
    return merkle.verify_inclusion(leaf, proof.position - 1, proof.tree_size, path, head.root)


async def refusal(notary: Notary) -> str:
    with pytest.raises(Refused) as refused:
        await notary.checkpoint()
    return str(refused.value)


async def test_every_checkpoint_is_kept_and_signed_once(log: Log) -> None:
    first, second = await log.sign(0), await log.sign(300)
    assert await log.sign(300) == second
    head, verifier = opened(second, log.known.verifiers())
    assert (head.size, head.root) == (300, reference.root(log.leaves()))
    assert verifier == signed_by(log)
    assert opened(first, [verifier])[0].size == 0
    assert [size for size, _ in heads(log)] == [0, 300]


async def test_many_notaries_at_once_never_contradict_one_another(log: Log) -> None:
    log.fill(200)

    async def sign_and_add(number: int) -> None:
        async with log.notary() as notary:
            await notary.checkpoint()
            if not number:
                await asyncio.to_thread(log.fill, 600)
            await notary.checkpoint()

    await asyncio.gather(*map(sign_and_add, range(4)))
    leaves = log.leaves()
    assert heads(log)[-1][0] == 600
    assert all(root == reference.root(leaves[:size]) for size, root in heads(log))


async def test_events_that_arrive_meanwhile_are_for_the_next_checkpoint(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.fill(200)
    async with log.notary() as notary:
        grow = notary.tree.grow

        async def grow_slowly() -> None:
            await grow()
            log.fill(600)

        monkeypatch.setattr(notary.tree, "grow", grow_slowly)
        assert (await notary.checkpoint()).checkpoint.size == 200
        assert (await notary.checkpoint()).checkpoint.size == 600


@pytest.mark.parametrize("position", [1, 255, 256, 257, 512, 599, 600])
async def test_an_event_is_proven_to_who_has_the_key(log: Log, position: int) -> None:
    await log.sign(600)
    async with log.notary() as notary:
        proof = await notary.prove(position)
    assert (proof.position, proof.tree_size) == (position, 600)
    assert proof.leaf_hash == log.leaves()[position - 1].hex()
    assert holds(proof, signed_by(log))


async def test_what_was_not_signed_yet_is_signed_when_it_is_asked_for(log: Log) -> None:
    await log.sign(10)
    log.fill(20)
    async with log.notary() as notary:
        assert (await notary.prove(10)).tree_size == 10
        assert (await notary.prove(11)).tree_size == 20
        for position in (0, -1, 21):
            with pytest.raises(NoSuchPosition):
                await notary.prove(position)


async def test_a_log_is_proven_to_have_only_grown(log: Log) -> None:
    old, _ = opened(await log.sign(300), [signed_by(log)])
    new, _ = opened(await log.sign(700), [signed_by(log)])
    async with log.notary() as notary:
        proof = await notary.consistency(300)
        path = [bytes.fromhex(hash_) for hash_ in proof.path]
        assert (proof.old, proof.new) == (300, 700)
        assert merkle.verify_consistency(300, 700, old.root, new.root, path)
        assert (await notary.consistency(0)).path == (await notary.consistency(700, 700)).path == []
        for sizes in ((701, None), (2, 1), (1, 701)):
            with pytest.raises(NoSuchPosition):
                await notary.consistency(*sizes)


ANOTHER_LEAF = "UPDATE log.event SET leaf_hash = sha256(leaf_hash) WHERE notification_id = {}"


async def test_a_fork_behind_a_signed_checkpoint_is_refused_and_said(log: Log) -> None:
    await log.sign(300)
    log.alter(ANOTHER_LEAF.format(290))
    log.fill(310)
    async with log.notary() as notary:
        assert "checkpoint of size 300" in await refusal(notary)
        assert await notary.problems() == ["notary.refused"]
        with pytest.raises(Refused):
            await notary.prove(305)
    assert [size for size, _ in heads(log)] == [300]


async def test_a_log_that_was_cut_is_refused_and_said(log: Log) -> None:
    await log.sign(300)
    log.alter("DELETE FROM log.event WHERE notification_id > 280", "UPDATE log.head SET position = 280")
    async with log.notary() as notary:
        assert "positions 281 to 300 were signed and are gone" in await refusal(notary)
        assert await notary.problems() == ["notary.refused"]


@pytest.mark.parametrize("position", [100, 590])
async def test_a_log_with_a_hole_is_refused(log: Log, position: int) -> None:
    log.fill(600)
    log.alter(f"DELETE FROM log.event WHERE notification_id = {position}")
    async with log.notary() as notary:
        assert "tarikh log verify" in await refusal(notary)
    assert heads(log) == []


async def test_a_stored_head_that_nobody_known_signed_is_refused(log: Log) -> None:
    forged = Signer(signed_by(log).name, OTHER)
    text = opened(await log.sign(50), [signed_by(log)])[0].text()
    log.alter(f"UPDATE log.tree_head SET note = '{forged.sign(text)}', verifier = '{forged.verifier}'")
    async with log.notary() as notary:
        assert "no known key" in await refusal(notary)


async def test_an_event_that_was_altered_is_not_proven(log: Log) -> None:
    await log.sign(300)
    log.alter("UPDATE log.event SET state = 'x' WHERE notification_id = 7", ANOTHER_LEAF.format(9))
    async with log.notary() as notary:
        for position in (7, 9):
            with pytest.raises(Refused, match=f"position {position} was altered"):
                await notary.prove(position)
        assert (await notary.prove(8)).position == 8


async def test_a_key_is_replaced_on_purpose_and_never_by_accident(log: Log) -> None:
    old = await log.sign(20)
    first = signed_by(log)
    log.seed = OTHER
    log.fill(30)
    async with log.notary() as notary:
        assert "--new-key" in await refusal(notary)
        assert await notary.problems() == ["notary.refused"]
        signed = await notary.checkpoint(new_key=True)
        assert signed.verifier == signed_by(log) != first
        assert (await notary.checkpoint()).note == signed.note
        assert await notary.problems() == []
    assert log.known.verifiers() == [first, signed_by(log)]
    assert opened(old, log.known.verifiers())[1] == first
    assert log.verify().problems == []


async def test_a_replaced_key_signs_the_same_head_again(log: Log) -> None:
    await log.sign(20)
    log.seed = OTHER
    async with log.notary() as notary:
        signed = await notary.checkpoint(new_key=True)
        assert (signed.checkpoint.size, signed.verifier) == (20, signed_by(log))
        assert await notary.problems() == []
    assert len(heads(log)) == 2


async def test_proofs_of_an_erased_patient_still_hold(log: Log, notary_urls: tuple[str, str]) -> None:
    patient, neighbour = an_id(1), an_id(2)
    erased_for_good = PatientErased(occurred_at=NOW, legal_basis="request")
    async with writing(notary_urls) as (writer, _):
        await writer.append(note(patient))
        await writer.append(note(neighbour))
        async with log.notary() as notary:
            before = await notary.prove(1)
            await writer.append(note(patient, 2, event=erased_for_good))
            async with vault(notary_urls) as keys:
                await keys.destroy({patient})
            after = await notary.prove(1)
            erased = await notary.prove(3)
    assert before.leaf_hash == after.leaf_hash
    assert holds(before, signed_by(log))
    assert holds(after, signed_by(log))
    assert holds(erased, signed_by(log))
    assert log.verify().problems == []
