"""A fitted mixed model for repeated measures, and what can be asked of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .distributions import t_quantile, two_sided_t
from .errors import ArgumentError
from .fit_summary import fit_as_dict, fit_as_text
from .information_criteria import InformationCriteria, information_criteria
from .least_squares_means import reference_grid
from .small_samples import TestResult, joint_test, linear_combinations
from .vocabulary import CoefficientCovariance, Likelihood

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import polars as pl

    from .convergence import Convergence
    from .model_data import ModelData
    from .small_samples import FixedEffects
    from .vocabulary import CovarianceStructure, DegreesOfFreedom


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MMRMFit:
    """A converged fit; nothing in it can be changed.

    Attributes
    ----------
    formula : str
    structure : CovarianceStructure
    likelihood : Likelihood
    df_method : DegreesOfFreedom
    alpha : float
        Limits are two-sided 100(1 − alpha) %.
    covariance : (T, T) array
        Within-participant covariance matrix, squared units of the response.
    visits : tuple of str
        Order of its rows and columns.
    minus2_log_likelihood : float
        SAS's convention: constant (n − p) log 2π, no log\\|X'X\\| term. Under REML it depends on
        the coding of the design; fits with different fixed effects cannot be compared by it.
    aic, bic : float
        −2 log L plus 2k and plus k log N, with k covariance parameters and N the number of
        participants with a response: R mmrm's convention; `information_criteria` has SAS's too.
    n_subjects, n_observations, n_dropped : int
        Participants and rows in the fit; rows dropped because their response was missing.
    dropped_levels : dict of str to tuple of str
        Factor levels without a row in the fit.
    convergence : Convergence
    effects : FixedEffects
    data : ModelData
    vcov : CoefficientCovariance
        Of the coefficients.
    """

    formula: str
    structure: CovarianceStructure
    likelihood: Likelihood
    df_method: DegreesOfFreedom
    alpha: float
    covariance: np.ndarray
    visits: tuple[str, ...]
    minus2_log_likelihood: float
    aic: float
    bic: float
    n_subjects: int
    n_observations: int
    n_dropped: int
    dropped_levels: dict[str, tuple[str, ...]]
    convergence: Convergence
    effects: FixedEffects
    data: ModelData
    vcov: CoefficientCovariance = CoefficientCovariance.MODEL

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the p coefficients, the columns of every L."""
        return self.data.terms

    @property
    def information_criteria(self) -> dict[str, InformationCriteria]:
        """AIC, AICC and BIC as ``"SAS"`` and as ``"R"`` count; `aic` and `bic` are R's.

        SAS counts the coefficients among the parameters under ML, and in BIC participants who
        have no response; R does neither.
        """
        k, p = self.n_covariance_parameters, len(self.terms)
        reml = self.likelihood is Likelihood.REML
        counted = self.n_observations - p if reml else self.n_observations
        return {
            convention: information_criteria(
                convention,
                self.minus2_log_likelihood,
                n_parameters=parameters,
                n_observations=counted,
                n_subjects=subjects,
            )
            for convention, parameters, subjects in (
                ("SAS", k if reml else k + p, self.data.n_subjects_in_data),
                ("R", k, self.n_subjects),
            )
        }

    @property
    def n_covariance_parameters(self) -> int:
        """Covariance parameters estimated, those of all groups together."""
        groups = max(1, len(self.data.group_levels))
        return groups * self.structure.n_parameters(len(self.visits))

    @property
    def coefficients(self) -> pl.DataFrame:
        """Frame with term, estimate, se, df, t, p, lower, upper."""
        import numpy as np
        import polars as pl

        frame = self.linear(np.eye(len(self.terms)))
        return frame.insert_column(0, pl.Series("term", self.terms))

    @property
    def coefficient_covariance(self) -> np.ndarray:
        """(p, p) covariance of the coefficients by the method of the fit."""
        return self.effects.covariance()

    def linear(self, L: Any) -> pl.DataFrame:
        """Each row of L beta: estimate, se, df, t, p, lower, upper.

        Parameters
        ----------
        L : array_like, (l, p) or (p,)
            One row a combination of the coefficients, in the order of `terms`.

        Raises
        ------
        ArgumentError
            If L has another width, or is not finite.
        """
        import numpy as np
        import polars as pl

        estimate, se, df = linear_combinations(self.effects, self._contrast_matrix(L))
        with np.errstate(divide="ignore", invalid="ignore"):
            t = estimate / se
        half = t_quantile(1.0 - self.alpha / 2.0, df) * se
        return pl.DataFrame(
            {
                "estimate": estimate,
                "se": se,
                "df": df,
                "t": t,
                "p": two_sided_t(t, df),
                "lower": estimate - half,
                "upper": estimate + half,
            }
        )

    def test(self, L: Any, labels: Sequence[str] | None = None) -> TestResult:
        """F test of L beta = 0 by the degrees-of-freedom method of the fit.

        Parameters
        ----------
        L : array_like, (l, p) or (p,)
            Linearly independent rows.
        labels : sequence of str, optional
            Names of the rows, kept with the result.

        Returns
        -------
        TestResult
            Also holds df1, df2 and p.
        """
        matrix = self._contrast_matrix(L)
        names = tuple(labels or ())
        if names and len(names) != len(matrix):
            raise ArgumentError(
                f"{len(names)} labels for {len(matrix)} rows", where="labels", value=names
            )
        return joint_test(self.effects, matrix, names)

    def lsmeans_matrix(
        self,
        factor: str,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, float | str] | None = None,
    ) -> tuple[pl.DataFrame, np.ndarray]:
        """Levels and the (rows, p) matrix L whose product with the coefficients is the LS means.

        Rows: the levels of `by` in order, and within them those of `factor`.
        """
        import polars as pl

        others = _names(by)
        if factor in others or len(set(others)) < len(others):
            raise ArgumentError("a factor stands twice", where="by", value=others)
        names = [*others, factor]
        levels, L = reference_grid(self.data, names, at)
        columns = {
            name: pl.Series(
                name,
                [row[names.index(name)] for row in levels],
                dtype=pl.Enum(self.data.levels[name]),
            )
            for name in [factor, *others]
        }
        return pl.DataFrame(columns), L

    def lsmeans(
        self,
        factor: str,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, float | str] | None = None,
    ) -> pl.DataFrame:
        """Least-squares means of `factor`, at each level of `by`.

        Parameters
        ----------
        factor : str
        by : str or sequence of str, optional
        at : mapping, optional
            Numeric covariates at other values than their means over the rows used; a factor at
            one level instead of the equally weighted average.

        Returns
        -------
        polars.DataFrame
            factor, by …, estimate, se, df, lower, upper.
        """
        import polars as pl

        levels, L = self.lsmeans_matrix(factor, by, at)
        return pl.concat([levels, self.linear(L).drop("t", "p")], how="horizontal")

    def contrasts(
        self,
        factor: str,
        reference: str | None = None,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, float | str] | None = None,
    ) -> pl.DataFrame:
        """Differences of LS means from a reference level, at each level of `by`; unadjusted.

        Parameters
        ----------
        factor : str
        reference : str, optional
            The first level where it is left out.
        by, at
            As in `lsmeans`.

        Returns
        -------
        polars.DataFrame
            by …, contrast ("level - reference"), level, reference, estimate, se, df, t, p,
            lower, upper.
        """
        import numpy as np
        import polars as pl

        frame, L = self.lsmeans_matrix(factor, by, at)
        levels = self.data.levels[factor]
        chosen = levels[0] if reference is None else str(reference)
        if chosen not in levels:
            raise ArgumentError(
                f"not a level of {factor!r}",
                where="reference",
                value=reference,
                rule=f"Levels: {', '.join(levels)}",
            )
        base = levels.index(chosen)
        rows = np.arange(len(L)).reshape(-1, len(levels))
        kept = np.delete(rows, base, axis=1)
        differences = L[kept.ravel()] - np.repeat(L[rows[:, base]], len(levels) - 1, axis=0)
        heads = frame[kept.ravel().tolist()]
        level = heads[factor].cast(pl.String)
        named = heads.drop(factor).with_columns(
            (level + f" - {chosen}").alias("contrast"),
            level.alias("level"),
            pl.lit(chosen).alias("reference"),
        )
        return pl.concat([named, self.linear(differences)], how="horizontal")

    def to_dict(self) -> dict[str, Any]:
        """All results as plain Python values, ready for JSON."""
        return fit_as_dict(self)

    def __repr__(self) -> str:
        return fit_as_text(self)

    def _contrast_matrix(self, L: Any) -> np.ndarray:
        import numpy as np

        try:
            matrix = np.atleast_2d(np.asarray(L, dtype=float))
        except (TypeError, ValueError):
            raise ArgumentError("L is not a matrix of numbers", where="L", value=L) from None
        if matrix.ndim != 2 or matrix.shape[1] != len(self.terms):
            raise ArgumentError(
                f"L has shape {matrix.shape}",
                where="L",
                rule=f"One column for each of the {len(self.terms)} terms: {', '.join(self.terms)}",
            )
        if not math.isfinite(float(np.sum(np.abs(matrix)))):
            raise ArgumentError("L is not finite", where="L")
        return matrix


def _names(by: str | Sequence[str] | None) -> list[str]:
    if by is None:
        return []
    return [by] if isinstance(by, str) else list(by)
