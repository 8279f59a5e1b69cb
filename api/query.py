"""The parameters of queries, declared once: for the handlers, the OpenAPI document and what checks them."""

import inspect
from collections.abc import Callable, Iterator
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import msgspec
from litestar.params import HeaderParameter, QueryParameter

from domain.event import Locale


class OneOf(msgspec.Struct, frozen=True):
    """Stands beside a parameter that lists words of these, separated by commas."""

    words: frozenset[str]


class Parameter(msgspec.Struct, frozen=True):
    """What a query parameter must look like."""

    type: Any
    required: bool = False
    least: float | None = None
    most: float | None = None
    pattern: str | None = None
    words: frozenset[str] | None = None

    def fits(self, text: str) -> bool:
        """Whether a handler could read it."""
        try:
            msgspec.convert(text, Annotated[self.type, self._limits()], strict=False)
        except msgspec.ValidationError:
            return False
        return self.words is None or self.words.issuperset(text.split(","))

    def _limits(self) -> msgspec.Meta:
        # made when needed: the framework copies what a route carries, and no Meta can be copied
        if self.pattern is not None:
            return msgspec.Meta(pattern=self.pattern)
        return msgspec.Meta(ge=self.least, le=self.most)


KnownAt = Annotated[
    str | None, QueryParameter(name="known_at", description="A time or a position: what we knew then.")
]
AsOf = Annotated[
    str | None, QueryParameter(name="as_of", description="A date or a time: what was true then.")
]
Limit = Annotated[int, QueryParameter(name="limit", ge=1, le=200)]
Before = Annotated[str | None, QueryParameter(name="before", description="The `next` of the page before.")]
From = Annotated[str | None, QueryParameter(name="from", description="The first day or time.")]
To = Annotated[str | None, QueryParameter(name="to", description="The day after the last, or a time.")]
Language = Annotated[Locale | None, QueryParameter(name="lang", description="fa, en or ar.")]
MinPosition = Annotated[
    int | None,
    HeaderParameter(name="Tarikh-Min-Position", ge=0, description="Wait until this position is applied."),
]
IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match")]


def parameters(function: Callable[..., Any]) -> dict[str, Parameter]:
    """The query parameters that a function declares, by the names that callers know."""
    defaults = inspect.signature(function).parameters
    return {
        meta.name: Parameter(
            type=_said(get_args(hint)[0]),
            required=defaults[argument].default is inspect.Parameter.empty,
            least=meta.ge,
            most=meta.le,
            pattern=meta.pattern,
            words=words,
        )
        for argument, hint, meta, words in _declared(function)
        if isinstance(meta, QueryParameter) and meta.name
    }


def _said(type_: Any) -> Any:  # noqa: ANN401  any annotation
    """The type of a parameter that is there: what may be left out is declared with None."""
    return get_args(type_)[0] if get_origin(type_) in {Union, UnionType} else type_


def names(function: Callable[..., Any]) -> dict[str, str]:
    """What the arguments of a function are called by those who send them."""
    return {argument: meta.name for argument, _, meta, _ in _declared(function) if meta.name}


def _declared(
    function: Callable[..., Any],
) -> Iterator[tuple[str, Any, QueryParameter | HeaderParameter, frozenset[str] | None]]:
    for argument, hint in get_type_hints(function, include_extras=True).items():
        beside = getattr(hint, "__metadata__", ())
        words = next((one.words for one in beside if isinstance(one, OneOf)), None)
        for meta in beside:
            if isinstance(meta, QueryParameter | HeaderParameter):
                yield argument, hint, meta, words
