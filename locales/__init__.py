"""Everything a reader sees in words: messages, numbers, dates and direction in Persian, English and Arabic.

`translate("fa", "timeline.diagnosis.confirmed.summary", condition="…")` renders one message. How each type
of argument comes out is told in `locales.messages`; an optional argument (marked ?) is passed as `None` when
there is nothing to say. Codes are passed as `Message("severity.mild")`, lists as lists of these.

Keys: `timeline.<event tag>.title` (no arguments) and `.summary`, `kind.<timeline kind>`,
`kind.item.<item kind>`, `reason.<GROUP>[.<CODE>]`, `status.<aggregate>.<status>`, `field.<name>`,
`problem.title.<http status>`, `problem.<code>`, and one family for each coded field: severity urgency phase
modality tradition mizaj humor humor_direction sex outcome background scope relation causality action decision
op role evidence source method channel precision compare.

Summaries and their arguments:

    patient.registered                  name number(Code)
    patient.details_corrected           fields(field.*, list) reason(reason.*)
    patient.died                        date(When)
    patient.constitution_assessed       mizaj(mizaj.*) tradition(tradition.*) confidence(0..1)
    patient.background_recorded         kind(background.*) name status(status.background.*)
    patient.consent_granted             scope(scope.*) expires?(When)
    patient.consent_withdrawn           scope(scope.*)
    patient.care_team_member_assigned   relation(relation.*) until?(When)
    patient.care_team_member_removed    relation(relation.*)
    patient.merge_proposed
    patient.merged
    patient.merge_reversed              reason?(text)
    patient.deactivated                 reason?(text)
    patient.reactivated                 reason?(text)
    patient.erasure_requested           basis(Code)
    patient.erased                      basis(Code)
    diagnosis.recorded                  condition status(status.diagnosis.*) severity?(severity.*)
    diagnosis.finding_recorded          modality(modality.*) detail?(text, Quantity or list)
    diagnosis.finding_retracted         modality(modality.*) reason(reason.*)
    diagnosis.assessment_added          tradition(tradition.*) statement humors?(humor.shift, list)
                                        confidence(0..1)
    diagnosis.symptom_observed          symptom score(number)
    diagnosis.revised                   fields(field.*, list) reason(reason.*)
    diagnosis.confirmed                 condition
    diagnosis.refuted                   condition reason(reason.*)
    diagnosis.resolved                  condition outcome(outcome.*)
    diagnosis.recurred                  condition
    diagnosis.referral_advised          specialty urgency(urgency.*)
    diagnosis.entered_in_error          condition reason(reason.*)
    recommendation.drafted              tradition(tradition.*)
    recommendation.issued               version(number) count(number)
    recommendation.revised              version(number) count(number) reasons(reason.*, list)
    recommendation.phase_advanced       version(number) phase(phase.*)
    recommendation.suspended            reason(reason.*)
    recommendation.resumed              reason(reason.*)
    recommendation.completed            reason(reason.*)
    recommendation.discontinued         reason(reason.*)
    recommendation.version_restored     version(number) restored(number) reason(reason.*)
    recommendation.revision_proposed    version(number) count(number)
    recommendation.proposal_rejected    reason?(text)
    recommendation.safety_review_requested  trigger(text) severity(severity.*)
    recommendation.safety_review_closed     decision(decision.*)
    recommendation.acknowledged         version(number)
    feedback.submitted                  version(number) rating? effectiveness? taken? expected?
                                        symptoms?(symptom.score, list)
                                        side_effects?(side_effect.severity, list) comment?(text)
    feedback.amended                    fields(field.*, list) reason(reason.*)
    feedback.retracted                  reason(reason.*)
    feedback.reviewed                   causality(causality.*) action(action.*)
    feedback.adverse_event_escalated    severity(severity.*)

Parts of them: `finding.attribute` name value(Quantity), `humor.shift` humor(humor.*)
direction(humor_direction.*), `symptom.score` symptom score(number), `side_effect.severity` effect
severity(severity.*). The problem `internal` takes incident(Code); others take nothing.
"""

from locales.catalogs import LOCALES, MissingMessage, catalog_hash, has
from locales.dates import Precision, format_date, format_datetime
from locales.digits import format_number, localize_digits, parse_digits
from locales.isolates import isolate, ltr
from locales.messages import Code, Message, MissingArgument, Quantity, When, translate
from locales.negotiation import direction, negotiate

__all__ = [
    "LOCALES",
    "Code",
    "Message",
    "MissingArgument",
    "MissingMessage",
    "Precision",
    "Quantity",
    "When",
    "catalog_hash",
    "direction",
    "format_date",
    "format_datetime",
    "format_number",
    "has",
    "isolate",
    "localize_digits",
    "ltr",
    "negotiate",
    "parse_digits",
    "translate",
]
