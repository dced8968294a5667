"""A fitted mixed model for repeated measures, and what can be asked of it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .comparisons import compare_levels, contrast_rows, grid_for, joint_tests, names_of
from .covariance_estimate import parameter_frame
from .distributions import t_quantile, two_sided_t
from .errors import ArgumentError
from .fit_html import fit_as_html
from .fit_row import fit_as_row
from .fit_summary import fit_as_dict, fit_as_text
from .influence import deleted, influence_frame, influence_on_frame
from .information_criteria import InformationCriteria, information_criteria
from .named_combinations import combination_rows, profile_rows
from .new_rows import rows_of_fit, rows_of_frame
from .predictions import prediction_frame
from .residual_frame import residual_frame
from .simulated_responses import simulated_responses
from .small_samples import TestResult, joint_test, linear_combinations
from .tests_of_terms import type_three_hypotheses
from .vocabulary import (
    CoefficientCovariance,
    Likelihood,
    PredictionInterval,
    ResidualKind,
    parse_word,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import polars as pl

    from .convergence import Convergence
    from .covariance_estimate import CovarianceEstimate
    from .model_data import ModelData
    from .small_samples import FixedEffects
    from .vocabulary import CovarianceStructure, DegreesOfFreedom, MeanWeights


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
    covariance : (T, T) array, or dict of them
        Within-participant covariance matrix, squared units of the response, at weight 1; with
        groups one for each, by its level. Under ``sp_exp`` with coordinates that differ between
        participants: that of a participant seen at the mean coordinates of each visit.
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
    covariance_estimate : CovarianceEstimate
        The matrices of all participants, and SAS's parameters.
    vcov : CoefficientCovariance
        Of the coefficients.
    """

    formula: str
    structure: CovarianceStructure
    likelihood: Likelihood
    df_method: DegreesOfFreedom
    alpha: float
    covariance: np.ndarray | dict[str, np.ndarray]
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
    covariance_estimate: CovarianceEstimate
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
        return self.covariance_estimate.parameters.size

    @property
    def covariance_parameters(self) -> pl.DataFrame:
        """Frame with group (with groups only), parameter, estimate, se, lower, upper.

        SAS's parameters under its names, visits counted from 1. Limits as SAS's ``cl``:
        Satterthwaite's for what cannot be negative, otherwise Wald's.
        """
        return parameter_frame(self.covariance_estimate, self.data.group_levels, self.alpha)

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

    def linear(self, L: Any, labels: Sequence[str] | None = None) -> pl.DataFrame:
        """Each row of L beta: estimate, se, df, t, p, lower, upper.

        Parameters
        ----------
        L : array_like, (l, p) or (p,)
            One row a combination of the coefficients, in the order of `terms`.
        labels : sequence of str, optional
            Names of the rows; they become a first column, label.

        Raises
        ------
        ArgumentError
            If L has another width, or is not finite, or has another number of labels.
        """
        import numpy as np
        import polars as pl

        matrix = self._contrast_matrix(L)
        names = _labels(labels, len(matrix))
        estimate, se, df = linear_combinations(self.effects, matrix)
        with np.errstate(divide="ignore", invalid="ignore"):
            t = estimate / se
        half = t_quantile(1.0 - self.alpha / 2.0, df) * se
        return pl.DataFrame(
            {
                **({"label": names} if names else {}),
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
        return joint_test(self.effects, matrix, _labels(labels, len(matrix)))

    def combination(self, weights: Mapping[str, Any]) -> pl.DataFrame:
        """Combinations of coefficients written by name.

        Parameters
        ----------
        weights : mapping
            Term to weight, as in ``{"arm[T.drug]": 1, "arm[T.drug]:visit[T.w8]": 1}``; or label
            to such a mapping, for several.

        Returns
        -------
        polars.DataFrame
            label, then the columns of `linear`.
        """
        return self.linear(*combination_rows(self.terms, weights))

    def mean_at(self, profiles: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        """Expected response for written-out profiles: a value for every column of the formula.

        Returns
        -------
        polars.DataFrame
            The columns of the formula, estimate, se, df, lower, upper.
        """
        import polars as pl

        frame, L = profile_rows(self.data, profiles)
        return pl.concat([frame, self.linear(L).drop("t", "p")], how="horizontal")

    def type3(self) -> pl.DataFrame:
        """Type III tests of every term, as in SAS PROC MIXED; the intercept is not tested.

        Returns
        -------
        polars.DataFrame
            term, F, df1, df2, p. Null, with df1 = 0, where nothing of a term is estimable.
        """
        import polars as pl

        rows: list[dict[str, Any]] = []
        for term, L in type_three_hypotheses(self.data).items():
            row: dict[str, Any] = {"term": term, "F": None, "df1": 0.0, "df2": None, "p": None}
            if len(L):
                result = joint_test(self.effects, L)
                row.update(F=result.statistic, df1=float(result.df1), df2=result.df2, p=result.p)
            rows.append(row)
        schema = {"term": pl.String} | dict.fromkeys(("F", "df1", "df2", "p"), pl.Float64)
        return pl.DataFrame(rows, schema=schema)

    def lsmeans_matrix(
        self,
        factor: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        weights: str | MeanWeights = "equal",
    ) -> tuple[pl.DataFrame, np.ndarray]:
        """Levels and the (rows, p) matrix L whose product with the coefficients is the LS means.

        Rows: the levels of `by` in order, and within them those of `factor`.
        """
        grid, factors, others = grid_for(self.data, factor, by, at, weights)
        return grid.frame.select([*factors, *others]), grid.matrix.copy()

    def lsmeans(
        self,
        factor: str | Sequence[str],
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        weights: str | MeanWeights = "equal",
    ) -> pl.DataFrame:
        """Least-squares means of `factor`, at each level of `by`.

        Parameters
        ----------
        factor : str or sequence of str
            Of several factors, each combination.
        by : str or sequence of str, optional
        at : mapping, optional
            Numeric covariates at other values than their means over the rows used; several values
            of one are all reported. A factor at one level instead of the average over all, or at
            several, over which is averaged; several levels of `factor` or `by` itself are the ones
            that are reported.
        weights : str
            A word of `MeanWeights`: of the levels over which is averaged.

        Returns
        -------
        polars.DataFrame
            factor, by …, estimate, se, df, lower, upper.
        """
        import polars as pl

        grid, factors, others = grid_for(self.data, factor, by, at, weights)
        head = grid.frame.select([*factors, *others])
        return pl.concat([head, self.linear(grid.matrix).drop("t", "p")], how="horizontal")

    def contrasts(
        self,
        factor: str | Sequence[str],
        reference: Any = None,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        *,
        kind: Any = "reference",
        weights: str | MeanWeights = "equal",
        adjust: str = "none",
        family: str = "by",
        seed: int = 20261123,
    ) -> pl.DataFrame:
        """Contrasts of LS means, at each level of `by`.

        Parameters
        ----------
        factor : str or sequence of str
            Of several factors, the combinations of their levels are compared.
        reference : str or tuple, optional
            For kind ``"reference"``; the first level where it is left out.
        by, at, weights
            As in `lsmeans`.
        kind : str, mapping or sequence
            A word of `Comparison`; or contrasts of one's own, name → weights of the levels, as in
            ``{"late": {"w6": 0.5, "w8": 0.5}}``; or one of these for each of several factors, for
            contrasts of contrasts.
        adjust : str
            A word of `Adjustment`.
        family : str
            A word of `Family`: what is adjusted together.
        seed : int
            Of the lattice for a multivariate t that no quadrature reaches.

        Returns
        -------
        polars.DataFrame
            by …, contrast ("level - reference"), level, reference, estimate, se, df, t, p,
            lower, upper: unadjusted. With `adjust` also p_adjusted, lower_simultaneous,
            upper_simultaneous (null where the method has no limits), adjustment, family_size, and
            p_error, the estimated absolute error of p_adjusted.
        """
        rows = contrast_rows(
            self.data, factor, reference=reference, by=by, at=at, kind=kind, weights=weights
        )
        return compare_levels(self, rows, adjust, family, seed)

    def test_contrasts(
        self,
        factor: str | Sequence[str],
        reference: Any = None,
        by: str | Sequence[str] | None = None,
        at: Mapping[str, Any] | None = None,
        *,
        kind: Any = "reference",
        weights: str | MeanWeights = "equal",
        family: str = "by",
    ) -> pl.DataFrame:
        """F tests that all contrasts are zero: at each level of `by`, or with ``"all"`` at any.

        Parameters as in `contrasts`. Contrasts that follow from others are left out.

        Returns
        -------
        polars.DataFrame
            by …, F, df1, df2, p; one row without by for ``family="all"``.
        """
        rows = contrast_rows(
            self.data, factor, reference=reference, by=by, at=at, kind=kind, weights=weights
        )
        return joint_tests(self, rows, family)

    def predict(
        self,
        data: Any = None,
        *,
        conditional: bool = True,
        interval: str | PredictionInterval = "none",
        alpha: float | None = None,
    ) -> pl.DataFrame:
        """Means of participants' visits, given the responses that they showed.

        Parameters
        ----------
        data : data frame, optional
            Rows to predict, with the columns that the fit used, of participants old or new. Rows
            with a response are conditioned on; the response may be missing or left out. Without
            it: every participant of the fit at every visit.
        conditional : bool
            Whether to use the participant's responses; otherwise the mean is X beta.
        interval : str
            A word of `PredictionInterval`.
        alpha : float, optional
            For two-sided 100(1 − alpha) % limits; that of the fit where it is left out.

        Returns
        -------
        polars.DataFrame
            participant, visit, row (of `data`; missing for a visit that had none), response,
            estimate, se and, with an interval, df, lower, upper. A visit with a response has, if
            conditional, that response as its estimate, without error. The errors of beta and, to
            first order, of the covariance parameters are in se.

        Raises
        ------
        DesignError
            With every fault of `data`: unknown levels or visits, missing covariates, ….
        """
        kind = parse_word(PredictionInterval, interval, "interval")
        level = self.alpha if alpha is None else alpha
        if not isinstance(level, int | float) or not 0.0 < level < 1.0:
            raise ArgumentError("alpha lies between 0 and 1", where="alpha", value=alpha)
        rows = rows_of_fit(self.data) if data is None else rows_of_frame(self.data, data)
        return prediction_frame(self, rows, conditional=conditional, interval=kind, alpha=level)

    def residuals(self, kind: str | ResidualKind = "raw") -> pl.DataFrame:
        """Marginal residuals of the rows used, in the order of the user's frame.

        Parameters
        ----------
        kind : str
            A word of `ResidualKind`.

        Returns
        -------
        polars.DataFrame
            participant, visit, row, response, fitted, residual.
        """
        return residual_frame(self, parse_word(ResidualKind, kind, "kind"))

    def simulate(
        self, seed: int, replicates: int = 1, *, new_parameters: bool = False
    ) -> np.ndarray:
        """SIMULATED responses from the fit, at the rows used; never observed ones.

        Parameters
        ----------
        seed : int
            From 0 to 2^128 − 1. Replicate 17 is the same however many are drawn.
        replicates : int
        new_parameters : bool
            Whether each replicate draws its coefficients too, from the normal distribution of
            the estimates; the covariance parameters stay as estimated.

        Returns
        -------
        (replicates, n_observations) array
            Columns in the order of `residuals()`.
        """
        return simulated_responses(self, seed, replicates, new_parameters=new_parameters)

    def influence(self, *, refit: bool = False) -> pl.DataFrame:
        """What the fit would be without each participant, in summary.

        Parameters
        ----------
        refit : bool
            Whether the covariance is estimated again without the participant (as many fits as
            participants); otherwise it is held, and deletion is exact in closed form.

        Returns
        -------
        polars.DataFrame
            participant, rows, leverage, cooks_distance, mdffits, covratio, covtrace,
            likelihood_displacement, outcome. Missing where the outcome says why.
        """
        return influence_frame(self, deleted(self, refit=refit))

    def influence_on(
        self, L: Any = None, labels: Sequence[str] | None = None, *, refit: bool = False
    ) -> pl.DataFrame:
        """What rows of L beta would be without each participant (DFBETA, DFBETAS).

        Parameters
        ----------
        L : array_like, (l, p) or (p,), optional
            The coefficients themselves where it is left out.
        labels : sequence of str, optional
        refit : bool
            As in `influence`.

        Returns
        -------
        polars.DataFrame
            participant, contrast, estimate, estimate_without, change (estimate minus that
            without the participant), standardised_change (over the model-based standard error
            without the participant).
        """
        import numpy as np

        matrix = self._contrast_matrix(np.eye(len(self.terms)) if L is None else L)
        names = self.terms if L is None else _labels(labels, len(matrix))
        return influence_on_frame(self, deleted(self, refit=refit), matrix, names)

    def glance(self) -> pl.DataFrame:
        """One row: how the model was fitted, and how well."""
        return fit_as_row(self)

    def to_dict(self) -> dict[str, Any]:
        """All results as plain Python values, ready for JSON."""
        return fit_as_dict(self)

    def __repr__(self) -> str:
        return fit_as_text(self)

    def _repr_html_(self) -> str:
        return fit_as_html(self)

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


def _labels(labels: Sequence[str] | None, rows: int) -> tuple[str, ...]:
    names = () if labels is None else tuple(names_of(labels, "labels"))
    if names and len(names) != rows:
        raise ArgumentError(f"{len(names)} labels for {rows} rows", where="labels", value=names)
    return names
