"""The ledger of predictions about a patient, and how right models were."""

from uuid import UUID

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.access import Access
from api.caller import services
from api.viewing import AnyRequest, Asking, Sources, by_patient, of_house, reached, view, words
from api.views import subject_of
from projections import prediction_accuracy, prediction_view
from projections.prediction_accuracy import Accuracy
from projections.prediction_view import PredictionView


class Predictions(msgspec.Struct, frozen=True):
    """Predictions of a patient or a recommendation, the latest first."""

    items: tuple[PredictionView, ...]
    position: int


@view("/patients/{id:uuid}/predictions", Access("read_record", "patient"), past=True)
async def patient_predictions(
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  the path calls it so
    asking: NamedDependency[Asking],
) -> Response[Predictions]:
    """What models foretold of a patient, and how it ended."""

    async def read(sources: Sources) -> Predictions:
        found = await sources.ask(prediction_view.by_patient, prediction_view.by_patient_of, words(request))
        return Predictions(found, sources.position)

    return await by_patient(request, "predictions", id, asking, read)


@view("/recommendations/{id:uuid}/predictions", Access("read_record", "recommendation"), past=True)
async def recommendation_predictions(
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  as above
    asking: NamedDependency[Asking],
) -> Response[Predictions]:
    """What models foretold of a recommendation, and how it ended."""

    async def read(sources: Sources) -> Predictions:
        found = await sources.ask(
            prediction_view.by_recommendation, prediction_view.by_recommendation_of, id, words(request)
        )
        return Predictions(found, sources.position)

    return await by_patient(request, "predictions", await subject_of(request, id), asking, read)


@view("/predictions/accuracy", Access("read_accuracy"))
async def accuracy(request: AnyRequest, asking: NamedDependency[Asking]) -> Response[Accuracy]:
    """Brier score, skill and calibration, by model and version."""
    found = services(request)
    model = found.models["predictions"]
    checkpoint = await reached(request, asking, model)
    async with found.pool.connection() as connection:
        answer = await prediction_accuracy.accuracy(connection, model.schema)
    return of_house(request, answer, checkpoint)


ROUTES = [patient_predictions, recommendation_predictions, accuracy]
