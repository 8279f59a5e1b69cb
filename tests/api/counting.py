"""What a request asks of Postgres: its statements, told from those of everybody else by its id."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from psycopg import AsyncCursor

Asked = dict[str, list[str]]
"""The statements of each request, by its `X-Request-Id`."""


@contextmanager
def counting() -> Iterator[Asked]:
    """Listen to all cursors of this process."""
    asked: Asked = defaultdict(list)
    execute = AsyncCursor.execute

    async def heard(cursor: AsyncCursor[Any], query: Any, *args: Any, **kwargs: Any) -> AsyncCursor[Any]:  # noqa: ANN401  whatever psycopg takes
        request = structlog.contextvars.get_contextvars().get("request_id")
        if request is not None:
            text = query if isinstance(query, bytes | str) else query.as_string(cursor)
            asked[str(request)].append(" ".join((text.decode() if isinstance(text, bytes) else text).split()))
        return await execute(cursor, query, *args, **kwargs)

    AsyncCursor.execute = heard  # type: ignore[method-assign,assignment]  # put back below
    try:
        yield asked
    finally:
        AsyncCursor.execute = execute  # type: ignore[method-assign]
