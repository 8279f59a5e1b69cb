"""Finds in our own source every code and event tag that the catalogs have to put into words."""

import ast
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

ROOT = Path(__file__).parent.parent
PACKAGES = ("domain", "projections", "infra", "api")

# What is given a code, and at which place: DomainError with its descendants, a field's error, the rendering.
_CODED = {"DomainError": 0, "FieldError": 0, "render": 2}
_TOLD = {"patient", "diagnosis", "recommendation", "feedback"}


class Need(Struct, frozen=True):
    """A place in the source that needs a message; `supplied` names its arguments, None where that is open."""

    key: str
    place: str
    supplied: frozenset[str] | None = None


def needs() -> list[Need]:
    modules = dict(_modules())
    coded = _coded_names(modules)
    return [
        Need(key, f"{name}:{getattr(node, 'lineno', 0)}", supplied)
        for name, module in modules.items()
        for node in ast.walk(module)
        for key, supplied in _keys(node, coded)
    ]


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for package in PACKAGES:
        for file in sorted((ROOT / package).rglob("*.py")):
            yield str(file.relative_to(ROOT)), ast.parse(file.read_bytes())


def _coded_names(modules: dict[str, ast.Module]) -> frozenset[str]:
    """The classes that descend from `DomainError`, wherever they are, and `FieldError`."""
    classes = [
        node for module in modules.values() for node in ast.walk(module) if isinstance(node, ast.ClassDef)
    ]
    names = set(_CODED)
    while more := {node.name for node in classes if names & {_name(base) for base in node.bases}} - names:
        names |= more
    return frozenset(names)


def _keys(node: ast.AST, coded: frozenset[str]) -> Iterator[tuple[str, frozenset[str] | None]]:
    if isinstance(node, ast.Call) and _name(node.func) in coded:
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        code = named.get("code") or next(iter(node.args[_CODED.get(_name(node.func), 0) :]), None)
        supplied = _supplied(named.get("arguments"))
        yield from ((f"problem.{literal}", supplied) for literal in _literals(code))
    if isinstance(node, ast.ClassDef):
        tags = (keyword.value for keyword in node.keywords if keyword.arg == "tag")
        yield from ((key, None) for tag in tags for literal in _literals(tag) for key in _timeline(literal))


def _supplied(given: ast.expr | None) -> frozenset[str] | None:
    if given is None:
        return frozenset()
    if not isinstance(given, ast.Dict):
        return None
    return frozenset(text for key in given.keys for text in _literals(key))


def _timeline(tag: str) -> Iterator[str]:
    category, dot, _ = tag.partition(".")
    if dot and category in _TOLD:
        yield f"timeline.{tag}.title"
        yield f"timeline.{tag}.summary"


def _literals(value: ast.expr | None) -> Iterator[str]:
    """The text itself, or either text of `a if … else b`."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        yield value.value
    if isinstance(value, ast.IfExp):
        yield from _literals(value.body)
        yield from _literals(value.orelse)


def _name(expression: ast.expr) -> str:
    if isinstance(expression, ast.Attribute):
        return expression.attr
    return expression.id if isinstance(expression, ast.Name) else ""
