"""The certificate of an erasure, for auditors and admins; of the person there is nothing left to show."""

from uuid import UUID

from litestar import Response
from litestar.params import FromPath

from api.access import Access
from api.caller import services
from api.viewing import AnyRequest, of_house, view
from infra.erasure.carrying import certificate_of
from infra.erasure.telling import Told, told


@view("/patients/{id:uuid}/erasure", Access("read_erasure"), also=(404,))
async def patient_erasure(request: AnyRequest, id: FromPath[UUID]) -> Response[Told]:  # noqa: A002  the path calls it so
    """What is certified of a patient's erasure: who, when, on what ground, and what was done."""
    found = services(request)
    certificate, note = await certificate_of(found, id)
    answer = told(certificate, note, request.user.locale, str(found.settings.time_zone))
    return of_house(request, answer, certificate.last_position)


ROUTES = [patient_erasure]
