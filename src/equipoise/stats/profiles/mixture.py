"""Latent profiles: a mixture of normal distributions with independent markers within a profile.

Fitted by expectation-maximisation from many starts and for many weightings of the people at
once, with a weak prior that keeps a profile from closing on one person.
Derivation: docs/methods/immune-profiles.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError

if TYPE_CHECKING:
    import numpy as np

_ROUNDS = 300
_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Mixture:
    """A fitted mixture of K profiles; B weightings on the first axis.

    Attributes
    ----------
    share : ndarray (B, K)
        Share of each profile, the largest first.
    mean, variance : ndarray (B, K, p)
        On the scale of the values given; of a shared variance the same for every profile.
    shared : bool
        Whether profiles share the variance of each marker.
    log_likelihood : ndarray (B,)
        Without the prior.
    n : ndarray (B,)
        Sum of the weights.
    """

    share: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    shared: bool
    log_likelihood: np.ndarray
    n: np.ndarray

    @property
    def parameters(self) -> int:
        """Free parameters."""
        profiles, markers = self.mean.shape[1:]
        return profiles * markers + (1 if self.shared else profiles) * markers + profiles - 1

    @property
    def bic(self) -> np.ndarray:
        """(B,) -2 log-likelihood + parameters x log n; the smaller the better."""
        import numpy as np

        return -2.0 * self.log_likelihood + self.parameters * np.log(self.n)

    def probabilities(self, values: np.ndarray) -> np.ndarray:
        """(B, n, K) probability of each profile for each person (n, p)."""
        import numpy as np

        log_density = _log_density(values, self.share, self.mean, self.variance)
        top = log_density.max(axis=-1, keepdims=True)
        found = np.exp(log_density - top)
        return found / found.sum(axis=-1, keepdims=True)


def fit_mixture(
    values: np.ndarray,
    profiles: int,
    generator: np.random.Generator,
    *,
    counts: np.ndarray | None = None,
    starts: int = 20,
    shared: bool = True,
) -> Mixture:
    """The mixture of `profiles` by penalised maximum likelihood.

    Assumes independent people, and markers that are independent and normal within a profile.

    Parameters
    ----------
    values : ndarray (n, p)
        Complete; standardise them, and take logarithms where a marker is skewed, beforehand.
    profiles : int
        1 or more, fewer than people.
    generator : numpy.random.Generator
        Chooses the people at whom profiles start.
    counts : ndarray (B, n), optional
        Bootstrap counts; one weighting, of 1 each, when left out.
    starts : int
        Random starts of each weighting; the best is kept.
    shared : bool
        One variance of each marker for all profiles, as latent profile analysis has it, or one
        each: with few people the latter finds outliers and calls them profiles.

    Raises
    ------
    ArgumentError
        If a value is missing, a marker does not vary, or there are too many profiles.

    References
    ----------
    Fraley C, Raftery AE (2007) Bayesian regularization for normal mixture estimation and
    model-based clustering. J Classif 24:155–181. (The prior: 3 degrees of freedom on each
    variance, scale var / K²; no prior on means and shares.)
    """
    import numpy as np

    values = np.asarray(values, dtype=float)
    n, markers = values.shape
    if not np.isfinite(values).all():
        raise ArgumentError("every value is known", where="values")
    if isinstance(profiles, bool) or not 1 <= profiles < n:
        raise ArgumentError(f"a number from 1 to {n - 1}", where="profiles", value=profiles)
    spread = values.var(axis=0)
    if not (spread > 0.0).all():
        raise ArgumentError("each marker varies", where="values")
    weights = np.ones((1, n)) if counts is None else np.asarray(counts, dtype=float)
    tries = 1 if profiles == 1 else starts
    many = np.repeat(weights, tries, axis=0)
    # Each start: K different people of the sample, with the whole spread around each in every
    # other start, with 1/K² of it in the rest: wide and narrow profiles are both within reach.
    keys = generator.random(many.shape) + np.where(many > 0.0, 0.0, 2.0)
    chosen = np.argsort(keys, axis=1)[:, :profiles]
    mean = values[chosen] if profiles > 1 else np.zeros((len(many), 1, markers))
    narrow = np.where(np.arange(len(many)) % 2 == 0, 1.0, 1.0 / profiles**2)
    variance = np.broadcast_to(spread, mean.shape) * narrow[:, None, None]
    share = np.full((len(many), profiles), 1.0 / profiles)
    prior = spread / profiles**2
    last = np.full(len(many), -np.inf)
    active = np.arange(len(many))
    for _ in range(_ROUNDS):
        w, s, m, v = many[active], share[active], mean[active], variance[active]
        log_density = _log_density(values, s, m, v)
        top = log_density.max(axis=-1, keepdims=True)
        part = np.exp(log_density - top)
        whole = part.sum(axis=-1, keepdims=True)
        reached = (w * (top + np.log(whole))[..., 0]).sum(axis=-1) + _log_prior(
            v[:, :1] if shared else v, prior
        )
        part = w[..., None] * part / whole
        size = part.sum(axis=1)
        safe = np.maximum(size, 1e-10)
        m = np.einsum("bnk,np->bkp", part, values) / safe[..., None]
        square = np.einsum("bnk,np->bkp", part, values**2) - safe[..., None] * m * m
        # Mode under the prior: (scale + weighted squares) / (3 + 2 + size).
        square = np.maximum(square, 0.0)
        if shared:
            pooled = (prior + square.sum(axis=1)) / (5.0 + w.sum(axis=1)[:, None])
            v = np.repeat(pooled[:, None, :], profiles, axis=1)
        else:
            v = (prior + square) / (5.0 + size[..., None])
        share[active], mean[active], variance[active] = size / w.sum(axis=1, keepdims=True), m, v
        moving = np.abs(reached - last[active]) > _TOLERANCE * (1.0 + np.abs(reached))
        last[active] = reached
        active = active[moving]
        if not active.size:
            break
    best = np.argmax(last.reshape(-1, tries), axis=1) + np.arange(len(weights)) * tries
    share, mean, variance = share[best], mean[best], variance[best]
    order = np.argsort(-share, axis=1, kind="stable")
    share = np.take_along_axis(share, order, axis=1)
    mean = np.take_along_axis(mean, order[..., None], axis=1)
    variance = np.take_along_axis(variance, order[..., None], axis=1)
    log_density = _log_density(values, share, mean, variance)
    top = log_density.max(axis=-1)
    log_sum = top + np.log(np.exp(log_density - top[..., None]).sum(axis=-1))
    return Mixture(
        share, mean, variance, shared, (weights * log_sum).sum(axis=1), weights.sum(axis=1)
    )


def correlated_bic(values: np.ndarray) -> float:
    """BIC of one normal distribution in which markers may go together: no profiles at all.

    Markers that rise and fall together along a line look like two profiles to a mixture whose
    markers are independent within a profile; this is the other way to describe them.

    Parameters
    ----------
    values : ndarray (n, p)
        As for `fit_mixture`; n above p.

    Raises
    ------
    ArgumentError
        If the markers repeat each other.
    """
    import numpy as np

    n, markers = values.shape
    covariance = np.atleast_2d(np.cov(values.T, bias=True))
    sign, log_determinant = np.linalg.slogdet(covariance)
    if not sign > 0.0:
        raise ArgumentError("no marker repeats the others", where="values")
    minus2 = n * (markers * np.log(2.0 * np.pi) + float(log_determinant) + markers)
    return float(minus2 + (markers + markers * (markers + 1) / 2) * np.log(n))


def _log_prior(variance: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Log density, up to a constant, of the inverse gamma prior: 3 degrees of freedom."""
    import numpy as np

    return (-2.5 * np.log(variance) - 0.5 * prior / variance).sum(axis=(-1, -2))


def _log_density(
    values: np.ndarray, share: np.ndarray, mean: np.ndarray, variance: np.ndarray
) -> np.ndarray:
    """(B, n, K) log of share x density."""
    import numpy as np

    precise = 1.0 / variance
    square = (
        np.einsum("np,bkp->bnk", values**2, precise)
        - 2.0 * np.einsum("np,bkp->bnk", values, mean * precise)
        + (mean**2 * precise).sum(axis=-1)[:, None, :]
    )
    constant = np.log(2.0 * np.pi * variance).sum(axis=-1)
    with np.errstate(divide="ignore"):
        return np.log(share)[:, None, :] - 0.5 * (square + constant[:, None, :])
