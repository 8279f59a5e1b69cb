"""A certificate of erasure as it is shown: fields for programs, words for people, and the note."""

from datetime import datetime
from uuid import UUID

import msgspec

from domain.event import Role
from infra.erasure.certificate import Certificate
from infra.notary.note import Head
from locales import Code, When, translate


class ToldHead(msgspec.Struct, frozen=True):
    """How long the log was, and the root of its tree in hex."""

    size: int
    root: str


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What is certified; `note` is the signed text, and the proof of all the rest."""

    log: str
    patients: tuple[UUID, ...]
    basis: str
    by: UUID
    role: Role
    at: datetime
    positions: tuple[int, int]
    before: ToldHead
    after: ToldHead
    keys: int
    rows: int
    tables: int
    wal_overwritten: bool
    finished_at: datetime
    text: str
    note: str


def told(certificate: Certificate, note: str, locale: str, time_zone: str) -> Told:
    return Told(
        log=certificate.log,
        patients=certificate.patients,
        basis=certificate.basis,
        by=certificate.by,
        role=certificate.role,
        at=certificate.at,
        positions=(certificate.first_position, certificate.last_position),
        before=_head(certificate.before),
        after=_head(certificate.after),
        keys=certificate.keys,
        rows=certificate.rows,
        tables=certificate.tables,
        wal_overwritten=certificate.wal_overwritten,
        finished_at=certificate.finished_at,
        text=in_words(certificate, locale, time_zone),
        note=note,
    )


def in_words(certificate: Certificate, locale: str, time_zone: str) -> str:
    """The same for people, a sentence or two on each line."""

    def moment(at: datetime) -> When:
        return When(at, time_zone, "exact")

    patients = [Code(str(patient)) for patient in certificate.patients]
    wal = "wal_overwritten" if certificate.wal_overwritten else "wal_kept"
    return "\n".join(
        (
            translate(locale, "erasure.certificate.title"),
            translate(locale, "erasure.certificate.person", count=len(patients), patients=patients),
            translate(
                locale,
                "erasure.certificate.decision",
                by=Code(str(certificate.by)),
                date=moment(certificate.at),
                basis=Code(certificate.basis),
            ),
            translate(
                locale,
                "erasure.certificate.done",
                keys=certificate.keys,
                rows=certificate.rows,
                tables=certificate.tables,
            ),
            translate(locale, f"erasure.certificate.{wal}"),
            translate(locale, "erasure.certificate.log", log=Code(certificate.log)),
            _line(locale, "before", certificate.before),
            _line(locale, "after", certificate.after),
            translate(locale, "erasure.certificate.finished", date=moment(certificate.finished_at)),
        )
    )


def _line(locale: str, which: str, head: Head) -> str:
    return translate(locale, f"erasure.certificate.{which}", size=head.size, root=Code(head.root.hex()))


def _head(head: Head) -> ToldHead:
    return ToldHead(head.size, head.root.hex())
