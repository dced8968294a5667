"""Posterior draws of the imputation model: coefficients and covariance matrices.

Flat prior on the coefficients. Each sweep draws, given the covariance matrices, the coefficients
from their normal distribution given the observed values (the missing ones integrated out), then
the missing residuals, then the covariance matrices from their inverse Wishart distributions given
the completed residuals: a data augmentation (Tanner and Wong 1987, JASA 82:528–540; Schafer 1997,
Analysis of Incomplete Multivariate Data, section 5.4) with its first two steps joined.
Derivation: docs/methods/reference-based-imputation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from ..patterns import distinct_patterns, group_by_pattern

if TYPE_CHECKING:
    import numpy as np

    from .base_model import BaseModel


class Prior(Enum):
    """Priors of each covariance matrix; each member holds its word and its label."""

    JEFFREYS = ("jeffreys", "Jeffreys, |Σ|^(−(T+1)/2), as SAS PROC MI")
    REML_WISHART = (
        "reml-wishart",
        "inverse Wishart about the REML estimate with T + 2 degrees of freedom, as rbmi",
    )

    def __init__(self, word: str, label: str) -> None:
        self.word = word
        self.label = label


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Participants with one pattern and one covariance matrix."""

    covariance: int
    absent: np.ndarray
    members: np.ndarray
    compressed: np.ndarray  # (m, rows · q)
    # Places in a covariance matrix (visits by visits) and in the residuals (members by visits).
    seen_seen: tuple[np.ndarray, ...]
    seen_absent: tuple[np.ndarray, ...]
    absent_seen: tuple[np.ndarray, ...]
    absent_absent: tuple[np.ndarray, ...]
    members_seen: tuple[np.ndarray, ...]
    members_absent: tuple[np.ndarray, ...]


def sample_posterior(
    model: BaseModel,
    generator: np.random.Generator,
    *,
    sweeps: int,
    burn_in: int,
    prior: Prior,
) -> tuple[np.ndarray, np.ndarray]:
    """The states of the chain after each of `sweeps` sweeps that follow `burn_in` others.

    The chain starts at the REML estimate.

    Returns
    -------
    beta : (sweeps, p)
    covariances : (sweeps, C, T, T)
        Squared units of the response.
    """
    import numpy as np

    size = model.n_visits
    n_matrices = len(model.covariances)
    q = model.rows.shape[1]
    present = np.flatnonzero(model.length > 0)
    subject = np.repeat(np.arange(len(present)), model.length[present])
    response = np.full((len(present), size), np.nan)
    design = np.zeros((len(present), size, q - 1))
    response[subject, model.visit] = model.rows[:, -1]
    design[subject, model.visit] = model.rows[:, :-1]
    block = model.block[present]
    blocks = _blocks(model, subject, block, ~np.isnan(response), size)
    counts = np.bincount(block, minlength=n_matrices)
    degrees = counts.astype(float)
    scale = np.zeros((n_matrices, size, size))
    matrices = model.covariances / model.size**2
    if prior is Prior.REML_WISHART:
        degrees += size + 2
        scale += matrices
    kept_beta = np.empty((sweeps, q - 1))
    kept = np.empty((sweeps, n_matrices, size, size))
    filled = np.where(np.isnan(response), 0.0, response)
    seen = ~np.isnan(response)
    for sweep in range(-burn_in, sweeps):
        beta = _draw_coefficients(blocks, matrices, q, generator)
        residuals = np.where(seen, filled - design @ beta, 0.0)
        for b in blocks:
            if len(b.absent):
                _complete(residuals, b, matrices[b.covariance], generator)
        matrices = np.stack(
            [
                _inverse_wishart(
                    degrees[c],
                    scale[c] + residuals[block == c].T @ residuals[block == c],
                    generator,
                )
                for c in range(n_matrices)
            ]
        )
        if sweep >= 0:
            kept_beta[sweep] = beta
            kept[sweep] = matrices
    return model.offset + model.size * (kept_beta @ model.back.T), model.size**2 * kept


def _blocks(
    model: BaseModel, subject: np.ndarray, block: np.ndarray, seen: np.ndarray, size: int
) -> list[_Block]:
    """Patterns, each with its rows compressed exactly (see `group_by_pattern`)."""
    import numpy as np

    patterns = group_by_pattern(subject, model.visit, model.rows, size, block)
    _, of = distinct_patterns(seen, block)
    blocks = []
    for g, m in enumerate(patterns.n_visits):
        rows = patterns.rows[patterns.first[g] : patterns.first[g + 1]]
        wide = rows.reshape(-1, m, rows.shape[1]).transpose(1, 0, 2).reshape(m, -1)
        observed, absent = (
            np.flatnonzero(s) for s in (patterns.observed[g], ~patterns.observed[g])
        )
        members = np.flatnonzero(of == g)
        blocks.append(
            _Block(
                covariance=int(patterns.block[g]),
                absent=absent,
                members=members,
                compressed=np.ascontiguousarray(wide),
                seen_seen=np.ix_(observed, observed),
                seen_absent=np.ix_(observed, absent),
                absent_seen=np.ix_(absent, observed),
                absent_absent=np.ix_(absent, absent),
                members_seen=np.ix_(members, observed),
                members_absent=np.ix_(members, absent),
            )
        )
    return blocks


def _draw_coefficients(
    blocks: list[_Block], matrices: np.ndarray, q: int, generator: np.random.Generator
) -> np.ndarray:
    import numpy as np

    gram = np.zeros((q, q))
    for b in blocks:
        root = np.linalg.cholesky(matrices[b.covariance][b.seen_seen])
        white = np.linalg.solve(root, b.compressed).reshape(-1, q)
        gram += white.T @ white
    root = np.linalg.cholesky(gram[:-1, :-1])
    centre = np.linalg.solve(root, gram[:-1, -1])
    return np.linalg.solve(root.T, centre + generator.standard_normal(q - 1))


def _complete(
    residuals: np.ndarray, block: _Block, covariance: np.ndarray, generator: np.random.Generator
) -> None:
    """Draw the residuals of the missing values given the observed ones, in place."""
    import numpy as np

    slopes = np.linalg.solve(covariance[block.seen_seen], covariance[block.seen_absent])
    spread = covariance[block.absent_absent] - covariance[block.absent_seen] @ slopes
    noise = generator.standard_normal((len(block.members), len(block.absent)))
    drawn = residuals[block.members_seen] @ slopes + noise @ np.linalg.cholesky(spread).T
    residuals[block.members_absent] = drawn


def _inverse_wishart(
    degrees: float, scale: np.ndarray, generator: np.random.Generator
) -> np.ndarray:
    """A draw by Bartlett's decomposition: with density ∝ |Σ|^(−(degrees+T+1)/2) e^(−tr(SΣ⁻¹)/2)."""
    import numpy as np

    size = len(scale)
    lower = np.tril(generator.standard_normal((size, size)), -1)
    lower[np.diag_indices(size)] = np.sqrt(generator.chisquare(degrees - np.arange(size)))
    factor = np.linalg.solve(lower, np.linalg.cholesky(scale).T)
    return factor.T @ factor
