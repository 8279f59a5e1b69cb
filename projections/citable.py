"""What a patient's record shows at some time that can be cited as evidence, read from folded rows."""

from collections.abc import Iterable, Iterator, Sequence

from projections.model import Rows
from projections.predictions import PREDICTION
from projections.queries import living
from projections.timeline_item import ITEM, Item

Citation = tuple[str, str]
"""Type and reference of an evidence link; ids in lower case."""
TYPES = frozenset(
    {"feedback", "finding", "assessment", "symptom_series", "background", "consent", "prediction"}
)


def shown(timelines: Sequence[Rows], predictions: Sequence[Rows]) -> frozenset[Citation]:
    """Of the types above; of others a record shows nothing."""
    found = {citation for item in living(timelines, ITEM) for citation in _of(item)}
    foretold = living(predictions, PREDICTION)
    found |= {("prediction", str(one.prediction_id)) for one in foretold if one.status != "voided"}
    return frozenset(found)


def _of(item: Item) -> Iterator[Citation]:
    data = item.data
    match item.tag:
        case "diagnosis.finding_recorded":
            yield "finding", str(item.refs["finding_id"])
        case "diagnosis.assessment_added":
            yield "assessment", str(item.refs["assessment_id"])
        case "diagnosis.symptom_observed":
            yield "symptom_series", data["symptom_code"]
        case "feedback.submitted":
            yield "feedback", str(item.stream_id)
            yield from _scores(data["symptom_scores"])
        case "patient.background_recorded":
            coded = data["code"]
            yield from (("background", name) for name in (coded.get("code"), coded["text"]) if name)
        case "patient.consent_granted" | "patient.consent_withdrawn":
            yield "consent", data["scope"]
        case _:
            pass


def _scores(scores: Iterable[dict[str, str]]) -> Iterator[Citation]:
    return (("symptom_series", score["symptom_code"]) for score in scores)
