"""A model under other allocations: which rows of the design each arm would have had.

The design is built once for every arm, with everybody in it; an allocation then picks each
participant's rows. The arm may stand anywhere in the formula. Outcomes, missing ones included,
stay where they are. See docs/methods/re-randomisation.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from .batch_fits import refit_under_allocations
from .design_grid import design_rows
from .errors import ArgumentError, StatsError
from .least_squares_means import reference_grid
from .model_data import read_model_data
from .repeated_measures import fit_model
from .small_samples import linear_combinations
from .vocabulary import (
    CoefficientCovariance,
    CovarianceStructure,
    DegreesOfFreedom,
    Likelihood,
    parse_df,
    parse_word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np

    from .model_data import ModelData


@dataclass(frozen=True, slots=True, eq=False)
class Refits:
    """One contrast under each of B allocations.

    Attributes
    ----------
    estimate, se, df : float64 (B,)
        NaN where there is no fit.
    ok : bool (B,)
        Whether a structure of the ladder gave a checked fit.
    step : int64 (B,)
        Which structure of the ladder it was, from 0.
    """

    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray
    ok: np.ndarray
    step: np.ndarray

    @property
    def statistics(self) -> np.ndarray:
        """(B,) estimate/SE, NaN without a fit."""
        import numpy as np

        statistics = np.full(len(self.ok), np.nan)
        statistics[self.ok] = self.estimate[self.ok] / self.se[self.ok]
        return statistics


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ArmContrast:
    """A contrast of two arms in a mixed model, ready to be refitted under other allocations.

    Made by `arm_contrast`.

    Attributes
    ----------
    data : ModelData
        The rows of the fit, under the allocation that was observed.
    designs : float64 (A, n, p)
        The design with everybody in arm 0, 1, …
    L : float64 (p,)
        Combination of the coefficients: `level` minus `reference`.
    arms : tuple of str
        What the codes of an allocation mean.
    level, reference : int
        Indices into `arms`.
    observed : int64 (N,)
        Arm of each participant of the fit, in the order of `participants`.
    ladder : tuple of CovarianceStructure
        Tried in this order in every fit.
    likelihood : Likelihood
    df_method : DegreesOfFreedom
    vcov : CoefficientCovariance
    grouped : bool
        Whether each arm has a covariance matrix of its own.
    """

    data: ModelData
    designs: np.ndarray
    L: np.ndarray
    arms: tuple[str, ...]
    level: int
    reference: int
    observed: np.ndarray
    ladder: tuple[CovarianceStructure, ...]
    likelihood: Likelihood
    df_method: DegreesOfFreedom
    vcov: CoefficientCovariance
    grouped: bool

    def __repr__(self) -> str:
        ladder = ", then ".join(structure.word for structure in self.ladder)
        return (
            f"ArmContrast: {self.arms[self.level]} - {self.arms[self.reference]} in "
            f"{self.data.formula.text!r}, {len(self.observed)} participants, {ladder}, "
            f"{self.likelihood.word}, {self.df_method.word}"
        )

    @property
    def participants(self) -> tuple[Any, ...]:
        """Labels of the N participants, the columns of every array of allocations."""
        return self.data.participants

    def treated_rows(self) -> np.ndarray:
        """(n,) 1.0 for rows of participants who were observed in `level`, otherwise 0.0."""
        return (self.observed[self.data.subject] == self.level).astype(float)

    def refit(self, allocations: np.ndarray, shift: float = 0.0) -> Refits:
        """The contrast under each allocation, (B, N) codes.

        `shift` is first taken from the responses of those who were observed in `level`.
        """
        response = self.data.response
        if shift != 0.0:
            response = response - shift * self.treated_rows()
        return refit_allocations(self, allocations, response)

    def observed_effect(self) -> tuple[float, float, float]:
        """Estimate, SE and df under the allocation that was observed.

        Raises
        ------
        ConvergenceError, DesignError
            Of the last structure of the ladder, if none has a fit.
        """
        last: StatsError | None = None
        for structure in self.ladder:
            try:
                found = self.effect(structure, self.observed, self.data.response)
            except StatsError as error:
                last = error
            else:
                return found
        assert last is not None  # the ladder has a step
        raise last

    def effect(
        self, structure: CovarianceStructure, allocation: np.ndarray, response: np.ndarray
    ) -> tuple[float, float, float]:
        """Estimate, SE and df under one allocation, by a fit of its own."""
        import numpy as np

        design = self.designs[allocation[self.data.subject], np.arange(len(response))]
        group = self.data.group
        if self.grouped:
            group = allocation
            if len(np.unique(allocation)) < len(self.arms):
                raise StatsError("an arm without anybody has no covariance", where="allocation")
        fit = fit_model(
            replace(self.data, design=design, response=response, group=group, cache={}),
            structure=structure,
            likelihood=self.likelihood,
            df_method=self.df_method,
            vcov=self.vcov,
            alpha=0.05,
        )
        estimate, se, df = linear_combinations(fit.effects, self.L[None])
        return float(estimate[0]), float(se[0]), float(df[0])


def arm_contrast(
    formula: str,
    data: Any,
    *,
    subject: str,
    visit: str,
    arm: str,
    level: object,
    reference: object,
    at: Mapping[str, float | str] | None = None,
    covariance: str | CovarianceStructure | Sequence[str | CovarianceStructure] = "us",
    method: str | Likelihood = "reml",
    df: str | DegreesOfFreedom | None = None,
    vcov: str | CoefficientCovariance = "model",
    group: str | None = None,
    weights: str | None = None,
    visit_levels: Sequence[object] | None = None,
) -> ArmContrast:
    """A contrast of least-squares means of two arms, for `rerandomisation_test`.

    With a single visit and without the visit in the formula this is an analysis of covariance.

    Parameters
    ----------
    formula, data, subject, visit, method, df, vcov, group, weights, visit_levels
        As in `mmrm`. Where `group` is the arm, groups follow the allocation.
    arm : str
        Column of the arm, a factor of the formula.
    level, reference
        Arms that are compared: `level` minus `reference`.
    at : mapping, optional
        For instance ``{"visit": "week 6"}``; what it leaves out is averaged, as in
        `MMRMFit.lsmeans`.
    covariance : str or sequence of str
        Structures that are tried in this order in every fit; the next only where the one before
        has no valid fit.

    Returns
    -------
    ArmContrast

    Raises
    ------
    FormulaError, DesignError
        As in `mmrm`.
    ArgumentError
        If the arm is not a factor of the formula, changes within a participant, or lacks a level.
    """
    import numpy as np

    words = [covariance] if isinstance(covariance, str | CovarianceStructure) else [*covariance]
    if not words:
        raise ArgumentError("at least one covariance structure", where="covariance", value=words)
    ladder = tuple(parse_word(CovarianceStructure, word, "covariance") for word in words)
    robust = parse_word(CoefficientCovariance, vcov, "vcov")
    likelihood = parse_word(Likelihood, method, "method")
    read = read_model_data(
        formula,
        data,
        subject=subject,
        visit=visit,
        group=group,
        weights=weights,
        visit_levels=visit_levels,
    )
    if arm not in read.levels:
        raise ArgumentError(
            "the arm is not a factor of the formula",
            where="arm",
            value=arm,
            rule=f"Factors: {', '.join(read.levels) or 'none'}",
            remedy="Put it into the formula; an arm that is a number as C(…)",
        )
    arms = read.levels[arm]
    codes = _two_levels(arms, level, reference)
    factors = {name: read.columns[name] for name in read.levels}
    numeric = {name: read.columns[name] for name in read.means}
    observed = _one_arm_each(read, factors[arm], arm)
    designs = np.stack(
        [
            design_rows(read, {**factors, arm: np.full_like(factors[arm], code)}, numeric)
            for code in range(len(arms))
        ]
    )
    grid = reference_grid(read, [arm], at).matrix
    if len(grid) != len(arms):
        raise ArgumentError(
            "a covariate takes several values",
            where="at",
            value=at,
            rule="One contrast is tested",
            remedy="Give one value",
        )
    high, low = (grid[code] for code in codes)
    return ArmContrast(
        data=read,
        designs=designs,
        L=high - low,
        arms=arms,
        level=codes[0],
        reference=codes[1],
        observed=observed,
        ladder=ladder,
        likelihood=likelihood,
        df_method=parse_df(df, robust, likelihood),
        vcov=robust,
        grouped=group == arm,
    )


def _two_levels(arms: tuple[str, ...], level: object, reference: object) -> tuple[int, int]:
    for where, value in (("level", level), ("reference", reference)):
        if str(value) not in arms:
            raise ArgumentError(
                "nobody in the fit is in this arm",
                where=where,
                value=value,
                rule=f"Arms: {', '.join(arms)}",
            )
    if str(level) == str(reference):
        raise ArgumentError("an arm is compared with itself", where="level", value=level)
    return arms.index(str(level)), arms.index(str(reference))


def _one_arm_each(read: ModelData, codes: np.ndarray, arm: str) -> np.ndarray:
    import numpy as np

    observed = np.zeros(read.n_subjects, dtype=np.int64)
    observed[read.subject] = codes
    wrong = np.unique(read.subject[observed[read.subject] != codes])
    if len(wrong):
        raise ArgumentError(
            "a participant changes the arm",
            where=f"arm={arm!r}",
            value=[read.participants[i] for i in wrong[:10]],
            rule="An allocation gives each participant one arm",
            remedy="Give the arm to which the participant was randomised",
        )
    return observed


def refit_allocations(
    contrast: ArmContrast, allocations: np.ndarray, response: np.ndarray
) -> Refits:
    """The contrast under each allocation, walking the ladder where a structure has no fit.

    Parameters
    ----------
    contrast : ArmContrast
    allocations : int64 (B, N)
        Index of the arm of each participant.
    response : float64 (n,)
        In the order of `contrast.data`.
    """
    import numpy as np

    count = len(allocations)
    estimate, se, df = np.full((3, count), np.nan)
    ok = np.zeros(count, dtype=bool)
    step = np.full(count, -1, dtype=np.int64)
    for number, structure in enumerate(contrast.ladder):
        left = np.flatnonzero(~ok)
        if not len(left):
            break
        fits = _way(contrast, structure)
        estimate[left], se[left], df[left] = fits(
            contrast, structure, np.ascontiguousarray(allocations[left]), response
        )
        ok[left] = np.isfinite(estimate[left]) & np.isfinite(se[left]) & (se[left] > 0.0)
        step[left[ok[left]]] = number
    return Refits(estimate, se, df, ok, step)


def _way(contrast: ArmContrast, structure: CovarianceStructure) -> Callable[..., np.ndarray]:
    """How allocations are fitted; the three give the same numbers where they apply."""
    data = contrast.data
    plain = contrast.vcov is CoefficientCovariance.MODEL and data.weights is None
    if plain and data.group is None:
        if len(data.visits) == 1 and contrast.likelihood is Likelihood.REML:
            return _analyses_of_covariance
        if structure is CovarianceStructure.UNSTRUCTURED:
            return _compiled
    return _one_by_one


def _compiled(
    contrast: ArmContrast,
    structure: CovarianceStructure,
    allocations: np.ndarray,
    response: np.ndarray,
) -> np.ndarray:
    """Unstructured models, by the compiled core for batches."""
    import numpy as np

    data = contrast.data
    estimate, se, df, ok = refit_under_allocations(
        contrast.designs,
        allocations,
        response,
        data.subject,
        data.visit,
        len(data.visits),
        contrast.L[None],
        reml=contrast.likelihood is Likelihood.REML,
        adjust=contrast.df_method.adjusts_covariance,
    )
    found = np.stack([estimate[:, 0], se[:, 0], df[:, 0]])
    found[:, ~ok] = np.nan
    return found


def _one_by_one(
    contrast: ArmContrast,
    structure: CovarianceStructure,
    allocations: np.ndarray,
    response: np.ndarray,
) -> np.ndarray:
    """Estimate, SE and df, (3, B), by a fit for each allocation; NaN where it fails."""
    import numpy as np

    found = np.full((3, len(allocations)), np.nan)
    for b, allocation in enumerate(allocations):
        try:
            found[:, b] = contrast.effect(structure, allocation, response)
        except StatsError:
            continue
    return found


_SINGULAR = 1e-10


def _analyses_of_covariance(
    contrast: ArmContrast,
    structure: CovarianceStructure,
    allocations: np.ndarray,
    response: np.ndarray,
) -> np.ndarray:
    """The same with one visit, where every structure is one variance: least squares."""
    import numpy as np

    data = contrast.data
    n, p = data.design.shape
    rows = np.arange(n)
    found = np.full((3, len(allocations)), np.nan)
    for b, allocation in enumerate(allocations):
        design = contrast.designs[allocation[data.subject], rows]
        norms = np.linalg.norm(design, axis=0)
        if not np.all(norms > 0.0):
            continue
        left, sizes, right = np.linalg.svd(design / norms, full_matrices=False)
        if not (n > p and sizes[-1] > _SINGULAR * sizes[0]):
            continue
        scores = left.T @ response
        errors = response - left @ scores
        w = (right @ (contrast.L / norms)) / sizes
        variance = float(errors @ errors) / (n - p)
        found[:, b] = w @ scores, np.sqrt(variance * float(w @ w)), n - p
    return found
