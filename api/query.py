"""The parameters that queries share, declared once for the handlers and the OpenAPI document."""

from typing import Annotated

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
