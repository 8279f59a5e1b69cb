"""The short form of the campaign *erasure*."""

import json
from pathlib import Path

import pytest

from tests.campaigns import erasure


def test_nothing_is_left_of_the_erased(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = erasure.main(["--seed", "7", "--patients", "6", "--keep", str(tmp_path / "house")])
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line for line in told if line["told"] == "find"] == []
    assert code == 0
    assert [line["told"] for line in told] == ["told", "before", "purged", "after", "erased", "verdict"]
