"""Many trials of one shape, each fitted by a mixed model for repeated measures.

The same compiled core as a single fit, called for trial after trial on threads; no formula, no
data frame. Simulation studies and re-randomisation are its users. See docs/methods/batch.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from .convergence import Outcome
from .errors import ArgumentError
from .kernel_cache import load_batch_kernels, load_structured_batch_kernel
from .structured_fit import STRUCTURED_OUTCOMES, curved_weight
from .threads import check_threads, in_chunks
from .visit_distances import visit_distances
from .vocabulary import (
    CoefficientCovariance,
    CovarianceStructure,
    DegreesOfFreedom,
    Likelihood,
    parse_df,
    parse_word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import ArrayLike

#: How a fit of a batch can end beside the outcomes of the optimiser, as the kernels number it.
_OUTCOMES = {**STRUCTURED_OUTCOMES, 6: Outcome.RANK, 7: Outcome.CONSTANT, 9: Outcome.NOT_IDENTIFIED}
_TOO_FEW = 10
#: Patterns of visits are the bits of a number.
_MOST_VISITS = 40
_BATCH_DF = (
    DegreesOfFreedom.KENWARD_ROGER,
    DegreesOfFreedom.KENWARD_ROGER_FIRST_ORDER,
    DegreesOfFreedom.SATTERTHWAITE,
    DegreesOfFreedom.RESIDUAL,
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BatchFits:
    """l contrasts in each of B trials; NaN where a trial has no valid fit.

    Attributes
    ----------
    estimate, se : float64 (B, l)
        In the units of the response.
    df : float64 (B, l)
    minus2_log_likelihood : float64 (B,)
        In the convention of `MMRMFit`.
    covariance : float64 (B, T, T), with groups (B, C, T, T)
    outcome : int64 (B,)
        Index into `outcomes`: 0 converged.
    outcomes : tuple of Outcome
    """

    estimate: np.ndarray
    se: np.ndarray
    df: np.ndarray
    minus2_log_likelihood: np.ndarray
    covariance: np.ndarray
    outcome: np.ndarray
    outcomes: tuple[Outcome, ...]

    def __repr__(self) -> str:
        trials, contrasts = self.estimate.shape
        ended = ", ".join(f"{word} {n}" for word, n in self.counts().items())
        return f"BatchFits: {trials} trials, {contrasts} contrast(s); {ended}"

    @property
    def converged(self) -> np.ndarray:
        """(B,) whether every check of the fit was passed."""
        return self.outcome == 0

    @property
    def t(self) -> np.ndarray:
        """(B, l) estimate / SE."""
        return self.estimate / self.se

    @property
    def p(self) -> np.ndarray:
        """(B, l) two-sided p values, unadjusted."""
        from .distributions import two_sided_t

        return two_sided_t(self.t, self.df)

    def limits(self, alpha: float = 0.05) -> tuple[np.ndarray, np.ndarray]:
        """(B, l) two-sided 100(1 − alpha) % limits."""
        from .distributions import t_quantile

        half = t_quantile(1.0 - alpha / 2.0, self.df) * self.se
        return self.estimate - half, self.estimate + half

    def counts(self) -> dict[str, int]:
        """How many trials ended how."""
        import numpy as np

        found = np.bincount(self.outcome, minlength=len(self.outcomes))
        return {outcome.word: int(n) for outcome, n in zip(self.outcomes, found, strict=True) if n}


def mmrm_batch(
    responses: ArrayLike,
    covariates: ArrayLike,
    contrasts: ArrayLike | int,
    *,
    crossed: Sequence[bool] | None = None,
    covariance: str | CovarianceStructure = "us",
    method: str | Likelihood = "reml",
    df: str | DegreesOfFreedom | None = None,
    group: ArrayLike | None = None,
    coordinates: ArrayLike | None = None,
    threads: int | None = None,
) -> BatchFits:
    """Fit one model to each of many trials.

    Assumptions: those of `mmrm`. The design is made of columns that are constant within a
    participant, each with a coefficient at every visit or one for all visits.

    Parameters
    ----------
    responses : float (B, N, T)
        NaN where a participant was not observed at a visit.
    covariates : float (B, N, f) or (N, f)
        Columns for each participant: the intercept as ones, baseline, arm as 0 and 1, …; without
        a first axis they serve all trials.
    contrasts : float (l, p) or int
        Combinations of the p coefficients, which stand covariate after covariate, those of a
        crossed one visit after visit. A whole number k asks for the coefficients of covariate k:
        one a visit where it is crossed.
    crossed : sequence of bool, optional
        Whether a covariate has a coefficient at every visit; all have where it is left out.
    covariance : str
        A word of `CovarianceStructure`.
    method : str
        A word of `Likelihood`.
    df : str, optional
        ``kenward-roger`` (REML only, and then the default), ``kenward-roger-firstorder`` (the same
        under ``us``, ``cs`` and ``toep``), ``satterthwaite`` (the default under ML) or
        ``residual``.
    group : int (B, N) or (N,), optional
        Codes from 0 of groups with a covariance matrix each.
    coordinates : float (T,) or (T, d), optional
        Of the visits, between which ``sp_exp`` takes Euclidean distances.
    threads : int, optional
        All processors where it is left out. The numbers are the same for any.

    Returns
    -------
    BatchFits

    Raises
    ------
    ArgumentError
        If shapes do not fit, or a covariate is not finite. A trial that cannot be fitted does not
        stop the others: its outcome says why.

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> arm = np.arange(36) % 3 != 0
    >>> baseline = rng.normal(25.0, 4.0, (100, 36))
    >>> responses = baseline[:, :, None] + rng.normal(0.0, 5.0, (100, 36, 4))
    >>> columns = np.stack([np.ones((100, 36)), baseline, np.tile(arm, (100, 1))], axis=2)
    >>> fits = mmrm_batch(responses, columns, contrasts=2, crossed=[True, False, True])
    >>> fits.estimate.shape
    (100, 4)
    """
    import numpy as np

    structure = parse_word(CovarianceStructure, covariance, "covariance")
    likelihood = parse_word(Likelihood, method, "method")
    df_method = parse_df(df, CoefficientCovariance.MODEL, likelihood)
    if df_method not in _BATCH_DF:
        raise ArgumentError(
            "not offered for a batch",
            where="df",
            value=df_method.word,
            rule=f"Valid: {', '.join(method.word for method in _BATCH_DF)}",
        )
    reml = likelihood is Likelihood.REML
    y = _array(responses, "responses", (3,))
    z = _array(covariates, "covariates", (2, 3))
    if z.ndim == 2:
        z = z[None]
    trials, participants, size = y.shape
    if size > _MOST_VISITS:
        raise ArgumentError(
            f"{size} visits", where="responses", rule=f"At most {_MOST_VISITS} in a batch"
        )
    _require_shape("covariates", z, (trials, participants))
    if not np.all(np.isfinite(z)):
        where = np.argwhere(~np.isfinite(z))[0]
        raise ArgumentError(
            "a covariate is missing or infinite",
            where=f"covariates[{', '.join(map(str, where))}]",
            remedy="Complete it, or leave the participant out",
        )
    if np.any(np.isinf(y)):
        where = np.argwhere(np.isinf(y))[0]
        raise ArgumentError(
            "a response is infinite",
            where=f"responses[{', '.join(map(str, where))}]",
            rule="Responses are finite, or NaN where missing",
        )
    columns = z.shape[2]
    by_visit = np.ones(columns, dtype=bool) if crossed is None else np.array(crossed, dtype=bool)
    if by_visit.shape != (columns,):
        raise ArgumentError(
            f"one entry for each of the {columns} covariates",
            where="crossed",
            value=list(crossed or ()),
        )
    widths = np.where(by_visit, size, 1)
    matrix = _contrasts(contrasts, widths)
    codes, n_groups = _groups(group, trials, participants)
    distances = visit_distances(structure, coordinates, size)

    rows = len(matrix)
    estimate = np.empty((trials, rows))
    se, freedom = np.empty_like(estimate), np.empty_like(estimate)
    matrices = np.full((trials, n_groups, size, size), np.nan)
    value = np.empty(trials)
    status = np.empty(trials, dtype=np.int64)
    kernel = _kernel(structure, df_method, distances)
    adjust = df_method.adjusts_covariance

    def call(begin: int, end: int) -> None:
        kernel(
            begin, end, y, z, by_visit, codes, n_groups, reml, adjust, matrix,
            estimate, se, freedom, matrices, value, status,
        )  # fmt: skip

    p = int(widths.sum())
    in_chunks(call, trials, operations(p, size, n_groups, participants), check_threads(threads))
    failed = status != 0
    for array in (estimate, se, freedom):
        array[failed] = np.nan
    matrices[failed] = np.nan
    seen = ~np.isnan(y)
    counted = seen.sum(axis=(1, 2)) - (p if reml else 0)
    if df_method is DegreesOfFreedom.RESIDUAL:
        freedom[~failed] = (seen.sum(axis=(1, 2)) - p)[~failed, None]
    outcome, outcomes = _outcomes(status)
    return BatchFits(
        estimate=estimate,
        se=se,
        df=freedom,
        minus2_log_likelihood=value + counted * math.log(2.0 * math.pi),
        covariance=matrices if group is not None else matrices[:, 0],
        outcome=outcome,
        outcomes=outcomes,
    )


def _kernel(
    structure: CovarianceStructure, df_method: DegreesOfFreedom, distances: np.ndarray
) -> Callable[..., Any]:
    if structure is CovarianceStructure.UNSTRUCTURED:
        return load_batch_kernels().fit_trials
    return partial(
        load_structured_batch_kernel(), structure.code, distances, curved_weight(df_method)
    )


def operations(p: int, visits: int, groups: int, participants: int) -> float:
    """About how many multiplications and additions one fit takes."""
    q = p + 1
    k = groups * visits * (visits + 1) // 2
    one = participants * (visits * q) ** 2 / 4.0 + k * k * q * q / 2.0 + 4.0 * k * q * q
    return 2.0 * (6.0 * one + k**3)


def _outcomes(status: np.ndarray) -> tuple[np.ndarray, tuple[Outcome, ...]]:
    import numpy as np

    outcomes = tuple(Outcome)
    index = {code: outcomes.index(outcome) for code, outcome in _OUTCOMES.items()}
    index[_TOO_FEW] = outcomes.index(Outcome.RANK)
    table = np.array([index[code] for code in range(max(index) + 1)])
    return table[status], outcomes


def _array(values: ArrayLike, where: str, dimensions: tuple[int, ...]) -> np.ndarray:
    import numpy as np

    try:
        array = np.require(values, np.float64, ["C", "W"])
    except (TypeError, ValueError):
        raise ArgumentError("not an array of numbers", where=where) from None
    if array.ndim not in dimensions or not array.size:
        raise ArgumentError(
            f"it has shape {array.shape}",
            where=where,
            rule=f"{' or '.join(map(str, dimensions))} axes, none of them empty",
        )
    return array


def _require_shape(where: str, array: np.ndarray, leading: tuple[int, int]) -> None:
    if array.shape[0] not in (1, leading[0]) or array.shape[1] != leading[1]:
        raise ArgumentError(
            f"its shape starts with {array.shape[:2]}",
            where=where,
            rule=f"The responses are of {leading[0]} trials with {leading[1]} participants each",
        )


def _contrasts(contrasts: ArrayLike | int, widths: np.ndarray) -> np.ndarray:
    import numpy as np

    p = int(widths.sum())
    if isinstance(contrasts, int) and not isinstance(contrasts, bool):
        if not 0 <= contrasts < len(widths):
            raise ArgumentError(
                "no such covariate",
                where="contrasts",
                value=contrasts,
                rule=f"They are counted from 0 to {len(widths) - 1}",
            )
        begin = int(widths[:contrasts].sum())
        return np.eye(p)[begin : begin + int(widths[contrasts])].copy()
    matrix = np.atleast_2d(_array(contrasts, "contrasts", (1, 2)))  # pyright: ignore[reportArgumentType]
    if matrix.shape[1] != p or not np.all(np.isfinite(matrix)):
        raise ArgumentError(
            f"it has shape {matrix.shape}, or is not finite",
            where="contrasts",
            rule=f"One column for each of the {p} coefficients",
        )
    return np.ascontiguousarray(matrix)


def _groups(group: Any, trials: int, participants: int) -> tuple[np.ndarray, int]:
    import numpy as np

    if group is None:
        return np.zeros((1, participants), dtype=np.int64), 1
    given = np.atleast_2d(np.asarray(group))
    codes = given.astype(np.int64)
    if given.ndim != 2 or not np.array_equal(codes, given) or codes.min() < 0:
        raise ArgumentError("whole numbers from 0", where="group")
    _require_shape("group", codes, (trials, participants))
    return np.ascontiguousarray(codes), int(codes.max()) + 1


def refit_under_allocations(
    designs: np.ndarray,
    allocations: np.ndarray,
    response: np.ndarray,
    subject: np.ndarray,
    visit: np.ndarray,
    n_visits: int,
    L: np.ndarray,
    *,
    reml: bool = True,
    adjust: bool = True,
    threads: int | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Contrasts of an unstructured model under each of B allocations.

    Parameters
    ----------
    designs : float64 (A, n, p)
        The design with everybody in arm 0, 1, …
    allocations : int64 (B, N)
        Arm of each participant.
    response : float64 (n,)
    subject, visit : int64 (n,)
    n_visits : int
    L : float64 (l, p)
    reml, adjust : bool
        REML instead of ML; Kenward–Roger's standard error instead of the model's.
    threads : int, optional

    Returns
    -------
    estimate, se, df : float64 (B, l)
        NaN without a valid fit.
    ok : bool (B,)
    """
    import numpy as np

    from .compressed_rows import index_patterns

    index = index_patterns(subject, visit, n_visits)
    designs = np.require(designs, np.float64, ["C", "W"])
    codes = np.require(allocations, np.int64, ["C", "W"])
    answers = np.require(response, np.float64, ["C", "W"])
    lengths = np.sqrt(np.max(np.einsum("anp,anp->ap", designs, designs), axis=0))
    inverse = 1.0 / np.where(lengths > 0.0, lengths, 1.0)
    matrix = np.ascontiguousarray(np.atleast_2d(L) * inverse)
    trials, p = len(codes), designs.shape[2]
    estimate = np.empty((trials, len(matrix)))
    se, freedom = np.empty_like(estimate), np.empty_like(estimate)
    value = np.empty(trials)
    status = np.empty(trials, dtype=np.int64)
    kernel = load_batch_kernels().refit_allocations

    def call(begin: int, end: int) -> None:
        kernel(
            begin, end, designs, codes, inverse, answers, index.members, index.member_first,
            index.row_of, index.visits, index.n_visits, index.counts, index.block, 1, reml, adjust,
            matrix, estimate, se, freedom, value, status,
        )  # fmt: skip

    in_chunks(call, trials, operations(p, n_visits, 1, len(index.row_of)), check_threads(threads))
    return estimate, se, freedom, status == 0
