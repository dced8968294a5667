"""Missing early values and outcomes, drawn from a joint normal model given complete columns.

Derivation: docs/methods/early-change.md, "Missing values".
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

#: Sweeps of data augmentation before a draw is taken. What is left of the start falls by about
#: the share of missing information with each: of a share of 0.6 it is about 1e-9 after 40.
SWEEPS = 40
#: Of a column that adds nothing no more is left than this part of it.
_NOTHING_LEFT = 1e-8


def impute_markers(
    values: ArrayLike, fixed: ArrayLike, draws: int, generator: np.random.Generator
) -> np.ndarray:
    """Proper multiple imputations of `values` under a joint normal model given `fixed`.

    Assumes that values are missing at random given what is observed, and that the rows of
    `values` given `fixed` are normal with one covariance: that of the arms together, so that a
    slope which differs between arms is drawn towards their mean. The coefficients of `fixed` have a
    flat prior; the covariance an inverse Wishart one, worth p - 1 people in whom the columns are
    unrelated (Schafer's ridge prior; with p = 1 it is the noninformative one, and the draws are
    those of Rubin's normal regression). Where the gaps are monotone the draws are exact and
    independent, else each is the end of its own chain of data augmentation.

    Parameters
    ----------
    values : array_like (n, p)
        NaN: missing.
    fixed : array_like (n, q)
        Complete: arms and strata as indicator columns, covariates. An intercept is added, and a
        column that adds nothing to those before it is left out.
    draws : int
        Imputations.
    generator : numpy.random.Generator
        The only source of chance.

    Returns
    -------
    ndarray (draws, n, p)
        What is observed is unchanged in every draw.

    Raises
    ------
    ArgumentError
        If shapes do not fit, a fixed column has gaps, or a column of `values` has no value, does
        not vary beyond `fixed`, or is observed at too few people.

    References
    ----------
    Schafer JL (1997) Analysis of Incomplete Multivariate Data. Chapman & Hall, chapters 5 and 6.
    Rubin DB (1987) Multiple Imputation for Nonresponse in Surveys. Wiley, section 5.3.
    """
    import numpy as np

    values, fixed = np.asarray(values, dtype=float), np.asarray(fixed, dtype=float)
    if values.ndim != 2 or values.size < 1:
        raise ArgumentError("people by columns, at least one", where="values", value=values.shape)
    if fixed.ndim != 2 or len(fixed) != len(values):
        raise ArgumentError("the people of `values`", where="fixed", value=fixed.shape)
    if not np.isfinite(fixed).all():
        raise ArgumentError(
            "a value is missing or infinite",
            where="fixed",
            rule="Fixed columns are complete",
            remedy="Put the column among `values`, where it is imputed",
        )
    if np.isinf(values).any():
        raise ArgumentError("values are finite, or NaN where missing", where="values", value="inf")
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < 1:
        raise ArgumentError("a whole number of at least 1", where="draws", value=draws)
    observed = np.isfinite(values)
    basis = _orthonormal(np.column_stack([np.ones(len(values)), fixed]))
    middle, scale = _centre_and_scale(values, observed, basis)
    # On this scale the ridge is the same for every column.
    scaled = (values - middle) / scale
    order = np.argsort(-observed.sum(axis=0), kind="stable")
    nested = all(
        not (observed[:, later] & ~observed[:, sooner]).any()
        for sooner, later in itertools.pairwise(order)
    )
    if observed.all():
        drawn = np.broadcast_to(scaled, (draws, *values.shape))
    elif nested:
        drawn = monotone_draws(scaled, basis, order, draws, generator)
    else:
        drawn = augmented_draws(scaled, basis, draws, generator)
    return np.where(observed, values, drawn * scale + middle)


def monotone_draws(
    values: np.ndarray,
    basis: np.ndarray,
    order: np.ndarray,
    draws: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """Column by column, each on the basis and on those before it in `order`; (D, n, p).

    `values` have a residual SD of 1. The prior of the covariance, taken apart: slopes on earlier
    columns have the ridge p - 1, the residual variance of the j-th (from 0) 2(p - 1) - (p - 1 - j)
    degrees of freedom and the scale p - 1.
    """
    import numpy as np

    n, p = values.shape
    r = basis.shape[1]
    filled = np.broadcast_to(np.nan_to_num(values), (draws, n, p)).copy()
    for j, column in enumerate(order):
        seen = np.isfinite(values[:, column])
        if seen.all():
            continue
        before = order[:j]
        design = np.concatenate(
            [np.broadcast_to(basis, (draws, n, r)), filled[:, :, before]], axis=2
        )
        # Nested: whoever has this column has those before it, so that rows seen are the same
        # in every draw.
        x, y = design[0, seen], values[seen, column]
        precision = x.T @ x
        precision[range(r, r + j), range(r, r + j)] += p - 1.0
        centre = np.linalg.solve(precision, x.T @ y)
        squares = float(y @ (y - x @ centre)) + (p - 1.0)
        spare = int(seen.sum()) - r + 2 * (p - 1) - (p - 1 - j)
        sigma = np.sqrt(squares / generator.chisquare(spare, size=draws))
        root = np.linalg.cholesky(np.linalg.inv(precision))
        slopes = centre + sigma[:, None] * (generator.standard_normal((draws, r + j)) @ root.T)
        gap = ~seen
        mean = np.einsum("dnk,dk->dn", design[:, gap], slopes)
        noise = generator.standard_normal(mean.shape)
        filled[:, gap, column] = mean + sigma[:, None] * noise
    return filled


def augmented_draws(
    values: np.ndarray, basis: np.ndarray, draws: int, generator: np.random.Generator
) -> np.ndarray:
    """Data augmentation, one chain a draw and all chains at once; (D, n, p).

    `values` have a residual SD of 1.
    """
    import numpy as np

    n, p = values.shape
    r = basis.shape[1]
    gaps = ~np.isfinite(values)
    filled = np.broadcast_to(np.nan_to_num(values), (draws, n, p)).copy()
    for column in range(p):
        seen, gap = ~gaps[:, column], gaps[:, column]
        fit = np.linalg.lstsq(basis[seen], values[seen, column], rcond=None)[0]
        noise = generator.standard_normal((draws, int(gap.sum())))
        filled[:, gap, column] = basis[gap] @ fit + noise
    kinds, kind = np.unique(gaps, axis=0, return_inverse=True)
    patterns = [
        (np.flatnonzero(~gone), np.flatnonzero(gone), np.flatnonzero(kind.reshape(-1) == k))
        for k, gone in enumerate(kinds)
        if gone.any()
    ]
    ridge = (p - 1.0) * np.eye(p)
    spare = n - r + 2 * (p - 1)
    lower = np.tril_indices(p, -1)
    diagonal = np.arange(p)
    for _ in range(SWEEPS):
        fit = basis.T @ filled
        squares = filled.transpose(0, 2, 1) @ filled - fit.transpose(0, 2, 1) @ fit
        # Inverse Wishart by Bartlett: A A' is Wishart with unit scale.
        bartlett = np.zeros((draws, p, p))
        bartlett[:, diagonal, diagonal] = np.sqrt(
            generator.chisquare(spare - diagonal, size=(draws, p))
        )
        bartlett[:, lower[0], lower[1]] = generator.standard_normal((draws, len(lower[0])))
        root = np.linalg.solve(
            bartlett, np.linalg.cholesky(squares + ridge).transpose(0, 2, 1)
        ).transpose(0, 2, 1)
        covariance = root @ root.transpose(0, 2, 1)
        slopes = fit + generator.standard_normal((draws, r, p)) @ root.transpose(0, 2, 1)
        mean = basis @ slopes
        for there, gone, rows in patterns:
            centre = mean[:, rows[:, None], gone]
            own = covariance[:, gone[:, None], gone]
            if there.size:
                across = covariance[:, there[:, None], gone]
                weights = np.linalg.solve(covariance[:, there[:, None], there], across)
                apart = filled[:, rows[:, None], there] - mean[:, rows[:, None], there]
                centre = centre + apart @ weights
                own = own - across.transpose(0, 2, 1) @ weights
            noise = generator.standard_normal(centre.shape)
            filled[:, rows[:, None], gone] = centre + noise @ np.linalg.cholesky(own).transpose(
                0, 2, 1
            )
    return filled


def _orthonormal(columns: np.ndarray) -> np.ndarray:
    """(n, r) orthonormal columns that span those given."""
    import numpy as np

    found: list[np.ndarray] = []
    for column in columns.T:
        left = column.astype(float)
        for _ in range(2):
            for one in found:
                left = left - one * (one @ left)
        length = float(np.sqrt(left @ left))
        if length > _NOTHING_LEFT * float(np.sqrt(column @ column)):
            found.append(left / length)
    return np.column_stack(found)


def _centre_and_scale(
    values: np.ndarray, observed: np.ndarray, basis: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and residual SD given the basis of each column, where it can be imputed."""
    import numpy as np

    middle, scale = np.empty(values.shape[1]), np.empty(values.shape[1])
    for j, seen in enumerate(observed.T):
        where = f"values[:, {j}]"
        if not seen.any():
            raise ArgumentError(
                "nobody has a value",
                where=where,
                rule="A column is imputed from those who have it",
                remedy="Leave the column out",
            )
        own, known = basis[seen], values[seen, j]
        middle[j] = known.mean()
        centred = known - middle[j]
        if not np.abs(centred).max() > _NOTHING_LEFT * np.abs(known).max():
            raise ArgumentError(
                "the values do not vary",
                where=where,
                value=float(known[0]),
                remedy="Leave the column out",
            )
        rank = int(np.linalg.matrix_rank(own))
        if rank < basis.shape[1]:
            raise ArgumentError(
                "an arm, stratum or level has nobody with a value",
                where=where,
                rule="Every fixed column must be told apart among those with a value",
                remedy="Leave that level out, or join it to another",
            )
        spare = int(seen.sum()) - rank
        if spare < 2:
            raise ArgumentError(
                "too few people have a value",
                where=where,
                value=int(seen.sum()),
                rule=f"At least two more than the {rank} fixed columns",
                remedy="Leave the column out, or give fewer fixed columns",
            )
        left = centred - own @ np.linalg.lstsq(own, centred, rcond=None)[0]
        scale[j] = float(np.sqrt(left @ left / spare))
        if not scale[j] > _NOTHING_LEFT * np.abs(centred).max():
            raise ArgumentError(
                "the values do not vary beyond the fixed columns",
                where=where,
                remedy="Leave the column out",
            )
    return middle, scale
