"""What all parameters that agree with the targets predict for the trial that was held out.

Parameters are drawn from their priors, all that have one, and weighted by how well they meet the
fitted targets: importance sampling. So the prediction shows what the centres of the priors
cannot hide.
"""

from __future__ import annotations

from dataclasses import dataclass

from equipoise.mechanisms import MechanisticModel
from equipoise.patients.calibration.fitting import bounds_on_scale, from_scale, to_scale
from equipoise.patients.calibration.published_statistics import Experiments
from equipoise.patients.calibration.targets import CalibrationPlan, Role

#: Draws, and people behind the statistics of each.
DRAWS = 400
PEOPLE = 200


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


def predict(
    model: MechanisticModel, plan: CalibrationPlan, draws: int = DRAWS
) -> BeliefPrediction:
    """The prediction of DEPIL-2's means over the belief in all parameters that have a prior."""
    import numpy as np

    generator = np.random.default_rng([plan.seed, 4])
    names = list(plan.priors)
    targets = plan.of_role(Role.FITTED)
    log_weight, means = np.zeros(draws), np.zeros((draws, 2))
    for i in range(draws):
        values: dict[str, float] = {}
        for name in names:
            prior = plan.priors[name]
            low, high = bounds_on_scale(model, name, prior.centre)
            x = to_scale(model, name, prior.centre) + prior.sd * generator.standard_normal()
            values[name] = from_scale(model, name, float(np.clip(x, low, high)))
        experiments = Experiments(model.with_values(values), PEOPLE, plan.seed)
        for target in targets:
            assert target.value is not None and target.uncertainty is not None
            away = (experiments.value(target) - target.value) / target.uncertainty
            log_weight[i] -= 0.5 * away**2
        means[i] = (
            experiments.small_trial("active mean"),
            experiments.small_trial("placebo mean"),
        )
    weight = np.exp(log_weight - log_weight.max())
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
