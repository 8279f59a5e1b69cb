"""Hypothesis strategies for any struct of the domain, read from its own annotations."""

from collections.abc import Mapping
from datetime import date
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st
from msgspec import inspect as mi
from msgspec import structs

from tests.domain.spec import NOW, ago, an_id, hence

Values = st.SearchStrategy[Any]

IDS = st.sampled_from([an_id(n) for n in range(1, 6)])
"""Few ids, so that they meet."""

INSTANTS = st.sampled_from([ago(days=400), ago(days=2), NOW, hence(minutes=4), hence(days=1)])

LETTERS = st.characters(categories=["L", "N", "P", "Zs", "Cf"])
WORDS = st.text(LETTERS, max_size=12)

JSON: Values = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=4,
)


def anything(of: Any, **fixed: Values) -> Values:  # noqa: ANN401 - unions have no type of their own
    """Values that the wire would accept as `of`: a struct, or a union of them.

    `fixed` draws the fields of that name, at any depth, from a strategy of the test's own.
    """
    return st.one_of([_struct(member, fixed) for member in get_args(of) or (of,)])


def _struct(cls: type[msgspec.Struct], fixed: Mapping[str, Values]) -> Values:
    """Field by field: what is fixed may be of a type that has no form on the wire."""
    return st.builds(cls, **{field.name: _field(field, fixed) for field in structs.fields(cls)})


def _field(field: structs.FieldInfo, fixed: Mapping[str, Values]) -> Values:
    if field.name in fixed:
        return fixed[field.name]
    values = _of(mi.type_info(field.type), fixed)
    return values if field.default is msgspec.NODEFAULT else st.just(field.default) | values


def _of(info: mi.Type, fixed: Mapping[str, Values]) -> Values:
    match info:
        case mi.StructType(cls=cls):
            return _struct(cls, fixed)
        case mi.Metadata(type=inner):
            return _of(inner, fixed)
        case mi.UnionType(types=types):
            return st.one_of([_of(each, fixed) for each in types])
        case mi.TupleType(item_types=items):
            return st.tuples(*[_of(each, fixed) for each in items])
        case mi.VarTupleType() | mi.FrozenSetType() | mi.DictType() | mi.ListType():
            return _collection(info, fixed)
        case _:
            return _scalar(info)


def _collection(
    info: mi.VarTupleType | mi.FrozenSetType | mi.DictType | mi.ListType, fixed: Mapping[str, Values]
) -> Values:
    if isinstance(info, mi.DictType):
        return st.dictionaries(_of(info.key_type, fixed), _of(info.value_type, fixed), max_size=3)
    items = st.lists(_of(info.item_type, fixed), max_size=3)
    kinds = {mi.VarTupleType: tuple, mi.FrozenSetType: frozenset, mi.ListType: list}
    return items.map(kinds[type(info)])


def _scalar(info: mi.Type) -> Values:
    match info:
        case mi.StrType(pattern=str(pattern)):
            return st.from_regex(pattern, fullmatch=True)
        case mi.StrType(min_length=least, max_length=most):
            return st.text(LETTERS, min_size=least or 0, max_size=min(most or 40, 40))
        case mi.LiteralType(values=values):
            return st.sampled_from(values)
        case mi.IntType(ge=low, le=high):
            return st.integers(-5 if low is None else low, 5 if high is None else high)
        case mi.FloatType(ge=low, le=high, gt=above):
            return st.floats(low or above or 0.0, high or 9.0, exclude_min=above is not None)
        case _:
            return PLAIN[type(info)]


PLAIN: dict[type[mi.Type], Values] = {
    mi.UUIDType: IDS,
    mi.DateTimeType: INSTANTS,
    mi.DateType: st.dates(date(1890, 1, 1), date(2030, 1, 1)),
    mi.BoolType: st.booleans(),
    mi.NoneType: st.none(),
    mi.AnyType: JSON,
    mi.BytesType: st.binary(max_size=8),
}
