"""The sums of predictions in the tables: what is erased is subtracted, and a rebuild comes to the same."""

from uuid import UUID

from domain.event import Actor, Origin
from domain.prediction import MakePrediction, ResolvePrediction, Target
from infra.commands import Wish
from infra.ids import new_id
from infra.services import Services
from projections import prediction_accuracy
from projections.prediction_accuracy import Accuracy
from projections.predictions import MODEL
from tests.infra.house import House
from tests.infra.tales import Teller

BY_MODEL = Origin(channel="engine", method="model", model_id="tabib", model_version="3")


async def judged(teller: Teller, probability: float, observed: float) -> UUID:
    """A patient with a prediction that was resolved; gives the patient."""
    await teller._begin()
    line, services = teller.lines[-1], teller.services
    make = MakePrediction(
        version=1,
        target=Target(metric="headache", threshold=3, direction="at_most"),
        horizon_days=30,
        probability=probability,
        baseline=6,
        as_of_position=(await services.reader.head()).position,
    )
    wish = Wish(
        command=make,
        target_id=line.line_id,
        actor=Actor(account_id=new_id(), role="service"),
        origin=BY_MODEL,
        correlation_id=new_id(),
    )
    made = await services.commands.run(wish)
    await teller.say(ResolvePrediction(observed=observed), made.id)
    return line.patient_id


async def told(services: Services) -> Accuracy:
    async with services.pool.connection() as connection:
        return await prediction_accuracy.accuracy(connection, MODEL.schema)


async def test_what_is_erased_is_subtracted_exactly(house: House) -> None:
    async with house.opened() as services:
        teller = Teller(services, 1)
        for probability, observed in ((0.9, 2), (0.8, 1), (0.333333, 5), (0.2, 6), (0.1, 3)):
            await judged(teller, probability, observed)
        await house.catch_up()
        before = await told(services)
        assert (before.overall.status, before.overall.n) == ("scored", 5)
        sixth = await judged(teller, 0.123457, 1)
        await house.catch_up()
        assert (await told(services)).overall.n == 6
        await teller.erase(sixth)
        await house.catch_up()
        assert await told(services) == before
        assert await house.wrong("predictions") == []
        await house.rebuild("predictions")
        assert await told(services) == before
