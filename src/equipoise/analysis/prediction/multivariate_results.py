"""What is found of all early changes together. All of it is exploratory."""

from __future__ import annotations

from typing import Literal

from equipoise.analysis.result_row import Row

Method = Literal["partial-least-squares", "elastic-net"]


class JointTest(Row):
    """What one method finds by cross-validation, and what chance alone makes of it.

    `chosen` says whether the rule prefers the method to the covariates alone. The model that is
    shown has `components`, or `mixing`, `strength` and `penalty`, chosen by the same rule without
    the covariates alone; `q2` is its cross-validated share of the squared error that it saves,
    below 0 where it predicts worse than the covariates. `p` is that of the whole procedure,
    `null_median` and `null_upper` the median and the 95th percentile of `q2` under permutation,
    and `none_chosen` the share of permutations in which the covariates alone were preferred.
    """

    method: Method
    chosen: bool
    q2: float | None = None
    components: int | None = None
    mixing: float | None = None
    strength: float | None = None
    penalty: float | None = None
    p: float | None = None
    as_extreme: int | None = None
    movable: int | None = None
    null_median: float | None = None
    null_upper: float | None = None
    none_chosen: float | None = None


class TuningStep(Row):
    """The cross-validated Q2 of one candidate; 0 components are the covariates alone."""

    method: Method
    components: int | None = None
    mixing: float | None = None
    strength: float | None = None
    q2: float


class JointMarker(Row):
    """One marker among the others.

    `importance` is that in projection, its mean square over markers is 1; `coefficient` in outcome
    units per `sd` of the adjusted early change. Limits are percentiles of the bootstrap;
    `above_one` is the share of its samples with an importance above 1. `net_coefficient` is
    shrunk and has no interval; `kept` is the share of samples in which the net of `kept_by` keeps
    the marker. `dropped` says why the marker is not among the others.
    """

    key: str
    label: str
    sd: float | None = None
    importance: float | None = None
    importance_lower: float | None = None
    importance_upper: float | None = None
    above_one: float | None = None
    coefficient: float | None = None
    coefficient_lower: float | None = None
    coefficient_upper: float | None = None
    weight: float | None = None
    net_coefficient: float | None = None
    kept: float | None = None
    imputed_importance: float | None = None
    imputed_coefficient: float | None = None
    dropped: str | None = None


class JointComponent(Row):
    """A component of partial least squares: the shares of the adjusted variance it explains."""

    component: int
    markers_explained: float
    outcome_explained: float


class ScorePoint(Row):
    """One person's score on the first component and adjusted outcome. Who, nothing says."""

    group: str
    score: float
    outcome: float


class JointCount(Row):
    """Who of a group has all markers and the outcome."""

    group: str
    randomised: int
    used: int


class KeptBy(Row):
    """The elastic net, of those that leave markers out, with the smallest error."""

    mixing: float
    strength: float


class ImputedJoint(Row):
    """Importance and coefficients with missing early changes imputed: means over `imputations`.

    `n` people have an outcome; nobody's outcome is imputed. No Q2 and no p are given: the outcome
    takes part in the imputation, so that nobody could be left out of it.
    """

    imputations: int
    n: int


class Multivariate(Row):
    """Partial least squares and elastic net of the outcome on all early changes, within arms.

    `failure` says why nothing could be done; `remarks` what the reader has to know.
    """

    n: int
    counts: tuple[JointCount, ...]
    most_components: int
    rule: Literal["best", "one-standard-error"]
    folds: int
    repeats: int
    bootstrap: int
    permutations: int
    mixing: tuple[float, ...]
    tests: tuple[JointTest, ...] = ()
    steps: tuple[TuningStep, ...] = ()
    markers: tuple[JointMarker, ...] = ()
    components: tuple[JointComponent, ...] = ()
    kept_by: KeptBy | None = None
    bootstrap_components: tuple[int, ...] = ()
    points: tuple[ScorePoint, ...] = ()
    imputed: ImputedJoint | None = None
    remarks: tuple[str, ...] = ()
    failure: str | None = None

    def test(self, method: Method) -> JointTest | None:
        """What a method finds; None where nothing could be done."""
        return next((t for t in self.tests if t.method == method), None)
