"""Results of models: fits, means, contrasts, and endpoints that hold them."""

from __future__ import annotations

from typing import Literal

from equipoise.analysis.result_row import Row
from equipoise.protocol.endpoint_sources import MeasureKind

Measure = Literal[
    "mean difference", "rate difference", "restricted mean difference", "win probability"
]


class ModelFit(Row):
    """How a model was fitted; the method behind every estimate that names it.

    `tried` are the covariance structures of the protocol's ladder up to the one taken, `failures`
    (structure, cause) of those before it. With `group` there is one covariance matrix for each of
    its levels, (level, matrix) in `covariance_by_group`, and `covariance_matrix` is empty.
    """

    key: str
    formula: str
    covariance: str
    tried: tuple[str, ...]
    likelihood: str
    df_method: str
    participants: int
    observations: int
    missing_responses: int
    minus2_log_likelihood: float
    aic: float
    bic: float
    iterations: int
    gradient: float
    visits: tuple[str, ...]
    covariance_matrix: tuple[tuple[float, ...], ...]
    message: str
    vcov: str = "model"
    group: str | None = None
    covariance_by_group: tuple[tuple[str, tuple[tuple[float, ...], ...]], ...] = ()
    failures: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


class ObservedMean(Row):
    """Mean of what was observed, on the endpoint's own scale."""

    group: str
    visit: str
    n: int
    mean: float | None
    sd: float | None


class Mean(Row):
    """A least-squares mean; on the log scale with its back-transformed ratio."""

    group: str
    visit: str
    subgroup: str | None = None
    estimate: float
    se: float
    df: float
    lower: float
    upper: float
    ratio: float | None = None
    ratio_lower: float | None = None
    ratio_upper: float | None = None


class Contrast(Row):
    """An effect: `arm` against `reference`.

    `measure` says which: a difference of least-squares means (arm minus reference), of rates, of
    restricted mean times (days), or the probability that somebody on `arm` does better than
    somebody on `reference` (ties count half; no effect is 0.5). `se`, `df` and `t` are None where
    the method has none. In an answer that is not tested `p` is None.
    """

    arm: str
    reference: str
    visit: str
    subgroup: str | None = None
    measure: Measure = "mean difference"
    estimate: float
    se: float | None
    df: float | None
    t: float | None
    p: float | None
    lower: float
    upper: float
    ratio: float | None = None
    ratio_lower: float | None = None
    ratio_upper: float | None = None
    adjusted_p: float | None = None


class Subgroup(Row):
    """Effects by the levels of a factor, from one model with the interaction.

    `interaction` holds, per visit and level after the first, the difference of the effect
    in that level from the effect in the first.
    """

    factor: str
    label: str
    levels: tuple[str, ...]
    fit: ModelFit | None
    failure: str | None
    effects: tuple[Contrast, ...]
    interaction: tuple[Contrast, ...]


class Course(Row):
    """One person's values, as (visit, value). Who it is, nothing says."""

    group: str
    values: tuple[tuple[str, float], ...]


class EndpointResult(Row):
    """One endpoint by its mixed model. `failure` says why there is no fit.

    `courses` are there for simulated people, or where the protocol allows them.
    """

    endpoint: str
    label: str
    kind: MeasureKind
    scale: Literal["change", "log_fold"]
    unit: str
    better: Literal["lower", "higher", "neither"]
    fit: ModelFit | None
    failure: str | None
    observed: tuple[ObservedMean, ...]
    means: tuple[Mean, ...]
    contrasts: tuple[Contrast, ...]
    subgroup: Subgroup | None
    courses: tuple[Course, ...] = ()
