"""The engine: what is projected live is what a rebuild makes of the log, whatever happened."""

import pytest

from infra.projector import projector as projectors
from projections.registry import models
from tests.infra.house import House, tables
from tests.infra.tales import Teller


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_live_is_rebuilt_whatever_happened(
    house: House, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(projectors, "MOST_EVENTS", 7 * seed)
    async with house.opened() as services, house.projecting() as projector:
        teller = Teller(services, seed)
        for _ in range(4):
            await teller.tell(60)
            await projector.catch_up()
        assert await house.wrong() == []
        assert teller.erased
        assert teller.told["ApproveMerge"]
        assert teller.told["RetractFeedback"]
    live = {model.name: tables(house, model) for model in models("Asia/Tehran")}
    await house.rebuild()
    assert {model.name: tables(house, model) for model in models("Asia/Tehran")} == live
    assert await house.wrong() == []
