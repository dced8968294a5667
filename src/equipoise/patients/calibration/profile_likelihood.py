"""Which parameters the fitted targets can tell: the misfit that is left when one is held.

One parameter is held at each of several values while others are fitted again, without their
priors. Where the misfit (a chi-squared) hardly rises, the targets do not identify it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.mechanisms import MechanisticModel
from equipoise.patients.calibration.fitting import (
    PROGRESS,
    SLOPE_STEP,
    bounds_on_scale,
    from_scale,
    to_scale,
)
from equipoise.patients.calibration.published_statistics import Experiments
from equipoise.patients.calibration.targets import CalibrationPlan, Role, Target

if TYPE_CHECKING:
    import numpy as np

#: A rise by this is the 95 % limit of one parameter (chi-squared with 1 degree of freedom).
LIMIT = 3.841

#: Distances from the centre at which a parameter is held, on the scale of its logarithm (logit):
#: factors of about 1/7.4, 1/2.7, 1/1.6, 1, 1.6, 2.7 and 7.4.
HELD = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)

#: Fitted again for a parameter of absorption, and for any other: more could only lower the misfit.
ABSORPTION = ("ka", "kl")
AGAIN = ("pT", "kQ", "kT")

#: Targets that only absorption moves; the others are computed on people.
OF_ABSORPTION = ("tmax", "half-life", "plateau")

#: So many people are enough: misfits of the same people are compared.
PEOPLE = 300


@dataclass(frozen=True, slots=True)
class Profile:
    """Of one parameter.

    Attributes
    ----------
    values
        At which it was held.
    misfit
        Chi-squared of the targets at each, above its minimum.
    again
        Parameters that were fitted again.
    lower, upper
        Where the misfit crosses `LIMIT`; None where it does not within the values.
    verdict
        ``identified``, ``bounded on one side`` or ``not identified``.
    """

    values: tuple[float, ...]
    misfit: tuple[float, ...]
    again: tuple[str, ...]
    lower: float | None
    upper: float | None
    verdict: str


def profiles(model: MechanisticModel, plan: CalibrationPlan) -> Mapping[str, Profile]:
    """One of each parameter with a prior, in the order of the file."""
    return {name: profile(model, plan, name) for name in plan.priors}


def profile(model: MechanisticModel, plan: CalibrationPlan, name: str) -> Profile:
    """Hold one parameter, fit others again."""
    import numpy as np
    from scipy.optimize import least_squares

    absorbing = name in ABSORPTION
    again = tuple(n for n in (ABSORPTION if absorbing else AGAIN) if n != name)
    targets = [t for t in plan.of_role(Role.FITTED) if (t.key in OF_ABSORPTION) == absorbing]
    centre = to_scale(model, name, model.value(name))
    low, high = bounds_on_scale(model, name, model.value(name))
    held = [centre + step for step in HELD if low <= centre + step <= high]
    limits = np.array([bounds_on_scale(model, n, model.value(n)) for n in again]).T
    begin = np.array([to_scale(model, n, model.value(n)) for n in again])
    found: dict[float, float] = {}
    # From the centre outwards, each search begins where the one before it ended, and at the
    # centre again: the better end counts.
    for side in (
        sorted(x for x in held if x >= centre),
        sorted((x for x in held if x <= centre), reverse=True),
    ):
        start = begin
        for x in side:
            starts = [begin] if start is begin else [start, begin]

            def residuals(point: np.ndarray, x: float = x) -> np.ndarray:
                values = {
                    n: from_scale(model, n, float(v)) for n, v in zip(again, point, strict=True)
                }
                values[name] = from_scale(model, name, x)
                return _residuals(model.with_values(values), plan, targets)

            tried = [
                least_squares(
                    residuals, point, bounds=(limits[0], limits[1]), diff_step=10 * SLOPE_STEP,
                    ftol=1e-3, xtol=1e-3, gtol=PROGRESS, max_nfev=15,
                )
                for point in starts
            ]  # fmt: skip
            best = min(tried, key=lambda one: one.cost)
            start = best.x
            found[x] = min(2 * float(best.cost), found.get(x, np.inf))
    places = sorted(found)
    least = min(found.values())
    rise = [found[x] - least for x in places]
    values = [from_scale(model, name, x) for x in places]
    lower, upper = _crossings(places, rise)
    sides = (lower is not None) + (upper is not None)
    return Profile(
        values=tuple(float(f"{v:.4g}") for v in values),
        misfit=tuple(round(r, 3) for r in rise),
        again=again,
        lower=None if lower is None else float(f"{from_scale(model, name, lower):.3g}"),
        upper=None if upper is None else float(f"{from_scale(model, name, upper):.3g}"),
        verdict=("not identified", "bounded on one side", "identified")[sides],
    )


def _residuals(model: MechanisticModel, plan: CalibrationPlan, targets: list[Target]) -> np.ndarray:
    import numpy as np

    experiments = Experiments(model, PEOPLE, plan.seed)
    return np.array([target.away(experiments.value(target)) for target in targets])


def _crossings(places: list[float], rise: list[float]) -> tuple[float | None, float | None]:
    """Where the rise crosses the limit on either side of its minimum, between two places."""
    best = rise.index(min(rise))

    def between(a: int, b: int) -> float:
        share = (LIMIT - rise[a]) / (rise[b] - rise[a])
        return places[a] + share * (places[b] - places[a])

    lower = upper = None
    for i in range(best, 0, -1):
        if rise[i] < LIMIT <= rise[i - 1]:
            lower = between(i, i - 1)
            break
    for i in range(best, len(rise) - 1):
        if rise[i] < LIMIT <= rise[i + 1]:
            upper = between(i, i + 1)
            break
    return lower, upper
