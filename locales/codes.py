"""Finds in our own source every code and event tag that the catalogs have to put into words."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("domain", "projections", "infra", "api")

# Fields that carry a code: `FieldError(code=…)`; and the roots of the classes that are raised with one.
_CODED = {"DomainError", "FieldError"}
_TOLD = {"patient", "diagnosis", "recommendation", "feedback"}


def needed() -> dict[str, str]:
    """Catalog key → where in the source it is needed."""
    modules = dict(_modules())
    coded = _coded_names(modules)
    keys: dict[str, str] = {}
    for name, module in modules.items():
        for node in ast.walk(module):
            for key in _keys(node, coded):
                keys.setdefault(key, f"{name}:{getattr(node, 'lineno', 0)}")
    return keys


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


def _keys(node: ast.AST, coded: frozenset[str]) -> Iterator[str]:
    if isinstance(node, ast.Call) and _name(node.func) in coded:
        given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "code")]
        for value in given:
            yield from (f"problem.{code}" for code in _literals(value))
    if isinstance(node, ast.ClassDef):
        for keyword in node.keywords:
            if keyword.arg == "tag":
                yield from (key for tag in _literals(keyword.value) for key in _timeline(tag))


def _timeline(tag: str) -> Iterator[str]:
    category, dot, _ = tag.partition(".")
    if dot and category in _TOLD:
        yield f"timeline.{tag}.title"
        yield f"timeline.{tag}.summary"


def _literals(value: ast.expr) -> Iterator[str]:
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
