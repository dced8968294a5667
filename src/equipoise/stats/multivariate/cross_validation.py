"""Repeated cross-validation of partial least squares and elastic net on one partition.

What counts is what predictors add to the covariates: Q2 = 1 - errors with them / errors without,
0 for the covariates alone. Derivation: docs/methods/multivariate.md, "How many components".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import ArgumentError
from ..forecast.fold_labels import fold_labels
from .adjusted_sets import AdjustedSets, adjust_sets
from .elastic_net import STRENGTHS, fit_elastic_net, net_penalty
from .partial_least_squares import fit_partial_least_squares

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

Rule = Literal["best", "one-standard-error"]

#: Coefficients per SD of both that move less than this in a sweep are good enough to compare.
_ENOUGH = 1e-5


@dataclass(frozen=True, slots=True)
class FoldSets:
    """The training sets of a repeated cross-validation, ready for any outcome.

    Attributes
    ----------
    sets : AdjustedSets
        K = repeats x folds training sets, by repeat and fold.
    held : ndarray (K, n)
        How often each person is left out of each.
    held_gram : ndarray (K, p, p)
        Cross products of the adjusted predictors of those left out.
    folds : int
    """

    sets: AdjustedSets
    held: np.ndarray
    held_gram: np.ndarray
    folds: int


@dataclass(frozen=True, slots=True)
class CrossValidation:
    """Squared errors of those left out.

    Attributes
    ----------
    errors : ndarray (K, B, 1 + C)
        Sums in each of K folds for B outcomes: first the covariates alone, then C candidates.
    people : ndarray (K,)
        People left out.
    families : tuple of int
        (C,) which candidates are steps of one another, from the plainest on.
    folds : int
        Of one repeat.
    """

    errors: np.ndarray
    people: np.ndarray
    families: tuple[int, ...]
    folds: int

    @property
    def q2(self) -> np.ndarray:
        """(B, 1 + C) what each adds to the covariates, over all folds."""
        import numpy as np

        total = self.errors.sum(axis=0)
        base = total[:, :1]
        return 1.0 - total / np.where(base > 0.0, base, np.nan)

    @property
    def standard_error(self) -> np.ndarray:
        """(B, 1 + C) of the mean squared error, from its spread over the folds of a repeat."""
        import numpy as np

        mean = self.errors / np.maximum(self.people, 1.0)[:, None, None]
        by_repeat = mean.reshape(-1, self.folds, *mean.shape[1:])
        return np.sqrt(by_repeat.var(axis=1, ddof=1).mean(axis=0) / self.folds)


@dataclass(frozen=True, slots=True)
class Tuned:
    """What the rule chose for each of B outcomes.

    Attributes
    ----------
    chosen : ndarray of int (B,)
        Candidate: 0 is the covariates alone.
    model : ndarray of int (B,)
        Candidate by the same rule where the covariates alone are no candidate.
    q2 : ndarray (B,)
        Cross-validated Q2 of `model`.
    """

    chosen: np.ndarray
    model: np.ndarray
    q2: np.ndarray


def make_folds(
    x: np.ndarray,
    own: np.ndarray,
    common: np.ndarray,
    blocks: np.ndarray,
    folds: int,
    repeats: int,
    generator: np.random.Generator,
) -> FoldSets:
    """Folds by chance, stratified by blocks; covariates are taken out in each training set.

    Parameters
    ----------
    x, own, common
        As in `adjust_sets`.
    blocks : ndarray of int (n,)
        Arm x stratum.
    folds, repeats : int
    generator : numpy.random.Generator
        The only source of chance. The outcome is not looked at.

    Raises
    ------
    ArgumentError
        If there are fewer people than folds.
    """
    import numpy as np

    n = len(x)
    if not 2 <= folds <= n:
        raise ArgumentError(
            f"from 2 to the number of people, {n}", where="folds", value=folds,
            remedy="plan fewer folds",
        )  # fmt: skip
    labels = fold_labels(blocks, np.ones((repeats, n), dtype=bool), folds, generator)
    held = (labels[:, None] == np.arange(folds)[:, None]).reshape(-1, n).astype(float)
    return fold_sets(x, own, common, 1.0 - held, held, folds)


def fold_sets(
    x: np.ndarray,
    own: np.ndarray,
    common: np.ndarray,
    weights: np.ndarray,
    held: np.ndarray,
    folds: int,
) -> FoldSets:
    """Training sets with who is left out of each, (K, n) both."""
    sets = adjust_sets(x, own, common, weights)
    gram = (sets.x * held[:, :, None]).swapaxes(1, 2) @ sets.x
    return FoldSets(sets, held, gram, folds)


def cross_validate(
    found: FoldSets,
    y: np.ndarray,
    *,
    components: int = 0,
    mixing: Sequence[float] = (),
    strengths: Sequence[float] = STRENGTHS,
) -> CrossValidation:
    """Errors of partial least squares, or of the elastic net, on the same folds.

    Parameters
    ----------
    found : FoldSets
    y : ndarray (B, n) or (K, 1, n)
        Outcomes, each looked at in every fold; or one a training set.
    components : int
        Candidates 1 to `components`; 0: no partial least squares.
    mixing, strengths
        Candidates of the elastic net: every strength, in the order given, of every mixing.
    """
    import numpy as np

    sets = found.sets
    left = sets.residuals(np.asarray(y, dtype=float))
    covariances = sets.covariances(left)
    # Held sums, not means: an error is one quadratic form in the coefficients.
    held = sets.covariances(left, found.held) * sets.size[:, None, None]
    base = (left * left * found.held[:, None]).sum(axis=2)
    variance = (left * left * sets.weights[:, None]).sum(axis=2) / sets.size[:, None]
    spread = np.sqrt(variance)[..., None]
    errors, families = [base], []

    def add(coefficients: np.ndarray) -> None:
        product = coefficients @ found.held_gram
        errors.append(base + (coefficients * (product - 2.0 * held)).sum(axis=2))

    if components:
        fit = fit_partial_least_squares(sets.gram, covariances, components)
        for a in range(components):
            add(fit.coefficients[:, :, a])
        families += [0] * components
    correlations = covariances / np.where(spread > 0.0, spread, np.inf)
    for place, alpha in enumerate(mixing, 1):
        start: np.ndarray | None = None
        for strength in strengths:
            start = fit_elastic_net(
                sets.gram, correlations, net_penalty(strength, alpha), alpha,
                start=start, tolerance=_ENOUGH,
            )  # fmt: skip
            add(start * spread)
        families += [place] * len(strengths)
    return CrossValidation(
        np.stack(errors, axis=2), found.held.sum(axis=1), tuple(families), found.folds
    )


def choose_tuning(found: CrossValidation, rule: Rule = "best") -> Tuned:
    """The candidate that the rule names, with and without the covariates alone among them.

    ``best``: the smallest error. ``one-standard-error``: of the same family the plainest whose
    error is within one standard error of the smallest.

    References
    ----------
    Hastie T, Tibshirani R, Friedman J (2009) The Elements of Statistical Learning, 2nd ed.
    Springer, section 7.10.
    """
    import numpy as np

    if rule not in ("best", "one-standard-error"):
        raise ArgumentError("best or one-standard-error", where="rule", value=rule)
    mean = found.errors.sum(axis=0) / found.people.sum()
    rows = np.arange(len(mean))
    model = 1 + np.argmin(mean[:, 1:], axis=1)
    chosen = np.where(mean[rows, model] < mean[:, 0], model, 0)
    if rule == "one-standard-error":
        limit = mean[rows, model] + found.standard_error[rows, model]
        family = np.array([-1, *found.families])
        near = (mean <= limit[:, None]) & (family == family[model][:, None])
        model = np.argmax(near, axis=1)
        chosen = np.where((chosen == 0) | (mean[:, 0] <= limit), 0, model)
    return Tuned(chosen, model, found.q2[rows, model])
