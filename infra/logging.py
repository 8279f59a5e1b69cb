"""Logs that cannot tell what patients said: ids, numbers and codes pass, free text does not.

A value passes when its key is known to hold an id, number or code *and* it looks like one; the name of the
event itself is a code too (`append.failed`). What does not pass is replaced by a note of its kind and length:
a mistake is seen, and nothing is told.
"""

import contextlib
import logging
import re
import sys
import traceback
from collections.abc import Mapping, MutableMapping
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final, TextIO, cast
from uuid import UUID

import structlog

from infra.settings import LogFormat, Settings

# Keys that hold ids, numbers, codes, names of our own things. Add one when its values can be nothing else.
ALLOWED: Final = frozenset(
    {
        "account_id", "actor_id", "address", "batch", "bytes", "cache", "causation_id", "checkpoint",
        "code", "correlation_id", "count", "device_id", "duration_ms", "env", "error", "event", "event_id",
        "events", "fingerprint", "generation", "head", "host", "incident_id", "job", "job_id", "key_id",
        "lag", "level", "locale", "logger", "method", "model", "models", "origin", "patient_id",
        "pid", "port", "position", "positions", "projection", "queue", "reason_code", "recommendation_id",
        "request_id", "role", "route", "schema", "seconds", "shard", "signal", "size", "status", "stream_id",
        "subject_id", "tag", "task", "timestamp", "topic", "trace", "version", "view", "worker", "workers",
    }
)  # fmt: skip
LONGEST: Final = 200
DEEPEST: Final = 12
_CODE: Final = re.compile(r"[A-Za-z0-9_.:/{}@+\-*<>=,\[\]]*")


def configure(settings: Settings) -> None:
    """Send what structlog and the standard library log to stderr, in the form the settings ask for."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            without_messages,
            without_free_text,
            _renderer(settings.log_format),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", Harmless(sys.stderr))),
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Bridge(settings.log_format))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


class Harmless:
    """A file whose faults (closed, full, nobody reads it) do not end what a log line tells of."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.write(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._file.flush()


def bind(**ids: object) -> None:
    """Put ids (the request's, the job's) on every line that follows in this task."""
    structlog.contextvars.bind_contextvars(**ids)


def without_messages(
    _logger: object, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Turn an exception into its type and where it was raised: its message may quote what a patient said."""
    error = entry.pop("exc_info", None)
    error = sys.exc_info()[1] if error is True else error
    error = error[1] if isinstance(error, tuple) else error
    if isinstance(error, BaseException):
        entry["error"] = type(error).__qualname__
        entry["trace"] = places(error)
    return entry


def without_free_text(
    _logger: object, _method: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep the ids, numbers and codes of an entry; of all else keep only what kind of thing it was."""
    return {key: _plain(value) if key in ALLOWED else _note(value) for key, value in entry.items()}


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, UUID | date | datetime):
        return str(value)
    if isinstance(value, str) and len(value) <= LONGEST and _CODE.fullmatch(value):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(part) for key, part in value.items()}
    return _note(value)


def _note(value: object) -> str:
    size = f" {len(value)}" if isinstance(value, str | bytes) else ""
    return f"[{type(value).__name__}{size} withheld]"


def places(error: BaseException) -> list[str]:
    """Return file, line and function of the innermost frames, outermost first."""
    frames = traceback.extract_tb(error.__traceback__)[-DEEPEST:]
    return [f"{'/'.join(Path(frame.filename).parts[-3:])}:{frame.lineno}:{frame.name}" for frame in frames]


def _renderer(form: LogFormat) -> structlog.typing.Processor:
    if form == "json":
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())


class _Bridge(logging.Formatter):
    """Brings lines of libraries through the same door; the arguments of their messages are left out."""

    def __init__(self, form: LogFormat) -> None:
        super().__init__()
        self._render = _renderer(form)

    def format(self, record: logging.LogRecord) -> str:
        entry: MutableMapping[str, Any] = {
            "event": str(record.msg),
            "level": record.levelname.lower(),
            "logger": record.name,
            "timestamp": datetime.fromtimestamp(record.created).astimezone().isoformat(),
            "exc_info": record.exc_info,
        }
        told = without_free_text(None, "", without_messages(None, "", entry))
        if record.args:
            told["event"] = str(record.msg)  # the words of a programmer: what was filled in is not in them
        return str(self._render(None, record.levelname.lower(), told))
