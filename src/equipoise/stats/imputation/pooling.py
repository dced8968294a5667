"""Stage four: one estimate, standard error and interval from all imputations.

Rubin DB (1987) Multiple Imputation for Nonresponse in Surveys, Wiley, chapter 3; Barnard J,
Rubin DB (1999) Biometrika 86:948–955 for the degrees of freedom. Efron B, Tibshirani RJ (1993) An
Introduction to the Bootstrap, chapters 11 and 13.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..distributions import t_quantile, two_sided_t
from ..errors import ArgumentError
from .parameter_draws import DrawMethod

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .analysis_models import Analyses


@dataclass(frozen=True, slots=True, eq=False)
class Pooled:
    """Pooled results.

    Attributes
    ----------
    frame : polars.DataFrame
        parameter, estimate, se, df, t, p, lower, upper; under Rubin's rules also within, between
        (variances), relative_increase, missing_information (fractions) and monte_carlo_error (of
        the estimate, units of the response); null where the method has none.
    rule : str
        How it was pooled.
    method : DrawMethod
    n_imputations : int
        Imputations, or samples beside the full data.
    n_failed : int
        Bootstrap samples that were drawn again.
    alpha : float
    warnings : tuple of str
        What a reader must know before trusting the result.
    """

    frame: pl.DataFrame
    rule: str
    method: DrawMethod
    n_imputations: int
    n_failed: int
    alpha: float
    warnings: tuple[str, ...]

    def row(self, parameter: str) -> dict[str, Any]:
        """One parameter's results by name."""
        names = self.frame["parameter"].to_list()
        if parameter not in names:
            raise ArgumentError(
                "no such parameter",
                where="parameter",
                value=parameter,
                rule=f"Parameters: {', '.join(names)}",
            )
        return self.frame.row(names.index(parameter), named=True)

    def __repr__(self) -> str:
        lines = [
            "Pooled analyses of imputed data",
            f"  method       {self.method.label}",
            f"  pooled by    {self.rule}",
            f"  imputations  {self.n_imputations}",
            *(f"  WARNING      {warning}" for warning in self.warnings),
            "",
            f"  {'':24s} {'estimate':>10s} {'se':>9s} {'lower':>10s} {'upper':>10s} {'p':>8s}",
        ]
        for row in self.frame.iter_rows(named=True):
            p = "<0.0001" if row["p"] < 0.0001 else f"{row['p']:.4f}"
            lines.append(
                f"  {row['parameter']:24s} {row['estimate']:10.4f} {row['se']:9.4f} "
                f"{row['lower']:10.4f} {row['upper']:10.4f} {p:>8s}"
            )
        return "\n".join(lines)


def pool(analyses: Analyses, *, alpha: float = 0.05, interval: str = "normal") -> Pooled:
    """Pool by the rule that belongs to the method of the draws.

    Random imputations: Rubin's rules. Conditional means: the estimate is that of the full data,
    the variance the jackknife's or the bootstrap's.

    Parameters
    ----------
    analyses : Analyses
    alpha : float
        For two-sided 100(1 − alpha) % limits.
    interval : str
        ``"normal"`` or ``"percentile"``, for the bootstrap.

    Returns
    -------
    Pooled
    """
    if not isinstance(alpha, int | float) or not 0.0 < alpha < 1.0:
        raise ArgumentError("alpha lies between 0 and 1", where="alpha", value=alpha)
    if interval not in ("normal", "percentile"):
        raise ArgumentError(
            "unknown word", where="interval", value=interval, rule="Valid: normal, percentile"
        )
    draws = analyses.imputations.draws
    if interval == "percentile" and draws.method is not DrawMethod.BOOTSTRAP:
        raise ArgumentError(
            "percentiles are of bootstrap estimates",
            where="interval",
            value=interval,
            remedy=f"Draw with method={DrawMethod.BOOTSTRAP.word!r}",
        )
    if draws.method.random:
        frame = rubin(analyses.estimate, analyses.se, analyses.df, analyses.touched, alpha)
        rule = "Rubin's rules, Barnard–Rubin degrees of freedom"
    elif draws.method is DrawMethod.JACKKNIFE:
        frame = _normal(analyses.estimate, _jackknife_se(analyses.estimate[1:]), alpha)
        rule = "jackknife by participant, normal limits"
    elif interval == "normal":
        frame = _normal(analyses.estimate, analyses.estimate[1:].std(axis=0, ddof=1), alpha)
        rule = "bootstrap by participant within arm, normal limits"
    else:
        frame = _percentile(analyses.estimate, alpha)
        rule = "bootstrap by participant within arm, percentile limits"
    import polars as pl

    warnings = []
    if draws.diagnostics is not None and not draws.diagnostics.trusted:
        warnings.append(f"the posterior draws: {draws.diagnostics.message}")
    if draws.n_failed:
        warnings.append(f"{draws.n_failed} bootstrap sample(s) had no valid fit, drawn again")
    return Pooled(
        frame=frame.insert_column(0, pl.Series("parameter", list(analyses.names))),
        rule=rule,
        method=draws.method,
        n_imputations=len(draws) - (0 if draws.method.random else 1),
        n_failed=draws.n_failed,
        alpha=float(alpha),
        warnings=tuple(warnings),
    )


def rubin(
    estimate: np.ndarray, se: np.ndarray, df: np.ndarray, touched: np.ndarray, alpha: float
) -> pl.DataFrame:
    """Rubin's rules with Barnard and Rubin's degrees of freedom, for (D, K) arrays.

    Where no imputed value enters, the analysis is that of complete data and so are its degrees of
    freedom.
    """
    import numpy as np

    m = len(estimate)
    centre = estimate.mean(axis=0)
    within = np.mean(se**2, axis=0)
    between = np.where(touched, estimate.var(axis=0, ddof=1), 0.0)
    total = within + (1.0 + 1.0 / m) * between
    complete = df.mean(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        increase = (1.0 + 1.0 / m) * between / within
        share = (1.0 + 1.0 / m) * between / total
        old = (m - 1.0) / share**2
        observed = (complete + 1.0) / (complete + 3.0) * complete * (1.0 - share)
        pooled_df = np.where(np.isinf(complete), old, 1.0 / (1.0 / old + 1.0 / observed))
        pooled_df = np.where(between > 0.0, pooled_df, complete)
        information = (increase + 2.0 / (pooled_df + 3.0)) / (increase + 1.0)
    return _frame(
        centre,
        np.sqrt(total),
        pooled_df,
        alpha,
        within=within,
        between=between,
        relative_increase=increase,
        missing_information=np.where(between > 0.0, information, 0.0),
        monte_carlo_error=np.sqrt(between / m),
    )


def _jackknife_se(left_out: np.ndarray) -> np.ndarray:
    """sqrt((n − 1)/n Σ (θ₍ᵢ₎ − mean)²), the participants left out one at a time."""
    import numpy as np

    n = len(left_out)
    return np.sqrt((n - 1.0) / n * np.sum((left_out - left_out.mean(axis=0)) ** 2, axis=0))


def _normal(estimate: np.ndarray, se: np.ndarray, alpha: float) -> pl.DataFrame:
    import numpy as np

    return _frame(estimate[0], se, np.full(len(se), np.inf), alpha)


def _percentile(estimate: np.ndarray, alpha: float) -> pl.DataFrame:
    """Quantiles of the samples' estimates (R's type 6); p by inverting them."""
    import numpy as np
    import polars as pl

    samples = estimate[1:]
    n = len(samples)
    if n * alpha / 2.0 < 1.0:
        raise ArgumentError(
            f"{n} bootstrap samples are too few for {1.0 - alpha:.0%} percentile limits",
            where="interval",
            rule="A limit lies between two samples",
            remedy=f"Draw at least {math.ceil(2.0 / alpha)}",
        )
    frame = _normal(estimate, samples.std(axis=0, ddof=1), alpha)
    lower, upper = np.quantile(samples, [alpha / 2.0, 1.0 - alpha / 2.0], axis=0, method="weibull")
    below = np.sum(samples <= 0.0, axis=0)
    above = np.sum(samples >= 0.0, axis=0)
    p = np.minimum(1.0, 2.0 * (np.minimum(below, above) + 1.0) / (n + 1.0))
    return frame.with_columns(
        pl.Series("lower", lower), pl.Series("upper", upper), pl.Series("p", p)
    )


def _frame(
    estimate: np.ndarray, se: np.ndarray, df: np.ndarray, alpha: float, **rubin_s: np.ndarray
) -> pl.DataFrame:
    import numpy as np
    import polars as pl
    from scipy.special import erfc, ndtri

    finite = np.isfinite(df)
    safe = np.where(finite, df, 1.0)
    quantile = np.where(finite, t_quantile(1.0 - alpha / 2.0, safe), float(-ndtri(alpha / 2.0)))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = estimate / se
    p = np.where(finite, two_sided_t(t, safe), erfc(np.abs(t) / math.sqrt(2.0)))
    names = (
        "within", "between", "relative_increase", "missing_information", "monte_carlo_error",
    )  # fmt: skip
    return pl.DataFrame(
        {
            "estimate": estimate,
            "se": se,
            "df": df,
            "t": t,
            "p": p,
            "lower": estimate - quantile * se,
            "upper": estimate + quantile * se,
            **{
                name: rubin_s.get(name, pl.Series([None] * len(se), dtype=pl.Float64))
                for name in names
            },
        }
    )
