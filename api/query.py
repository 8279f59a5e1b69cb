"""The parameters that queries share, declared once for the handlers and the OpenAPI document."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any, get_type_hints

from litestar.params import HeaderParameter, QueryParameter

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
Language = Annotated[str | None, QueryParameter(name="lang", description="fa, en or ar.")]
MinPosition = Annotated[
    int | None,
    HeaderParameter(name="Tarikh-Min-Position", ge=0, description="Wait until this position is applied."),
]
IfNoneMatch = Annotated[str | None, HeaderParameter(name="If-None-Match")]


def parameters(function: Callable[..., Any]) -> frozenset[str]:
    """The names of the query parameters that a function declares."""
    return frozenset(
        meta.name for _, meta in _declared(function) if isinstance(meta, QueryParameter) and meta.name
    )


def names(function: Callable[..., Any]) -> dict[str, str]:
    """What the arguments of a function are called by those who send them."""
    return {argument: meta.name for argument, meta in _declared(function) if meta.name}


def _declared(function: Callable[..., Any]) -> Iterator[tuple[str, QueryParameter | HeaderParameter]]:
    for argument, hint in get_type_hints(function, include_extras=True).items():
        for meta in getattr(hint, "__metadata__", ()):
            if isinstance(meta, QueryParameter | HeaderParameter):
                yield argument, meta
