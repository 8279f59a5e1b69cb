"""Who may do what: one pure function over what the accounts' and the patients' own streams say.

Denied is what nobody allowed. What a caller may not know of is not found; what they know of and may not
do is denied, with a reason to translate.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, assert_never, get_args
from uuid import UUID

import msgspec
from msgspec.structs import replace

from domain.event import Actor, Role
from domain.patient import PatientEvent
from domain.patient.events import (
    CareTeamMemberAssigned,
    CareTeamMemberRemoved,
    ConsentGranted,
    ConsentWithdrawn,
    PatientErased,
    PatientMergeReversed,
    PatientRegistered,
    PatientsMerged,
    PatientsMergeProposed,
    Relation,
)
from domain.patient.evolving import after_consent, after_membership
from domain.patient.state import Consent, ConsentKey, MemberKey, Membership

PatientAction = Literal[
    "read_record",
    "write_record",
    "compare_versions",
    "propose_revision",
    "predict",
    "give_feedback",
    "acknowledge",
    "manage_consent",
    "manage_care_team",
    "propose_merge",
    "approve_merge",
    "request_erasure",
    "erase",
    "read_access_log",
]
"""What is done to one patient's record."""

HouseAction = Literal[
    "register_patient",
    "list_patients",
    "send_batch",
    "import_records",
    "read_statistics",
    "read_accuracy",
    "read_audit",
    "manage_accounts",
    "manage_reports",
    "verify_log",
    "read_erasure",
    "read_self",
]
"""What concerns no single patient."""

Action = PatientAction | HouseAction
Basis = Literal["self", "guardian", "proxy", "care_team", "role"]
Refusal = Literal["access.role", "access.relation", "access.no_clinical_content", "access.consent_withdrawn"]

OWN: frozenset[PatientAction] = frozenset(
    {
        "read_record",
        "compare_versions",
        "give_feedback",
        "acknowledge",
        "manage_consent",
        "manage_care_team",
        "request_erasure",
        "read_access_log",
    }
)
"""A patient with their own record, and a guardian in their place."""

PROXY = OWN - {"manage_consent", "manage_care_team", "request_erasure"}
"""A proxy helps day by day, and decides about nobody's trust."""

CARE: frozenset[PatientAction] = frozenset(
    {
        "read_record",
        "write_record",
        "compare_versions",
        "propose_revision",
        "predict",
        "manage_consent",
        "manage_care_team",
        "propose_merge",
        "approve_merge",
    }
)
"""A practitioner of the care team."""

Office = Literal["auditor", "admin", "service"]

ON_ANY_PATIENT: dict[Office, frozenset[PatientAction]] = {
    "auditor": frozenset({"read_record", "compare_versions", "read_access_log"}),
    "admin": frozenset(
        {"compare_versions", "manage_care_team", "propose_merge", "approve_merge", "request_erasure", "erase"}
    ),
    "service": frozenset({"propose_revision", "predict"}),
}
"""An office needs no relation to the patient."""

IN_THE_HOUSE: dict[Role, frozenset[HouseAction]] = {
    "patient": frozenset({"send_batch", "verify_log", "read_self"}),
    "practitioner": frozenset({"register_patient", "list_patients", "send_batch", "verify_log", "read_self"}),
    "auditor": frozenset(
        {"list_patients", "read_accuracy", "read_audit", "verify_log", "read_erasure", "read_self"}
    ),
    "admin": frozenset(
        {
            "read_statistics",
            "read_accuracy",
            "manage_accounts",
            "manage_reports",
            "verify_log",
            "read_erasure",
            "read_self",
        }
    ),
    "service": frozenset({"register_patient", "import_records", "send_batch", "verify_log", "read_self"}),
}

CLINICAL: frozenset[PatientAction] = frozenset({"read_record"})
"""What shows the whole record, which an admin does not see: versions are compared, patients are not read."""


class Allowed(msgspec.Struct, frozen=True):
    """`basis` says on what ground, for the audit of reads."""

    basis: Basis


class NotFoundForCaller(msgspec.Struct, frozen=True):
    """The answer is that of a thing that is not there."""


class Denied(msgspec.Struct, frozen=True):
    """The caller knows that it is there, and may learn why not."""

    code: Refusal


Decision = Allowed | NotFoundForCaller | Denied


class PatientAccess(msgspec.Struct, frozen=True, kw_only=True):
    """What a patient's own stream says about access; starts with nothing but the id."""

    patient_id: UUID
    registered: bool = False
    erased: bool = False
    care_team: dict[MemberKey, Membership] = {}
    consents: dict[ConsentKey, Consent] = {}
    merged_into: UUID | None = None
    absorbed: frozenset[UUID] = frozenset()
    proposed_into: UUID | None = None

    @property
    def merged_with(self) -> frozenset[UUID]:
        """The other records that this one itself was merged with."""
        return self.absorbed if self.merged_into is None else self.absorbed | {self.merged_into}


TELLING: frozenset[type[PatientEvent]] = frozenset(
    {
        PatientRegistered,
        ConsentGranted,
        ConsentWithdrawn,
        CareTeamMemberAssigned,
        CareTeamMemberRemoved,
        PatientsMergeProposed,
        PatientsMerged,
        PatientMergeReversed,
        PatientErased,
    }
)
"""The events that say something about access; no other changes what `evolve_access` gives."""


def evolve_access(access: PatientAccess, event: PatientEvent) -> PatientAccess:
    match event:
        case PatientRegistered():
            return replace(access, registered=True)
        case ConsentGranted() | ConsentWithdrawn():
            return replace(access, consents=after_consent(access.consents, event))
        case CareTeamMemberAssigned() | CareTeamMemberRemoved():
            return replace(access, care_team=after_membership(access.care_team, event))
        case PatientsMergeProposed() | PatientsMerged() | PatientMergeReversed():
            return _after_merge(access, event)
        case PatientErased():
            return PatientAccess(patient_id=access.patient_id, registered=True, erased=True)
        case _:
            return access


def _after_merge(
    access: PatientAccess, event: PatientsMergeProposed | PatientsMerged | PatientMergeReversed
) -> PatientAccess:
    match event:
        case PatientsMergeProposed():
            return replace(access, proposed_into=event.survivor_id)
        case PatientsMerged(side="retired"):
            return replace(access, merged_into=event.survivor_id, proposed_into=None)
        case PatientsMerged():
            return replace(access, absorbed=access.absorbed | {event.retired_id})
        case PatientMergeReversed(side="retired"):
            return replace(access, merged_into=None, proposed_into=None)
        case PatientMergeReversed():
            return replace(access, absorbed=access.absorbed - {event.retired_id})
        case _:
            assert_never(event)


def allowed(actor: Actor, action: Action, access: PatientAccess | None, now: datetime) -> Decision:
    """Whether `actor` may do `action` at `now`; `access` is that of the patient it concerns, if any."""
    if action in get_args(HouseAction):
        return Allowed("role") if action in IN_THE_HOUSE[actor.role] else Denied("access.role")
    if access is None or not access.registered:
        return NotFoundForCaller()
    match actor.role:
        case "patient":
            return _to_patient(actor, action, access, now)
        case "practitioner":
            return _to_practitioner(actor, action, access, now)
        case "auditor" | "admin" | "service":
            return _to_office(actor.role, action)
        case _:
            assert_never(actor.role)


def allowed_to_person(
    actor: Actor, action: Action, group: Sequence[PatientAccess], now: datetime
) -> Decision:
    """The same of a person with all records that were merged into one, `group`: each opens all of them.

    But a word of theirs against being cared for, in whichever record, closes them all.
    """
    decisions = [allowed(actor, action, access, now) for access in group]
    refused = Denied("access.consent_withdrawn")
    if refused in decisions:
        return refused
    if Allowed("care_team") in decisions and not all(_may_care(one, actor.account_id, now) for one in group):
        return refused
    for kind in (Allowed, Denied):
        for decision in decisions:
            if isinstance(decision, kind):
                return decision
    return NotFoundForCaller()


def _to_patient(actor: Actor, action: Action, access: PatientAccess, now: datetime) -> Decision:
    """Their own record, under whichever id of their group, or one that was entrusted to them."""
    if actor.patient_id in {access.patient_id, *access.merged_with}:
        return Allowed("self") if action in OWN else Denied("access.relation")
    if _lives(access, actor.account_id, "guardian", now):
        return Allowed("guardian") if action in OWN else Denied("access.relation")
    if _lives(access, actor.account_id, "proxy", now):
        return Allowed("proxy") if action in PROXY else Denied("access.relation")
    return NotFoundForCaller()


def _to_practitioner(actor: Actor, action: Action, access: PatientAccess, now: datetime) -> Decision:
    if not _lives(access, actor.account_id, "practitioner", now):
        return NotFoundForCaller()
    if action not in CARE:
        return Denied("access.relation")
    if not _may_care(access, actor.account_id, now):
        return Denied("access.consent_withdrawn")
    return Allowed("care_team")


def _to_office(role: Office, action: Action) -> Decision:
    if action in ON_ANY_PATIENT[role]:
        return Allowed("role")
    if role == "service":
        return NotFoundForCaller()
    if role == "admin" and action in CLINICAL:
        return Denied("access.no_clinical_content")
    return Denied("access.role")


def _lives(access: PatientAccess, account_id: UUID, relation: Relation, now: datetime) -> bool:
    member = access.care_team.get((account_id, relation))
    return member is not None and (member.until is None or now < member.until)


def _may_care(access: PatientAccess, account_id: UUID, now: datetime) -> bool:
    """The relation implies consent to care until the patient speaks of it; a word about one counts first."""
    keys: tuple[ConsentKey, ...] = (("care", account_id), ("care", None))
    spoken = [access.consents[key] for key in keys if key in access.consents]
    if not spoken:
        return True
    return spoken[0].given and any(
        consent.given and (consent.expires_at is None or now < consent.expires_at) for consent in spoken
    )
