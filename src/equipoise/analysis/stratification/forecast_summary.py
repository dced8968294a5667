"""What goes into a saved model of how well it does in people whom it has not seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.analysis.stratification.forecast_design import Stage
    from equipoise.analysis.stratification.forecast_results import ForecastResults

_STAGES: tuple[Stage, ...] = ("baseline", "early")


def validation_summary(results: ForecastResults | None) -> dict[Stage, dict[str, float | None]]:
    """Stage → name of a number → its value, all of left-out people.

    Each measure with its limits and the p of the permutation test of the whole procedure; the
    slope of the calibration of response, and the share of people inside their 95 % interval.
    """
    found: dict[Stage, dict[str, float | None]] = {}
    for name in _STAGES:
        stage = None if results is None else results.stage(name)
        if stage is None:
            continue
        mine: dict[str, float | None] = {}
        for one in stage.measures:
            mine[one.measure] = one.estimate
            mine[f"{one.measure}_lower"] = one.lower
            mine[f"{one.measure}_upper"] = one.upper
            mine[f"{one.measure}_permutation_p"] = one.permutation_p
        if stage.response_calibration is not None:
            mine["calibration_slope"] = stage.response_calibration.slope
        if stage.score_calibration is not None:
            mine["covered"] = stage.score_calibration.covered
        found[name] = mine
    return found
