"""`tarikh patient`: forget a person for good."""

import argparse
import asyncio
import sys
from typing import TYPE_CHECKING
from uuid import UUID

from infra.cli.command import Subparsers, add, add_group, print_json, settings
from infra.errors import CommandFailed, CommandMisused

if TYPE_CHECKING:
    from infra.embedded import Servers
    from infra.erasure.telling import Told
    from infra.services import Services
    from infra.settings import Settings

OPERATOR = UUID("00000000-0000-7000-8000-000000000002")
"""Whoever sits at the command line, where nobody else is named."""
STEPS = {
    "event": "the log refuses the patient",
    "ledger": "the erasure ledger names them",
    "keys": "the keys are destroyed, and every process was told",
    "vault": "the vault is written anew",
    "purged": "every read model is purged",
    "rewritten": "the tables that held their rows are written anew",
    "wal": "the write-ahead log was seen to",
    "certificate": "the certificate is signed",
}


def register(subparsers: Subparsers) -> None:
    group = add_group(subparsers, "patient", "See to a patient's record.")
    erasing = add(
        group, "erase", erase, "Forget a person for good, whatever it takes, and show the certificate."
    )
    erasing.add_argument("patient", type=UUID, metavar="ID", help="the patient")
    erasing.add_argument(
        "--basis", required=True, metavar="TEXT", help="the legal basis, a code such as GDPR.17"
    )
    erasing.add_argument("--by", type=UUID, default=OPERATOR, metavar="ACCOUNT", help="who decided it")
    erasing.add_argument("--json", action="store_true", help="answer for programs")


def erase(arguments: argparse.Namespace) -> int:
    from infra.running import ready

    chosen = settings()
    with ready(chosen) as servers:
        told = asyncio.run(_erased(chosen, servers, arguments))
    if arguments.json:
        print_json(told)
    else:
        print(f"\n{told.text}\n\n{told.note}", end="")
    return 0


async def _erased(chosen: "Settings", servers: "Servers", arguments: argparse.Namespace) -> "Told":
    from infra.erasure.carrying import carry, certificate_of
    from infra.erasure.telling import told
    from infra.notary.signing import Refused
    from infra.services import opened

    async with opened(chosen, servers) as services:
        await _record(services, arguments.patient, arguments.basis, arguments.by)
        _show("event")
        try:
            await carry(services, _show)
            found = await certificate_of(services, arguments.patient)
        except Refused as error:
            raise CommandFailed(f"the person is forgotten, but there is no certificate: {error}") from error
    return told(*found, chosen.locale, str(chosen.time_zone))


async def _record(services: "Services", patient: UUID, basis: str, by: UUID) -> None:
    """The event; nothing where it stands already. Raises CommandFailed, CommandMisused."""
    from domain.errors import DomainError, NotFound
    from domain.event import Actor, Origin
    from domain.patient import ErasePatient
    from infra.commands import Wish
    from infra.erasure.heads import sign_head
    from infra.event_log.append import OutcomeUnknown, StorageUnavailable
    from infra.ids import new_id

    await sign_head(services.notary)
    wish = Wish(
        command=ErasePatient(legal_basis=basis),
        target_id=patient,
        actor=Actor(account_id=by, role="admin"),
        origin=Origin(),
        correlation_id=new_id(),
        locale=services.settings.locale,
        digest="-",
    )
    try:
        await services.commands.run(wish)
    except NotFound as error:
        raise CommandFailed(f"there is no patient {patient}") from error
    except DomainError as error:
        raise _refused(error) from error
    except (StorageUnavailable, OutcomeUnknown) as error:
        raise CommandFailed("the log cannot be reached; run the same command again") from error


def _refused(error: Exception) -> Exception:
    from domain.errors import DomainError
    from locales import translate

    codes = [one.code for one in error.errors] if isinstance(error, DomainError) else []
    if "erasure.basis_code" in codes:
        return CommandMisused(
            "--basis: it takes a code and no words, such as GDPR.17: up to 64 letters, digits and . _ : / -"
        )
    said = "; ".join(translate("en", f"problem.{code}") for code in codes) or str(error)
    return CommandFailed(f"not erased: {said}")


def _show(step: str) -> None:
    print(f"done: {STEPS[step]}", file=sys.stderr, flush=True)
