"""Groups: who is read together, until a reversal separates them again."""

from uuid import UUID

from domain import patient
from projections.model import Rows
from projections.patient_groups import MODEL, group_of
from tests.domain.spec import an_id
from tests.projections.sample import merged, on, registered, reversed_merge
from tests.projections.story import Log

A, B, C = an_id(1), an_id(2), an_id(3)


def merge(log: Log, survivor: UUID, retired: UUID) -> Log:
    log.add(survivor, merged(survivor, retired, "survivor"), subject_id=survivor)
    return log.add(retired, merged(survivor, retired, "retired"), subject_id=retired)


def known(log: Log) -> dict[UUID, Rows]:
    return {member: log.rows(MODEL, member) for member in (A, B, C)}


def test_alone() -> None:
    assert group_of(known(Log().add(A, registered())), A) == ([A], [])


def test_a_chain_is_one_group_seen_from_everybody() -> None:
    rows = known(merge(merge(Log(), A, B), B, C))
    assert [group_of(rows, member) for member in (A, B, C)] == [([A, B, C], [])] * 3


def test_a_reversal_separates_exactly_those_two() -> None:
    log = merge(merge(Log(), A, B), B, C)
    log.add(A, reversed_merge(A, B, "survivor"), subject_id=A)
    log.add(B, reversed_merge(A, B, "retired"), subject_id=B)
    rows = known(log)
    assert [group_of(rows, member)[0] for member in (A, B, C)] == [[A], [B, C], [B, C]]


def test_a_proposal_that_was_called_off_separates_nobody() -> None:
    log = merge(Log(), A, B)
    called_off = patient.PatientMergeReversed(occurred_at=on(9), survivor_id=A, retired_id=B, merged=False)
    log.add(B, called_off, subject_id=B)
    assert group_of(known(log), B)[0] == [A, B]


def test_it_says_whose_rows_are_still_missing() -> None:
    rows = {A: known(merge(Log(), A, B))[A]}
    assert group_of(rows, A) == ([A, B], [B])
