"""The re-randomisation test: how extreme is the contrast among the allocations of the design?

Source: Rosenberger and Lachin, Randomization in Clinical Trials, 2nd ed. (2016), chapter 6;
intervals by test inversion: Garthwaite 1996, Biometrics 52:1387–1393. Derivation:
docs/methods/re-randomisation.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .allocation_arrays import allocation_codes, allocation_shares
from .errors import ArgumentError
from .exact_intervals import clopper_pearson
from .extreme_allocations import at_least_as_extreme, p_value
from .inverted_test import Inversion, invert_shift

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

    from .refitting import ArmContrast


@dataclass(frozen=True, slots=True, eq=False)
class RerandomisationTest:
    """A contrast judged by the design alone.

    Attributes
    ----------
    estimate, se, df, t : float
        Under the allocation that was observed; t is the statistic.
    p : float
        Two-sided: (b + 1)/(B + 1) with b of B drawn allocations at least as extreme as the one
        observed; the probability of those when `exact`.
    p_error : float
        Monte-Carlo standard error of p; 0 when exact.
    p_lower, p_upper : float
        95 % limits (Clopper and Pearson) of the p that infinitely many draws would give.
    lower, upper : float or None
        Shifts that the test does not reject at `alpha`: the same shift of the response at every
        visit. Infinite where no shift is rejected on that side; None where not asked for.
    lower_error, upper_error : float or None
        Monte-Carlo standard errors of the limits.
    monotone : bool or None
        Whether p fell steadily away from the estimate at every shift that was tried.
    alpha : float
    exact : bool
        The allocations were all that the design can give.
    n_allocations, n_distinct : int
        Allocations given, and different ones among them.
    n_extreme, n_failed : int
        Allocations at least as extreme, those without a fit included; those without a fit.
    steps : tuple of int
        How many allocations each structure of the ladder fitted.
    statistics : float64 (B,)
        t under each allocation; NaN without a fit.
    refits : int
        Fits made, those for the interval included.
    """

    estimate: float
    se: float
    df: float
    t: float
    p: float
    p_error: float
    p_lower: float
    p_upper: float
    lower: float | None
    upper: float | None
    lower_error: float | None
    upper_error: float | None
    monotone: bool | None
    alpha: float
    exact: bool
    n_allocations: int
    n_distinct: int
    n_extreme: int
    n_failed: int
    steps: tuple[int, ...]
    statistics: np.ndarray
    refits: int


def rerandomisation_test(
    contrast: ArmContrast,
    allocations: ArrayLike,
    *,
    exact: bool = False,
    probabilities: ArrayLike | None = None,
    interval: bool = True,
    alpha: float = 0.05,
) -> RerandomisationTest:
    """Test a contrast of two arms against other allocations that the design could have given.

    Null hypothesis: every participant would have had the same outcomes, missing ones included,
    in either arm. Nothing else is assumed: no distribution, no equal variances. The statistic is
    |estimate/SE|; an allocation under which the model has no fit counts as extreme.

    Parameters
    ----------
    contrast : ArmContrast
        From `arm_contrast`.
    allocations : array_like, (B, N)
        Arms, as labels or as indices into `contrast.arms`, of `contrast.participants`. Drawn by
        the scheme of the trial, each independently of the others and of the one observed; or
        all that it can give, with `exact`.
    exact : bool
        `allocations` are all that the scheme can give, the observed one among them.
    probabilities : array_like, (B,), optional
        exact: the probability of each; equal when left out.
    interval : bool
        Also invert the test, for shifts of the response.
    alpha : float
        For the 100(1 − alpha) % interval.

    Returns
    -------
    RerandomisationTest

    Raises
    ------
    ArgumentError
        If the allocations do not fit the contrast, or an interval is asked for with three arms:
        a shift in one of them says nothing of the others.
    ConvergenceError, DesignError
        If there is no fit under the allocation that was observed.
    """
    import numpy as np

    from .refitting import ArmContrast

    if not isinstance(contrast, ArmContrast):
        raise ArgumentError(
            "not a contrast of two arms",
            where="contrast",
            value=type(contrast).__name__,
            remedy="Make it with arm_contrast",
        )
    if not isinstance(alpha, int | float) or not 0.0 < alpha < 1.0:
        raise ArgumentError("alpha lies between 0 and 1", where="alpha", value=alpha)
    codes = allocation_codes(allocations, contrast.arms, len(contrast.observed))
    share = allocation_shares(probabilities, len(codes), exact)
    if interval and len(contrast.arms) > 2:
        raise ArgumentError(
            f"no interval by a shift with {len(contrast.arms)} arms",
            where="interval",
            rule="The shift of one arm leaves open what the other arms do",
            remedy="Use interval=False: p tests that no arm differs from another",
        )
    distinct, group, counts = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    group = group.ravel()
    weights = np.bincount(group, weights=share, minlength=len(distinct))
    if exact and not np.any(np.all(distinct == contrast.observed, axis=1)):
        raise ArgumentError(
            "the observed allocation is not among them",
            where="allocations",
            rule="An exact test needs all allocations that the design can give",
        )
    estimate, se, df = contrast.observed_effect()
    refits = contrast.refit(distinct)
    t, statistics = estimate / se, refits.statistics
    extreme = at_least_as_extreme(statistics, t)
    draws = None if exact else len(codes)
    p = p_value(extreme, weights, draws)
    n_extreme = int(counts[extreme].sum())
    found: Inversion | None = None
    if interval:
        found = invert_shift(contrast, distinct, weights, draws=draws, alpha=alpha)
    error = 0.0 if exact else math.sqrt(p * (1.0 - p) / len(codes))
    limits = (p, p) if exact else clopper_pearson(n_extreme, len(codes))
    return RerandomisationTest(
        estimate=estimate,
        se=se,
        df=df,
        t=t,
        p=p,
        p_error=error,
        p_lower=limits[0],
        p_upper=limits[1],
        lower=None if found is None else found.lower,
        upper=None if found is None else found.upper,
        lower_error=None if found is None else found.lower_error,
        upper_error=None if found is None else found.upper_error,
        monotone=None if found is None else found.monotone,
        alpha=float(alpha),
        exact=exact,
        n_allocations=len(codes),
        n_distinct=len(distinct),
        n_extreme=n_extreme,
        n_failed=int(counts[~refits.ok].sum()),
        steps=tuple(
            int(counts[refits.step == number].sum()) for number in range(len(contrast.ladder))
        ),
        statistics=statistics[group],
        refits=len(distinct) * (1 if found is None else 1 + found.evaluations),
    )
