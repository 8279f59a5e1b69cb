"""The queries about one patient: timeline, diagnoses, recommendations and their comparison."""

from typing import Annotated
from uuid import UUID

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter

from api.access import Access
from api.caller import services
from api.query import Before, From, Limit, OneOf, To
from api.viewing import AnyRequest, Asking, Sources, by_patient, period, view, words
from domain.errors import NotFound
from projections import change_view, decision_view, diagnosis_view, timeline_page, version_view
from projections.change_view import ComparedVersions
from projections.diagnosis_view import DiagnosisView
from projections.timeline_item import KINDS
from projections.timeline_page import Page
from projections.version_view import Recommendation

LAST = 2**31 - 1
Version = Annotated[int | None, QueryParameter(name="version", ge=1, le=LAST)]
FirstVersion = Annotated[int, QueryParameter(name="from", ge=1, le=LAST)]
LastVersion = Annotated[int, QueryParameter(name="to", ge=1, le=LAST)]
Kinds = Annotated[
    str | None,
    QueryParameter(name="kind", description="Kinds of items, separated by commas."),
    OneOf(frozenset(KINDS.values())),
]
OfDiagnosis = Annotated[UUID | None, QueryParameter(name="diagnosis")]
PLACE = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}:[1-9][0-9]{0,8}$"
Left = Annotated[str, QueryParameter(name="left", pattern=PLACE, description="RECOMMENDATION:VERSION")]
Right = Annotated[str, QueryParameter(name="right", pattern=PLACE, description="RECOMMENDATION:VERSION")]


class Diagnoses(msgspec.Struct, frozen=True):
    """All diagnoses of a patient, the latest first."""

    items: tuple[DiagnosisView, ...]
    position: int


class Recommendations(msgspec.Struct, frozen=True):
    """Recommendations of a patient, or versions of one."""

    items: tuple[Recommendation, ...]
    position: int


@view("/patients/{id:uuid}/timeline", Access("read_record", "patient"), past=True)
async def timeline(  # noqa: PLR0913  each is a parameter of the query
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  the path calls it so
    asking: NamedDependency[Asking],
    *,
    kind: Kinds = None,
    diagnosis: OfDiagnosis = None,
    from_: From = None,
    to: To = None,
    before: Before = None,
    limit: Limit = 50,
) -> Response[Page]:
    """Everything of a patient, newest first."""
    start, end = period(from_, to, services(request).settings.time_zone)
    asked = timeline_page.Asked(
        kinds=tuple(kind.split(",")) if kind else (),
        diagnosis_id=diagnosis,
        start=start,
        end=end,
        before=before,
        limit=limit,
    )

    async def read(sources: Sources) -> Page:
        if sources.tables is not None:
            return await timeline_page.page(sources.tables, asked, words(request), sources.position)
        return timeline_page.page_of(sources.rows, asked, words(request), 0, sources.position)

    return await by_patient(request, "patient_timeline", id, asking, read)


@view("/patients/{id:uuid}/diagnoses", Access("read_record", "patient"), past=True)
async def patient_diagnoses(
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  as above
    asking: NamedDependency[Asking],
) -> Response[Diagnoses]:
    """Current and past diagnoses with all revisions."""

    async def read(sources: Sources) -> Diagnoses:
        return Diagnoses(
            await sources.ask(diagnosis_view.by_patient, diagnosis_view.by_patient_of), sources.position
        )

    return await by_patient(request, "diagnoses", id, asking, read)


@view("/diagnoses/{id:uuid}", Access("read_record", "diagnosis"), past=True)
async def diagnosis(
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  as above
    asking: NamedDependency[Asking],
) -> Response[DiagnosisView]:
    """One diagnosis with its findings, assessments, symptoms, referrals and revisions."""

    async def read(sources: Sources) -> DiagnosisView:
        return await sources.ask(diagnosis_view.by_id, diagnosis_view.by_id_of, id)

    subject = await subject_of(request, id)
    return await by_patient(request, "diagnoses", subject, asking, read, version=lambda found: found.version)


@view("/patients/{id:uuid}/recommendations", Access("read_record", "patient"), past=True)
async def patient_recommendations(
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  as above
    asking: NamedDependency[Asking],
) -> Response[Recommendations]:
    """The current version of every recommendation of a patient."""

    async def read(sources: Sources) -> Recommendations:
        return Recommendations(
            await sources.ask(version_view.by_patient, version_view.by_patient_of), sources.position
        )

    return await by_patient(request, "recommendation_versions", id, asking, read)


@view("/recommendations/{id:uuid}", Access("compare_versions", "recommendation"), past=True)
async def recommendation(
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  as above
    asking: NamedDependency[Asking],
    version: Version = None,
) -> Response[Recommendation]:
    """A version of a recommendation, by default the current one."""

    async def read(sources: Sources) -> Recommendation:
        return await sources.ask(version_view.by_id, version_view.by_id_of, id, version)

    subject = await subject_of(request, id)
    return await by_patient(
        request, "recommendation_versions", subject, asking, read, version=lambda found: found.version
    )


@view("/recommendations/{id:uuid}/versions", Access("compare_versions", "recommendation"), past=True)
async def recommendation_versions(
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  as above
    asking: NamedDependency[Asking],
) -> Response[Recommendations]:
    """Every version of a recommendation, the first one first."""

    async def read(sources: Sources) -> Recommendations:
        return Recommendations(
            await sources.ask(version_view.all_versions, version_view.all_versions_of, id), sources.position
        )

    return await by_patient(request, "recommendation_versions", await subject_of(request, id), asking, read)


@view("/recommendations/{id:uuid}/compare", Access("compare_versions", "recommendation"), past=True)
async def compare_versions(
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  as above
    asking: NamedDependency[Asking],
    from_: FirstVersion,
    to: LastVersion,
) -> Response[ComparedVersions]:
    """What changed between two versions, and the reasons on the way."""

    async def read(sources: Sources) -> ComparedVersions:
        return await sources.ask(change_view.versions, change_view.versions_of, id, from_, to)

    return await by_patient(request, "recommendation_changes", await subject_of(request, id), asking, read)


@view("/recommendations/{id:uuid}/decisions", Access("read_record", "recommendation"), past=True)
async def decisions(
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  as above
    asking: NamedDependency[Asking],
    *,
    before: Before = None,
    limit: Limit = 50,
) -> Response[decision_view.DecisionPage]:
    """Who decided what about a recommendation and its diagnosis, on which evidence; the latest first."""
    asked = decision_view.Asked(recommendation_id=id, before=before, limit=limit, locale=request.user.locale)

    async def read(sources: Sources) -> decision_view.DecisionPage:
        if sources.tables is not None:
            return await decision_view.page(sources.tables, asked, sources.position)
        return decision_view.page_of(sources.folded, asked, 0, sources.position)

    return await by_patient(request, "decisions", await subject_of(request, id), asking, read)


@view("/diagnoses/{id:uuid}/compare", Access("compare_versions", "diagnosis"), past=True)
async def compare_lines(
    request: AnyRequest,
    id: FromPath[UUID],  # noqa: A002  as above
    asking: NamedDependency[Asking],
    left: Left,
    right: Right,
) -> Response[ComparedVersions]:
    """Two recommendations for one diagnosis, each in one version."""
    places = _place(left), _place(right)

    async def read(sources: Sources) -> ComparedVersions:
        return await sources.ask(change_view.lines, change_view.lines_of, id, *places)

    return await by_patient(request, "recommendation_changes", await subject_of(request, id), asking, read)


async def subject_of(request: AnyRequest, stream_id: UUID) -> UUID:
    """Whose stream it is; raises NotFound."""
    found = await services(request).reader.subject_of(stream_id)
    if found is None:
        raise NotFound("not_found")
    return found


def _place(text: str) -> tuple[UUID, int]:
    line, _, version = text.partition(":")
    return UUID(line), int(version)


ROUTES = [
    timeline,
    patient_diagnoses,
    diagnosis,
    patient_recommendations,
    recommendation,
    recommendation_versions,
    compare_versions,
    compare_lines,
    decisions,
]
