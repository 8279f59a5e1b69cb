"""No log line tells what a patient said, however carelessly it was written."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from uuid import uuid4

import msgspec
import pytest
import structlog

from infra.logging import LONGEST, bind, configure
from infra.settings import Settings

SAID = "سردرد شدید دارم"
TYPED = "Severe headache since Monday"


@pytest.fixture
def lines(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is written to stderr by loggers that were set up as a process does it."""
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    monkeypatch.setattr(sys, "stderr", written)
    configure(msgspec.structs.replace(settings, log_format="json"))
    yield written
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    root.handlers[:] = handlers
    root.setLevel(level)


def last(written: io.StringIO) -> dict[str, object]:
    line: dict[str, object] = json.loads(written.getvalue().splitlines()[-1])
    return line


def test_ids_numbers_and_codes_pass(lines: io.StringIO) -> None:
    patient = uuid4()
    bind(request_id="r-17")
    structlog.get_logger().info("append.done", patient_id=patient, position=12, reason_code="SAFETY.ALLERGY")
    line = last(lines)
    assert line["event"] == "append.done"
    assert (line["patient_id"], line["position"], line["request_id"]) == (str(patient), 12, "r-17")
    assert line["reason_code"] == "SAFETY.ALLERGY"


@pytest.mark.parametrize("text", [SAID, TYPED, "x" * (LONGEST + 1)])
@pytest.mark.parametrize("key", ["comment", "narrative", "patient_id", "code", "positions"])
def test_free_text_passes_under_no_name(lines: io.StringIO, key: str, text: str) -> None:
    structlog.get_logger().info("feedback.submitted", **{key: text})
    structlog.get_logger().info("feedback.submitted", **{key: [text]})
    structlog.get_logger().info("feedback.submitted", **{key: {"code": text}})
    written = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert len(written) == 3
    assert text not in json.dumps(written, ensure_ascii=False)


def test_a_sentence_is_no_event(lines: io.StringIO) -> None:
    structlog.get_logger().warning(f"patient said {TYPED}")
    assert TYPED not in lines.getvalue()


def test_an_exception_tells_its_kind_and_place_but_not_its_words(lines: io.StringIO) -> None:
    try:
        int(TYPED)
    except ValueError:
        structlog.get_logger().exception("append.failed")
    assert TYPED not in lines.getvalue()
    assert last(lines)["error"] == "ValueError"
    assert "test_logging.py" in str(last(lines)["trace"])


def test_libraries_come_through_the_same_door(lines: io.StringIO) -> None:
    library = logging.getLogger("a.library")
    library.warning("cannot parse %s", TYPED)
    assert last(lines)["event"] == "cannot parse %s"
    library.warning(TYPED)
    assert TYPED not in lines.getvalue()
