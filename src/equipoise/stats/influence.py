"""What single participants do to a fit: deletion diagnostics.

At fixed covariance deletion is exact in closed form (Cook and Weisberg 1982; Christensen,
Pearson and Johnson 1992, Technometrics 34:38–45; SAS PROC MIXED, MODEL / INFLUENCE with
ITER=0); with a refit the covariance is estimated again without the participant (ITER > 0).
Derivation: docs/methods/after-the-fit.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .errors import StatsError
from .marginal_covariance import estimate_at
from .participant_blocks import participant_blocks
from .vocabulary import CoefficientCovariance, Likelihood
from .whitening import block_roots, whiten, whitened_rows

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .mmrm_fit import MMRMFit
    from .model_data import ModelData

#: I − ZZ' of a participant has eigenvalues in [0, 1]; below this it is singular.
_SINGULAR = 1e-9
_NOT_ESTIMABLE = "a coefficient is not estimable without this participant"


@dataclass(frozen=True, slots=True, eq=False)
class Deletion:
    """A fit without each participant in turn.

    Attributes
    ----------
    leverage : (N,)
        Trace of the participant's block of the hat matrix; they sum to p.
    rows : int64 (N,)
        Rows of each participant.
    change : (N, p)
        Whitened change B⁻¹(beta − beta without i); NaN where a coefficient is not estimable
        without the participant, or the refit did not converge.
    covariance : (N, p, p)
        Whitened model-based covariance of the coefficients without i.
    displacement : (N,)
        Of the (restricted) likelihood; NaN at fixed covariance under REML, on which it depends
        through the covariance alone.
    outcome : tuple of str
    """

    leverage: np.ndarray
    rows: np.ndarray
    change: np.ndarray
    covariance: np.ndarray
    displacement: np.ndarray
    outcome: tuple[str, ...]


def one_step_deletion(fit: MMRMFit) -> Deletion:
    """Exact deletion at the covariance matrix of the whole fit."""
    import numpy as np

    n, p = fit.n_subjects, len(fit.terms)
    leverage, rows = np.empty(n), np.empty(n, dtype=np.int64)
    change, covariance = np.full((n, p), math.nan), np.full((n, p, p), math.nan)
    estimable = np.zeros(n, dtype=bool)
    for block, _, z, residual in whitened_rows(fit):
        at = block.participants
        rows[at] = z.shape[1]
        leverage[at] = np.einsum("imp,imp->i", z, z)
        # (I − Z'Z)⁻¹ = I + Z'(I − ZZ')⁻¹Z: matrices of a participant's size, not the design's
        values, vectors = np.linalg.eigh(np.eye(z.shape[1]) - z @ z.transpose(0, 2, 1))
        good = values[:, 0] > _SINGULAR
        estimable[at] = good
        own, vectors = z[good], vectors[good]
        inverse = (vectors / values[good][:, None, :]) @ vectors.transpose(0, 2, 1)
        scores = inverse @ residual[good][:, :, None]
        change[at[good]] = (own.transpose(0, 2, 1) @ scores)[:, :, 0]
        covariance[at[good]] = np.eye(p) + own.transpose(0, 2, 1) @ (inverse @ own)
    displacement = np.full(n, math.nan)
    if fit.likelihood is Likelihood.ML:
        displacement = np.einsum("ip,ip->i", change, change)
    outcome = tuple("estimable" if good else _NOT_ESTIMABLE for good in estimable)
    return Deletion(leverage, rows, change, covariance, displacement, outcome)


def refit_deletion(fit: MMRMFit) -> Deletion:
    """Deletion with the covariance estimated again; N whole fits."""
    import numpy as np

    from .repeated_measures import fit_model

    one = one_step_deletion(fit)
    n = fit.n_subjects
    inverse = np.linalg.inv(fit.effects.root)
    change, covariance = np.full_like(one.change, math.nan), np.full_like(one.covariance, math.nan)
    displacement = np.full(n, math.nan)
    outcome = list(one.outcome)
    for i in range(n):
        if outcome[i] == _NOT_ESTIMABLE:
            continue
        try:
            without = fit_model(
                without_participant(fit.data, i),
                structure=fit.structure,
                likelihood=fit.likelihood,
                df_method=fit.df_method,
                vcov=CoefficientCovariance.MODEL,
                alpha=fit.alpha,
            )
        except StatsError as error:
            outcome[i] = f"no fit: {error.what}"
            continue
        change[i] = inverse @ (fit.effects.estimate - without.effects.estimate)
        root = inverse @ without.effects.root
        covariance[i] = root @ root.T
        displacement[i] = likelihood_at(fit, without) - fit.minus2_log_likelihood
        outcome[i] = "refitted"
    return Deletion(one.leverage, one.rows, change, covariance, displacement, tuple(outcome))


def without_participant(data: ModelData, i: int) -> ModelData:
    """The arrays of a model without one participant; columns and levels stay as they are."""
    import numpy as np

    kept = data.subject != i
    others = np.arange(data.n_subjects) != i
    position = np.cumsum(others) - 1

    def rows(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else values[kept]

    return replace(
        data,
        design=np.ascontiguousarray(data.design[kept]),
        response=data.response[kept],
        subject=position[data.subject[kept]],
        visit=data.visit[kept],
        n_subjects=data.n_subjects - 1,
        participants=tuple(np.array(data.participants, dtype=object)[others]),
        source_row=data.source_row[kept],
        columns={name: values[kept] for name, values in data.columns.items()},
        weights=rows(data.weights),
        coordinates=rows(data.coordinates),
        group=None if data.group is None else data.group[others],
        cache={},
    )


def likelihood_at(fit: MMRMFit, other: MMRMFit) -> float:
    """−2 (restricted) log-likelihood of the data of `fit` at the estimates of `other`.

    Under REML at its covariance matrices, with beta estimated anew; under ML at its beta too.
    """
    import numpy as np

    estimate = estimate_at(fit.covariance_estimate, other.covariance_estimate)
    moved = replace(fit, covariance_estimate=estimate)
    reml = fit.likelihood is Likelihood.REML
    p = len(fit.terms)
    value = 0.0
    gram = np.zeros((p + 1, p + 1))
    design = fit.data.design
    residual = fit.data.response - design @ other.effects.estimate
    both = np.column_stack([design, residual])
    for block in participant_blocks(moved):
        roots = block_roots(moved, block)
        logs = np.log(np.abs(np.diagonal(roots, axis1=1, axis2=2)))
        value += 2.0 * float(np.sum(logs)) * (len(block.rows) / len(roots))
        white = whiten(roots, both[block.rows]).reshape(-1, p + 1)
        gram += white.T @ white
    counted = len(residual) - p if reml else len(residual)
    value += counted * math.log(2.0 * math.pi)
    if not reml:
        return value + float(gram[p, p])
    score = gram[:p, p]
    value += float(np.linalg.slogdet(gram[:p, :p])[1])
    return value + float(gram[p, p] - score @ np.linalg.solve(gram[:p, :p], score))


def deleted(fit: MMRMFit, *, refit: bool) -> Deletion:
    return refit_deletion(fit) if refit else one_step_deletion(fit)


def influence_frame(fit: MMRMFit, deletion: Deletion) -> pl.DataFrame:
    """One row a participant: leverage, Cook's distance and its kin."""
    import numpy as np
    import polars as pl

    p = len(fit.terms)
    squares = np.einsum("ip,ip->i", deletion.change, deletion.change)
    known = np.isfinite(squares)
    mdffits, covratio, covtrace = (np.full(len(known), math.nan) for _ in range(3))
    if known.any():
        change, covariance = deletion.change[known], deletion.covariance[known]
        solved = np.linalg.solve(covariance, change[:, :, None])[:, :, 0]
        mdffits[known] = np.einsum("ip,ip->i", change, solved) / p
        covratio[known] = np.exp(np.linalg.slogdet(covariance)[1])
        covtrace[known] = np.abs(np.einsum("ipp->i", covariance) - p)
    return pl.DataFrame(
        {
            "participant": list(fit.data.participants),
            "rows": deletion.rows,
            "leverage": deletion.leverage,
            "cooks_distance": squares / p,
            "mdffits": mdffits,
            "covratio": covratio,
            "covtrace": covtrace,
            "likelihood_displacement": deletion.displacement,
            "outcome": list(deletion.outcome),
        }
    ).with_columns(pl.selectors.float().fill_nan(None))


def influence_on_frame(
    fit: MMRMFit, deletion: Deletion, L: np.ndarray, labels: tuple[str, ...]
) -> pl.DataFrame:
    """One row a participant and row of L: the estimate without the participant."""
    import numpy as np
    import polars as pl

    n, rows = fit.n_subjects, len(L)
    w = L @ fit.effects.root
    change = deletion.change @ w.T
    variance = np.einsum("lp,ipq,lq->il", w, deletion.covariance, w, optimize=True)
    estimate = np.tile(L @ fit.effects.estimate, n)
    with np.errstate(invalid="ignore", divide="ignore"):
        standardised = change / np.sqrt(variance)
    names = labels or tuple(str(i + 1) for i in range(rows))
    participants = pl.Series(list(fit.data.participants))
    return pl.DataFrame(
        {
            "participant": participants.gather(np.repeat(np.arange(n), rows)),
            "contrast": list(names) * n,
            "estimate": estimate,
            "estimate_without": estimate - change.ravel(),
            "change": change.ravel(),
            "standardised_change": standardised.ravel(),
        }
    ).with_columns(pl.selectors.float().fill_nan(None))
