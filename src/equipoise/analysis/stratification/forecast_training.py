"""From the table of markers to a trained forecast: who is in, and what is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from equipoise.stats.forecast import RidgeForecast, fit_ridge_forecast
from equipoise.streams import stream

if TYPE_CHECKING:
    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.analysis.stratification.forecast_design import ForecastDesign
    from equipoise.analysis.stratification.response_rule import ResponseRule
    from equipoise.protocol.forecast_plan import ForecastPlan

#: Fewest people with an outcome from whom a forecast is trained and tested.
FEWEST = 10


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Who a forecast is trained on.

    Attributes
    ----------
    x
        (n, p) columns of the design.
    y
        (n,) change of the outcome to the landmark.
    baseline
        (n,) the outcome before.
    arm, blocks
        (n,) number of the arm, and of arm x stratum.
    limit
        (n,) change that parts response from none, or None without a rule.
    response
        (n,) who responded, or None.
    no_outcome, no_factor
        How many were left out without the outcome at the landmark, and without baseline or stratum.
    """

    design: ForecastDesign
    x: np.ndarray
    y: np.ndarray
    baseline: np.ndarray
    arm: np.ndarray
    blocks: np.ndarray
    limit: np.ndarray | None
    response: np.ndarray | None
    no_outcome: int
    no_factor: int


def training_data(
    table: MarkerTable, design: ForecastDesign, rule: ResponseRule | None
) -> TrainingData:
    """Everybody with an outcome and the columns that are not shrunk; others are counted."""
    x = design.matrix(table)
    steady = ~np.array(design.penalised)
    outcome = np.isfinite(table.outcome)
    known = np.isfinite(x[:, steady]).all(axis=1)
    used = outcome & known
    before, change = table.outcome_baseline[used], table.outcome[used]
    return TrainingData(
        design=design,
        x=x[used],
        y=change,
        baseline=before,
        arm=table.arm[used],
        blocks=table.blocks[used],
        limit=None if rule is None else rule.limit(before),
        response=None if rule is None else rule.met(before, change),
        no_outcome=int((~outcome).sum()),
        no_factor=int((outcome & ~known).sum()),
    )


def train_forecast(
    data: TrainingData, plan: ForecastPlan, generator: np.random.Generator | None = None
) -> RidgeForecast:
    """The forecast from everybody in `data`, its penalty chosen as the plan says.

    Parameters
    ----------
    generator
        Of the folds by which the penalty is chosen; when left out the plan's own stream, so that
        the report and a saved model have the same forecast.

    Raises
    ------
    ArgumentError
        When there are too few people for the columns that are not shrunk.
    """
    return fit_ridge_forecast(
        data.x,
        data.y,
        data.design.penalised,
        products=data.design.products,
        penalties=plan.penalties,
        folds=min(plan.inner_folds, len(data.y)),
        repeats=plan.repeats,
        generator=generator or stream(plan.seed, f"forecast/{data.design.stage}/training"),
        blocks=data.blocks,
    )
