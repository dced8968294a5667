"""Who benefits: what is planned of profiles, differences between people, and forecasts."""

from __future__ import annotations

from pydantic import Field

from equipoise.protocol.base import Part
from equipoise.protocol.enrichment_plan import EnrichmentPlan
from equipoise.protocol.forecast_plan import ForecastPlan


class StratificationPlan(Part):
    """Whom to treat: each table is one analysis, and is left out where it is not planned.

    Whatever is planned here stays exploratory.
    """

    forecast: ForecastPlan | None = Field(
        None, description="The forecast of each person's outcome, and its honest test"
    )
    enrichment: EnrichmentPlan | None = Field(
        None, description="Rules by which a later trial could go on with some people only"
    )
