"""The tables of the report, one file a section; templates reach them as ``tables.<name>``."""

from equipoise.report.tables.baseline import baseline_table
from equipoise.report.tables.benefit import (
    benefit_effects_table,
    inflammation_table,
    interactions_table,
    profile_choices_table,
    profiles_table,
    relations_table,
)
from equipoise.report.tables.early_change import (
    allocation_table,
    claims_table,
    landmark_table,
    markers_otherwise_table,
    markers_table,
    proportion_table,
    visits_table,
)
from equipoise.report.tables.endpoints import endpoint_table, family_table, subgroup_table
from equipoise.report.tables.enrichment import enrichment_table, forecast_fan_table
from equipoise.report.tables.estimands import (
    events_table,
    sensitivity_table,
    sets_table,
    touched_table,
)
from equipoise.report.tables.events import event_rate_table, grade_table, onset_table
from equipoise.report.tables.flow import analysed_table, concomitant_table, seen_table
from equipoise.report.tables.forecast import (
    forecast_gains_table,
    forecast_honesty_table,
    forecast_needed_table,
    forecast_performance_table,
    forecast_terms_table,
)
from equipoise.report.tables.harms import harm_table
from equipoise.report.tables.html import html_table
from equipoise.report.tables.imputation import imputation_table, tipping_table
from equipoise.report.tables.measured_harms import (
    characteristics_table,
    shift_table,
    stopping_table,
    vital_table,
)
from equipoise.report.tables.mediation import (
    mediation_effects_table,
    mediators_otherwise_table,
    mediators_table,
)
from equipoise.report.tables.methods import ladder_notes, methods_table
from equipoise.report.tables.monitoring import completeness_table, monitor_flow_table
from equipoise.report.tables.multiplicity import multiplicity_table, often_table
from equipoise.report.tables.multivariate import together_table, tuning_table
from equipoise.report.tables.outcomes import outcome_sensitivity_table, outcome_table
from equipoise.report.tables.rerandomisation import failures as rerandomisation_failures
from equipoise.report.tables.rerandomisation import rerandomisation_table
from equipoise.report.tables.surrogacy import linearity_table, surrogacy_table

__all__ = [
    "allocation_table",
    "analysed_table",
    "baseline_table",
    "benefit_effects_table",
    "characteristics_table",
    "claims_table",
    "completeness_table",
    "concomitant_table",
    "endpoint_table",
    "enrichment_table",
    "event_rate_table",
    "events_table",
    "family_table",
    "forecast_fan_table",
    "forecast_gains_table",
    "forecast_honesty_table",
    "forecast_needed_table",
    "forecast_performance_table",
    "forecast_terms_table",
    "grade_table",
    "harm_table",
    "html_table",
    "imputation_table",
    "inflammation_table",
    "interactions_table",
    "ladder_notes",
    "landmark_table",
    "linearity_table",
    "markers_otherwise_table",
    "markers_table",
    "mediation_effects_table",
    "mediators_otherwise_table",
    "mediators_table",
    "methods_table",
    "monitor_flow_table",
    "multiplicity_table",
    "often_table",
    "onset_table",
    "outcome_sensitivity_table",
    "outcome_table",
    "profile_choices_table",
    "profiles_table",
    "proportion_table",
    "relations_table",
    "rerandomisation_failures",
    "rerandomisation_table",
    "seen_table",
    "sensitivity_table",
    "sets_table",
    "shift_table",
    "stopping_table",
    "subgroup_table",
    "surrogacy_table",
    "tipping_table",
    "together_table",
    "touched_table",
    "tuning_table",
    "visits_table",
    "vital_table",
]
