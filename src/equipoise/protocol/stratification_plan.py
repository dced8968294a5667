"""Who benefits: what is planned of profiles, differences between people, and forecasts."""

from __future__ import annotations

from pydantic import Field

from equipoise.protocol.base import Part
from equipoise.protocol.enrichment_plan import EnrichmentPlan
from equipoise.protocol.forecast_plan import ForecastPlan
from equipoise.protocol.heterogeneity_plan import HeterogeneityPlan
from equipoise.protocol.profiles_plan import ProfilesPlan


class StratificationPlan(Part):
    """Whom to treat: each table is one analysis, and is left out where it is not planned.

    Whatever is planned here stays exploratory.
    """

    profiles: ProfilesPlan | None = Field(
        None, description="Immune profiles at baseline: inflammation, and latent profiles"
    )
    heterogeneity: HeterogeneityPlan | None = Field(
        None, description="Whether the effect of treatment differs between people"
    )
    forecast: ForecastPlan | None = Field(
        None, description="The forecast of each person's outcome, and its honest test"
    )
    enrichment: EnrichmentPlan | None = Field(
        None, description="Rules by which a later trial could go on with some people only"
    )
