"""Exact intervals for a proportion, and what an observed count excludes."""

from __future__ import annotations

from numbers import Real

from .errors import ArgumentError


def clopper_pearson(events: int, n: int, alpha: float = 0.05) -> tuple[float, float]:
    """Exact two-sided 100(1 − alpha) % interval for a proportion.

    Assumes independent participants with one probability. The interval covers at least at its
    level, usually above it. Derivation: docs/methods/exact-and-score-intervals.md.

    Parameters
    ----------
    events, n : int
        Participants with the event, and participants at risk (at least one).
    alpha : float

    Returns
    -------
    lower, upper : float
        Proportions.

    Raises
    ------
    ArgumentError
        If the counts are not whole numbers with 0 <= events <= n and n >= 1.

    References
    ----------
    Clopper CJ, Pearson ES (1934) Biometrika 26:404–413.
    """
    from scipy.special import betaincinv

    require_counts(events, n)
    require_level(alpha)
    lower = 0.0 if events == 0 else float(betaincinv(events, n - events + 1, alpha / 2.0))
    upper = 1.0 if events == n else float(betaincinv(events + 1, n - events, 1.0 - alpha / 2.0))
    return lower, upper


def upper_limit_excluded(events: int, n: int, alpha: float = 0.05) -> float:
    """The smallest event probability that the data exclude: the upper Clopper–Pearson limit.

    Parameters and errors as in `clopper_pearson`. With no event among 24 participants the data
    exclude probabilities above 0.142 (two-sided 95 %), and nothing below.
    """
    return clopper_pearson(events, n, alpha)[1]


def require_counts(events: int, n: int, where: str = "") -> None:
    """Refuse anything but whole numbers with 0 <= events <= n and n >= 1."""
    import operator

    try:
        whole = operator.index(events), operator.index(n)
    except TypeError:
        raise ArgumentError(
            "counts are whole numbers", where=where or "events, n", value=(events, n)
        ) from None
    if not (whole[1] >= 1 and 0 <= whole[0] <= whole[1]):
        raise ArgumentError(
            "events lie between 0 and n, and n is at least 1",
            where=where or "events, n",
            value=whole,
        )


def require_level(alpha: float) -> None:
    """Refuse a level outside (0, 1)."""
    if not isinstance(alpha, Real) or not 0.0 < alpha < 1.0:
        raise ArgumentError("alpha lies between 0 and 1", where="alpha", value=alpha)
