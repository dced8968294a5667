"""Which parameters the results depend on: locally (elasticities) and globally (Sobol)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from equipoise.mechanisms import MechanisticModel
from equipoise.patients.blood import blood_values
from equipoise.patients.calibration.fitting import from_scale, to_scale
from equipoise.patients.calibration.published_statistics import COURSE
from equipoise.patients.courses import follow
from equipoise.patients.population import VirtualPatients, typical_patients
from equipoise.patients.schedules import Schedule

if TYPE_CHECKING:
    import numpy as np

#: What is looked at: Treg percentage before the fifth dose as a fold; log inflammatory tone at
#: week 8; points of severity gained at week 8 beyond placebo.
OUTPUTS = ("treg_day_5", "tone_week_8", "benefit_week_8")

#: Parameters of the dynamics and of absorption, in the order of the table.
PARAMETERS = (
    "CL", "V1", "ka", "kl", "F", "ECT", "kR", "kD", "EM", "kin", "kout", "mT", "mE", "mC", "kQ",
    "pT", "kT", "pH", "kH", "pN4", "kN4", "w", "kE", "gT", "gH", "gN", "fl", "kI", "S0", "phi",
    "Bmax", "kB", "kS",
)  # fmt: skip

#: Each parameter varies evenly this far to both sides, on the scale of its logarithm (logit).
HALF_WIDTH = 0.4

#: Base sample of the Sobol sequence: a power of 2.
BASE_SAMPLE = 512

#: Step of the elasticities, on the same scale.
STEP = 0.01


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """Sensitivity of the typical patient on five daily, then four weekly doses of 1 MIU.

    Attributes
    ----------
    typical
        Output → value of the typical patient.
    elasticities
        Output → parameter → % change of the output for 1 % of the parameter (of its odds, for a
        share).
    first, total, total_error
        Output → parameter → Sobol index of first order; of all orders; half-width of the
        latter's 95 % bootstrap interval.
    """

    typical: Mapping[str, float]
    elasticities: Mapping[str, Mapping[str, float]]
    first: Mapping[str, Mapping[str, float]]
    total: Mapping[str, Mapping[str, float]]
    total_error: Mapping[str, Mapping[str, float]]


def outputs_at(model: MechanisticModel, points: np.ndarray) -> dict[str, np.ndarray]:
    """Outputs of typical patients that differ in `PARAMETERS`.

    Parameters
    ----------
    points
        (n, parameters) distances from the model's values on their scales.
    """
    import numpy as np

    n = points.shape[0]
    values = dict(typical_patients(model, n).values)
    for column, name in enumerate(PARAMETERS):
        base = to_scale(model, name, model.value(name))
        values[name] = np.array([from_scale(model, name, base + x) for x in points[:, column]])
    patients = VirtualPatients(model, values, values, {}, 1.0)

    def under(amount: float) -> tuple[dict[str, np.ndarray], np.ndarray]:
        schedule = Schedule(np.array(COURSE), np.full(len(COURSE), amount), unit="MIU")
        courses = follow(patients, schedule, (0.0, 4.0, 56.0))
        percent = blood_values(patients, courses).percent["treg"]
        tone = courses["tone"][:, 2]
        return {"fold": percent[:, 1] / percent[:, 0], "tone": tone}, courses["severity"][:, 2]

    active, severity = under(1.0)
    _, on_placebo = under(0.0)
    return {
        "treg_day_5": active["fold"],
        "tone_week_8": active["tone"],
        "benefit_week_8": on_placebo - severity,
    }


def sensitivity(model: MechanisticModel, seed: int, base_sample: int = BASE_SAMPLE) -> Sensitivity:
    """Elasticities, and Sobol indices by SALib (Saltelli 2010; Jansen 1999).

    Needs SALib, which the development tools bring.
    """
    import numpy as np
    from SALib.analyze import sobol
    from SALib.sample import sobol as design

    d = len(PARAMETERS)
    moved = outputs_at(model, np.vstack([np.zeros(d), STEP * np.eye(d), -STEP * np.eye(d)]))
    elasticities = {
        out: {
            name: float((y[1 + i] - y[1 + d + i]) / (2 * STEP * y[0]))
            for i, name in enumerate(PARAMETERS)
        }
        for out, y in moved.items()
    }
    problem = {
        "num_vars": d,
        "names": list(PARAMETERS),
        "bounds": [[-HALF_WIDTH, HALF_WIDTH]] * d,
    }
    points = design.sample(problem, base_sample, calc_second_order=False, seed=seed)
    first: dict[str, Mapping[str, float]] = {}
    total: dict[str, Mapping[str, float]] = {}
    error: dict[str, Mapping[str, float]] = {}
    for out, y in outputs_at(model, points).items():
        found = sobol.analyze(problem, y, calc_second_order=False, seed=seed)
        for kept, key in ((first, "S1"), (total, "ST"), (error, "ST_conf")):
            kept[out] = MappingProxyType(dict(zip(PARAMETERS, map(float, found[key]), strict=True)))
    return Sensitivity(
        typical={out: float(y[0]) for out, y in moved.items()},
        elasticities=elasticities,
        first=first,
        total=total,
        total_error=error,
    )
