"""Nobody passes for another: not for a model, not for another system, not for a colleague who approves."""

from collections.abc import Iterator
from uuid import UUID

from domain.errors import FieldError
from domain.event import Facts, Method
from domain.items import Source
from domain.rules import is_import

BY_MACHINE: frozenset[Source] = frozenset({"model", "engine"})


def is_machine(facts: Facts) -> bool:
    """Whether a model, a rule or an engine speaks."""
    return facts.origin.method in {"model", "rule"} or facts.origin.channel == "engine"


def approval_is_own(approved_by: UUID | None, facts: Facts) -> Iterator[FieldError]:
    """Who approves says so themselves; only an import tells who did elsewhere."""
    if approved_by not in {None, facts.actor.account_id} and not is_import(facts):
        yield FieldError(path="approved_by", code="approval.not_yours")


def source_is_own(path: str, source: Source, before: Source | None, facts: Facts) -> Iterator[FieldError]:
    """An item's source is who says it, or who said it in the version before; an import may tell any."""
    if source == before or is_import(facts):
        return
    if source == "import" or (source in BY_MACHINE and not is_machine(facts)):
        yield FieldError(path=path, code="provenance.not_yours")


def method_is_own(path: str, method: Method, facts: Facts) -> Iterator[FieldError]:
    """Only a model finds as a model, and only an import as one; an import may tell any."""
    if is_import(facts):
        return
    if method == "imported" or (method == "model" and not is_machine(facts)):
        yield FieldError(path=path, code="provenance.not_yours")
