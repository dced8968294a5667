"""Bootstrap within arm and stratum of importance and coefficients, the choice of tuning included.

Derivation: docs/methods/multivariate.md, "Intervals".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from ..forecast.fold_labels import fold_labels
from .adjusted_sets import adjust_sets
from .cross_validation import choose_tuning, cross_validate, fold_sets
from .elastic_net import fit_elastic_net, net_penalty
from .partial_least_squares import fit_partial_least_squares

if TYPE_CHECKING:
    import numpy as np

    from .cross_validation import Rule

#: Numbers that are held in memory at a time.
_AT_ONCE = 4_000_000


@dataclass(frozen=True, slots=True)
class Importance:
    """Bootstrap draws of partial least squares, and of which predictors the elastic net keeps.

    Attributes
    ----------
    components : ndarray of int (D,)
        Chosen anew in each sample, at least 1.
    importance, coefficients : ndarray (D, p)
        Variable importance in projection, and coefficients per SD of the sample.
    kept : ndarray of bool (D, p)
        Whether the elastic net of the given penalty keeps the predictor; empty without one.
    """

    components: np.ndarray
    importance: np.ndarray
    coefficients: np.ndarray
    kept: np.ndarray


def resample_importance(
    x: np.ndarray,
    own: np.ndarray,
    common: np.ndarray,
    y: np.ndarray,
    blocks: np.ndarray,
    draws: int,
    generator: np.random.Generator,
    *,
    components: int,
    folds: int,
    rule: Rule = "best",
    net: tuple[float, float] | None = None,
) -> Importance:
    """Resample people within blocks; take out the covariates, choose and fit anew each time.

    The number of components is chosen in each sample by one cross-validation whose folds divide
    people, so that no copy of a person is left out while another trains.

    Parameters
    ----------
    x, own, common
        As in `adjust_sets`.
    y : ndarray (n,)
    blocks : ndarray of int (n,)
    draws : int
    generator : numpy.random.Generator
    components, folds : int
    net : (strength, mixing), optional
        An elastic net that stays as it is over the samples.

    Raises
    ------
    ArgumentError
        If there are no draws, or fewer people than folds.
    """
    import numpy as np

    if draws < 1:
        raise ArgumentError("at least 1", where="draws", value=draws)
    n, p = x.shape
    if not 2 <= folds <= n:
        raise ArgumentError(f"from 2 to the number of people, {n}", where="folds", value=folds)
    home = np.argsort(blocks, kind="stable")
    sizes = np.unique(blocks[home], return_counts=True)[1]
    first = np.repeat(np.cumsum(sizes) - sizes, sizes)
    size = np.repeat(sizes, sizes)
    number = np.empty(draws, dtype=np.int64)
    importance, coefficients = np.empty((draws, p)), np.empty((draws, p))
    kept = np.zeros((draws if net else 0, p), dtype=bool)
    most = max(1, _AT_ONCE // (folds * n * (p + common.shape[1])))
    for start in range(0, draws, most):
        count = min(most, draws - start)
        here = slice(start, start + count)
        drawn = home[first + (generator.random((count, n)) * size).astype(np.int64)]
        weights = np.zeros((count, n))
        np.add.at(weights, (np.arange(count)[:, None], drawn), 1.0)
        labels = fold_labels(blocks, weights > 0.0, folds, generator)
        held = (labels[:, None] == np.arange(folds)[:, None]) * weights[:, None]
        train = (weights[:, None] - held).reshape(-1, n)
        cut = fold_sets(x, own, common, train, held.reshape(-1, n), folds)
        errors = cross_validate(cut, y[None], components=components)
        # One outcome in many samples: each sample is to the rule what an outcome is.
        by_sample = errors.errors[:, 0].reshape(count, folds, -1).swapaxes(0, 1)
        number[here] = _chosen(by_sample, held.sum(axis=2).T, errors.families, folds, rule)
        sets = adjust_sets(x, own, common, weights)
        left = sets.residuals(y[None])
        covariances = sets.covariances(left)
        fit = fit_partial_least_squares(sets.gram, covariances, components)
        place = (np.arange(count), 0, number[here] - 1)
        importance[here] = fit.importance[place]
        coefficients[here] = fit.coefficients[place]
        if net is not None:
            variance = (left * left * sets.weights[:, None]).sum(axis=2) / sets.size[:, None]
            correlations = (
                covariances / np.sqrt(np.where(variance > 0.0, variance, np.inf))[..., None]
            )
            found = fit_elastic_net(
                sets.gram, correlations, net_penalty(*net), net[1], tolerance=1e-6
            )
            kept[here] = found[:, 0] != 0.0
    return Importance(number, importance, coefficients, kept)


def _chosen(
    errors: np.ndarray, people: np.ndarray, families: tuple[int, ...], folds: int, rule: Rule
) -> np.ndarray:
    """Components of each sample, at least 1; errors (folds, samples, 1 + A)."""
    import numpy as np

    from .cross_validation import CrossValidation

    # Samples leave out different numbers of people: errors are put on one number.
    mean = people.mean(axis=1)
    scaled = errors * (mean[:, None] / np.maximum(people, 1.0))[..., None]
    return choose_tuning(CrossValidation(scaled, mean, families, folds), rule).model
