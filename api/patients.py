"""Patients themselves: one, and those whom somebody may see."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath

from api.access import Access
from api.caller import services
from api.query import Before, Limit
from api.viewing import AnyRequest, Asking, Sources, by_patient, of_house, reached, view
from projections import patient_view
from projections.patient_view import ListedPatient, PatientView


class Patients(msgspec.Struct, frozen=True):
    """A page of patients, the last registered first."""

    items: tuple[ListedPatient, ...]
    next: str | None
    position: int


@view("/patients", Access("list_patients"))
async def patients(
    request: AnyRequest, asking: NamedDependency[Asking], before: Before = None, limit: Limit = 50
) -> Response[Patients]:
    """The patients of one's care team; for an auditor all of them."""
    found, actor = services(request), request.user.actor
    model, groups = found.models["patients"], found.models["patient_groups"]
    checkpoint = await reached(request, asking, model, groups)
    asked = patient_view.Asked(
        account_id=None if actor.role == "auditor" else actor.account_id,
        now=datetime.now(UTC),
        before=before,
        limit=limit,
    )
    async with found.pool.connection() as connection:
        page = await patient_view.page(connection, model.schema, groups.schema, 0, asked)
    return of_house(request, Patients(page.items, page.next, checkpoint), checkpoint)


@view("/patients/{id:uuid}", Access("read_record", "patient"), past=True)
async def patient(
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  the path calls it so
    asking: NamedDependency[Asking],
) -> Response[PatientView]:
    """Who the patient is, and how the record stands."""

    async def read(sources: Sources) -> PatientView:
        return await sources.ask(patient_view.by_id, patient_view.by_id_of, id)

    return await by_patient(request, "patients", id, asking, read, version=lambda found: found.version)


ROUTES = [patients, patient]
