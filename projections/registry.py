"""All read models there are."""

from projections import (
    accounts,
    audit_trail,
    change_reasons,
    decisions,
    diagnoses,
    patient_groups,
    patient_timeline,
    patients,
    predictions,
    recommendation_changes,
    recommendation_versions,
    statistics,
)
from projections.model import ReadModel


def models(time_zone: str) -> tuple[ReadModel, ...]:
    """The read models of this release; days are days of the zone."""
    return (
        patient_timeline.MODEL,
        diagnoses.MODEL,
        recommendation_versions.MODEL,
        recommendation_changes.MODEL,
        decisions.MODEL,
        patient_groups.MODEL,
        patients.MODEL,
        predictions.MODEL,
        audit_trail.MODEL,
        accounts.MODEL,
        change_reasons.model(time_zone),
        statistics.model(time_zone),
    )
