"""The forecasts as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.analysis.stratification.forecast_results import ForecastResults


def forecast_tables(found: ForecastResults | None) -> dict[str, list[dict[str, object]]]:
    """Rows by name of the table; nobody's own values are among them."""
    if found is None:
        return {}
    stages = found.stages
    calibrated = [(s.stage, s.response_calibration) for s in stages if s.response_calibration]
    return {
        "forecast_counts": [count.model_dump() for count in found.counts],
        "forecast_measures": [
            {"stage": stage.stage, **measure.model_dump(exclude={"null"})}
            for stage in stages
            for measure in stage.measures
        ],
        "forecast_gains": [gain.model_dump() for gain in found.gains],
        "forecast_coefficients": [
            {"stage": stage.stage, **term.model_dump()}
            for stage in stages
            for term in stage.coefficients
        ],
        "forecast_calibration": [
            {"stage": stage, **point.model_dump()}
            for stage, one in calibrated
            for point in one.points
        ],
        "forecast_learning": [
            {"stage": stage.stage, **point.model_dump()}
            for stage in stages
            for point in stage.learning
        ],
        "forecast_fans": [
            {
                **fan.model_dump(exclude={"outlooks"}),
                **outlook.model_dump(exclude={"bands"}),
                **{
                    f"{side}_{100 * band.probability:.0f}": getattr(band, side)
                    for band in outlook.bands
                    for side in ("lower", "upper")
                },
            }
            for fan in found.fans
            for outlook in fan.outlooks
        ],
        "forecast_needed": [
            {
                "stage": stage.stage,
                **row.model_dump(exclude={"criteria"}),
                "criterion": name,
                "n": n,
            }
            for stage in stages
            for row in stage.needed
            for name, n in row.criteria
        ],
    }
