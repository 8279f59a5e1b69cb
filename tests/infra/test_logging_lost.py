"""A log that cannot be written ends nothing of what it tells of."""

from pathlib import Path

import structlog

from infra.logging import Harmless


def test_a_closed_file_harms_nobody(tmp_path: Path) -> None:
    closed = (tmp_path / "closed").open("w")
    closed.close()
    structlog.WriteLogger(Harmless(closed)).msg("told to nobody")  # type: ignore[arg-type]  # write and flush do
    with (tmp_path / "kept").open("w") as kept:
        structlog.WriteLogger(Harmless(kept)).msg("told")  # type: ignore[arg-type]  # as above
    assert (tmp_path / "kept").read_text() == "told\n"
