"""Least squares of published targets and weak priors over the logarithms of parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.faults import single
from equipoise.mechanisms import Distribution, MechanisticModel, Origin
from equipoise.patients.calibration.published_statistics import Experiments
from equipoise.patients.calibration.targets import CalibrationPlan, Role

if TYPE_CHECKING:
    import numpy as np

#: Relative size of the steps by which slopes are taken: far above the rounding of a statistic.
SLOPE_STEP = 1e-3

#: Relative change that counts as no further progress.
PROGRESS = 1e-6

#: Significant digits of a calibrated value: far below its uncertainty.
DIGITS = 3


@dataclass(frozen=True, slots=True)
class Fit:
    """Parameters chosen, and what the targets say of them.

    Attributes
    ----------
    names
        Fitted parameters: those of origin `calibrated`.
    before, after
        Name → value before and after.
    residuals
        Key of a fitted target → (model - published) / uncertainty, after.
    prior_sd, sd
        Name → SD on the scale of the logarithm (logit) before and after the targets were seen;
        the latter from the curvature of the objective.
    cost
        Half the sum of squared residuals, priors included.
    evaluations
        How often the objective was computed.
    """

    names: tuple[str, ...]
    before: Mapping[str, float]
    after: Mapping[str, float]
    residuals: Mapping[str, float]
    prior_sd: Mapping[str, float]
    sd: Mapping[str, float]
    cost: float
    evaluations: int


def calibrated(model: MechanisticModel) -> tuple[str, ...]:
    """Names of the parameters of origin `calibrated`."""
    return tuple(n for n, row in model.parameters.items() if row.origin is Origin.CALIBRATED)


def to_scale(model: MechanisticModel, name: str, value: float) -> float:
    """Logarithm; logit for a share."""
    if model.parameters[name].distribution is Distribution.LOGIT_NORMAL:
        return math.log(value / (1 - value))
    return math.log(value)


def from_scale(model: MechanisticModel, name: str, value: float) -> float:
    """The inverse of `to_scale`; a bound comes back as itself, not a rounding beyond it."""
    row = model.parameters[name]
    logit = row.distribution is Distribution.LOGIT_NORMAL
    found = 1 / (1 + math.exp(-value)) if logit else math.exp(value)
    for bound in (row.lower, row.upper):
        if math.isclose(found, bound, rel_tol=1e-12):
            return bound
    return found


def bounds_on_scale(model: MechanisticModel, name: str, centre: float) -> tuple[float, float]:
    """Bounds of the parameter, at most five either side of the centre (a factor of 150)."""
    row = model.parameters[name]
    middle = to_scale(model, name, centre)
    logit = row.distribution is Distribution.LOGIT_NORMAL
    low = -math.inf if row.lower <= 0 else to_scale(model, name, row.lower)
    high = math.inf if logit and row.upper >= 1 else to_scale(model, name, row.upper)
    return max(low, middle - 5), min(high, middle + 5)


def target_residuals(model: MechanisticModel, plan: CalibrationPlan) -> dict[str, float]:
    """(model - published) / uncertainty of each fitted target."""
    experiments = Experiments.of_plan(model, plan)
    return {t.key: t.away(experiments.value(t)) for t in plan.of_role(Role.FITTED)}


def residual_vector(
    model: MechanisticModel,
    plan: CalibrationPlan,
    names: Sequence[str],
    point: Sequence[float] | np.ndarray,
    prior_weight: float = 1.0,
) -> np.ndarray:
    """Targets first, then the priors of the named parameters, at a point on their scales."""
    import numpy as np

    values = {n: from_scale(model, n, float(x)) for n, x in zip(names, point, strict=True)}
    there = model.with_values(values)
    priors = [
        prior_weight * (float(x) - to_scale(model, n, plan.priors[n].centre)) / plan.priors[n].sd
        for n, x in zip(names, point, strict=True)
    ]
    return np.array([*target_residuals(there, plan).values(), *priors])


def fit(
    model: MechanisticModel,
    plan: CalibrationPlan,
    names: Sequence[str] | None = None,
    *,
    from_present: bool = False,
    evaluations: int = 100,
) -> Fit:
    """Fit the parameters of origin `calibrated` to the fitted targets and their priors.

    Parameters
    ----------
    model
        What is not fitted stays.
    plan
        Targets and priors.
    names
        Parameters to fit instead.
    from_present
        Begin at the model's values; otherwise at the centres of the priors, so that the same
        targets give the same parameters whatever was fitted before.
    evaluations
        After so many, slopes not counted, the search has failed.

    Raises
    ------
    EquipoiseError
        When the search does not converge, or ends with a curvature that is not positive.
    """
    import numpy as np
    from scipy.optimize import least_squares

    chosen = tuple(calibrated(model) if names is None else names)
    begin = {n: model.value(n) if from_present else plan.priors[n].centre for n in chosen}
    start = np.array([to_scale(model, n, begin[n]) for n in chosen])
    limits = np.array([bounds_on_scale(model, n, plan.priors[n].centre) for n in chosen]).T

    def residuals(point: np.ndarray) -> np.ndarray:
        return residual_vector(model, plan, chosen, point)

    found = least_squares(
        residuals,
        start,
        bounds=(limits[0], limits[1]),
        diff_step=SLOPE_STEP,
        ftol=PROGRESS,
        xtol=PROGRESS,
        gtol=PROGRESS,
        max_nfev=evaluations,
    )
    curvature = found.jac.T @ found.jac
    if found.status <= 0 or np.linalg.eigvalsh(curvature).min() <= 0:
        raise single(
            "The calibration failed",
            code="calibration-failed",
            field=", ".join(chosen),
            value=str(found.message),
            rule="the search ends where no step makes the objective smaller",
            remedy="begin from other values of the parameters",
        )
    spread = np.sqrt(np.diag(np.linalg.inv(curvature)))
    after = {
        n: float(f"{from_scale(model, n, float(x)):.{DIGITS}g}")
        for n, x in zip(chosen, found.x, strict=True)
    }
    keys = [target.key for target in plan.of_role(Role.FITTED)]
    return Fit(
        names=chosen,
        before={n: model.value(n) for n in chosen},
        after=after,
        residuals=dict(zip(keys, found.fun[: len(keys)].tolist(), strict=True)),
        prior_sd={n: plan.priors[n].sd for n in chosen},
        sd=dict(zip(chosen, spread.tolist(), strict=True)),
        cost=float(found.cost),
        evaluations=int(found.nfev),
    )
