"""What all parameters that agree with the targets predict for the trial that was held out.

Parameters are drawn, all that have a prior, and weighted by prior and by how well they meet the
fitted targets: importance sampling. So the prediction is shown for the whole width of the priors,
not for their centres alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.mechanisms import MechanisticModel
from equipoise.patients.calibration.fitting import (
    bounds_on_scale,
    calibrated,
    from_scale,
    to_scale,
)
from equipoise.patients.calibration.published_statistics import Experiments
from equipoise.patients.calibration.targets import CalibrationPlan, Role

if TYPE_CHECKING:
    import numpy as np

#: Draws, and people behind the statistics of each.
DRAWS = 1500
PEOPLE = 200

#: Fitted parameters are drawn around the fit, no wider than this (SD of the logarithm).
WIDEST = 0.6

#: A draw with a log weight below this is left out: its weight is below one in ten thousand.
NEGLIGIBLE = -12.0


@dataclass(frozen=True, slots=True)
class BeliefPrediction:
    """Quantiles over the belief in the parameters, of means over a population.

    Attributes
    ----------
    draws, effective
        Draws, and how many equally weighted ones they are worth.
    active_mean
        2.5, 50 and 97.5 % of the mean fold on active drug.
    placebo_mean
        The same on placebo.
    """

    draws: int
    effective: float
    active_mean: tuple[float, float, float]
    placebo_mean: tuple[float, float, float]


def predict(model: MechanisticModel, plan: CalibrationPlan, draws: int = DRAWS) -> BeliefPrediction:
    """The prediction of DEPIL-2's means over the belief in all parameters that have a prior."""
    import numpy as np

    generator = np.random.default_rng([plan.seed, 4])
    fitted = calibrated(model)
    names = list(plan.priors)
    targets = plan.of_role(Role.FITTED)
    log_weight, means = np.zeros(draws), np.zeros((draws, 2))
    for i in range(draws):
        values: dict[str, float] = {}
        for name in names:
            prior = plan.priors[name]
            believed = to_scale(model, name, prior.centre)
            centre, sd = believed, prior.sd
            if name in fitted:
                centre, sd = to_scale(model, name, model.value(name)), min(sd, WIDEST)
            low, high = bounds_on_scale(model, name, prior.centre)
            x = float(np.clip(centre + sd * generator.standard_normal(), low, high))
            log_weight[i] += 0.5 * (((x - centre) / sd) ** 2 - ((x - believed) / prior.sd) ** 2)
            values[name] = from_scale(model, name, x)
        # Absorption first: it costs nothing, and where it is far off the rest is not computed.
        experiments = Experiments(model.with_values(values), PEOPLE, plan.seed)
        for target in targets:
            log_weight[i] -= 0.5 * target.away(experiments.value(target)) ** 2
            if log_weight[i] < NEGLIGIBLE:
                break
        if log_weight[i] < NEGLIGIBLE:
            continue
        means[i] = (
            experiments.small_trial("active mean"),
            experiments.small_trial("placebo mean"),
        )
    weight = np.exp(log_weight - log_weight.max())
    weight[log_weight < NEGLIGIBLE] = 0.0
    weight /= weight.sum()

    def quantiles(column: np.ndarray) -> tuple[float, float, float]:
        order = np.argsort(column)
        below = np.cumsum(weight[order]) - 0.5 * weight[order]
        low, mid, high = np.interp([0.025, 0.5, 0.975], below, column[order])
        return float(low), float(mid), float(high)

    return BeliefPrediction(
        draws=draws,
        effective=float(1 / (weight**2).sum()),
        active_mean=quantiles(means[:, 0]),
        placebo_mean=quantiles(means[:, 1]),
    )
