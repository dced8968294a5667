"""Whether a chain of posterior draws can be trusted, as a named result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_LEAST_SHARE = 0.5
_ALPHA = 0.01


@dataclass(frozen=True, slots=True)
class ChainDiagnostics:
    """Of all sweeps after burn-in, over every coefficient and element of the covariance matrices.

    Attributes
    ----------
    draws, burn_in, thin : int
        Kept draws, sweeps before the first of them, sweeps from one to the next.
    smallest_effective_size : float
        Independent draws that would be as informative as all sweeps (Geyer's initial positive
        sequence), for the worst quantity.
    worst_quantity : str
    largest_geweke : float
        Largest \\|z\\| of Geweke's comparison of the first tenth with the last half.
    geweke_quantity : str
    geweke_limit : float
        What \\|z\\| exceeds with probability 0.01 in any of the quantities, if they were
        independent and the chain stationary.
    trusted : bool
        At least half as many effective as kept draws, and Geweke's z below its limit.
    message : str
    """

    draws: int
    burn_in: int
    thin: int
    smallest_effective_size: float
    worst_quantity: str
    largest_geweke: float
    geweke_quantity: str
    geweke_limit: float
    trusted: bool
    message: str


def diagnose(values: np.ndarray, names: list[str], burn_in: int, thin: int) -> ChainDiagnostics:
    """Diagnose the columns of `values`, (sweeps, quantities).

    References
    ----------
    Geweke J (1992) in Bayesian Statistics 4, Oxford, 169–193.
    Geyer CJ (1992) Stat Sci 7:473–483.
    """
    import numpy as np
    from scipy.special import ndtri

    draws = len(values) // thin
    sizes = np.array([effective_size(column) for column in values.T])
    scores = np.array([geweke(column) for column in values.T])
    worst, moved = int(np.argmin(sizes)), int(np.argmax(scores))
    limit = float(-ndtri(_ALPHA / (2.0 * len(names))))
    faults = []
    if sizes[worst] < _LEAST_SHARE * draws:
        faults.append(
            f"{sizes[worst]:.0f} effective draws for {names[worst]} where {draws} are kept: "
            f"raise thin above {thin}"
        )
    if scores[moved] > limit:
        faults.append(
            f"the chain moved: Geweke's |z| is {scores[moved]:.1f} for {names[moved]} "
            f"(limit {limit:.1f}): raise burn_in above {burn_in}"
        )
    return ChainDiagnostics(
        draws=draws,
        burn_in=burn_in,
        thin=thin,
        smallest_effective_size=float(sizes[worst]),
        worst_quantity=names[worst],
        largest_geweke=float(scores[moved]),
        geweke_quantity=names[moved],
        geweke_limit=limit,
        trusted=not faults,
        message="; ".join(faults)
        or f"stationary; {draws} draws kept of a chain worth at least {sizes[worst]:.0f} "
        "independent ones",
    )


def effective_size(chain: np.ndarray) -> float:
    """n / (1 + 2 Σ ρ_k), the sum over the initial pairs whose sum is positive; at most n."""
    import numpy as np

    n = len(chain)
    centred = chain - chain.mean()
    variance = float(centred @ centred) / n
    if n < 4 or variance <= 0.0:
        return float(n)
    length = 1 << (2 * n - 1).bit_length()
    spectrum = np.abs(np.fft.rfft(centred, length)) ** 2
    rho = np.fft.irfft(spectrum, length)[:n] / (n * variance)
    pairs = rho[: n - n % 2].reshape(-1, 2).sum(axis=1)
    ends = np.flatnonzero(pairs <= 0.0)
    kept = pairs[: ends[0]] if len(ends) else pairs
    return min(float(n), n / max(2.0 * float(kept.sum()) - 1.0, 1e-12))


def geweke(chain: np.ndarray) -> float:
    """\\|z\\| for the means of the first tenth and the last half; 0 for fewer than 100 sweeps."""
    n = len(chain)
    if n < 100:
        return 0.0
    early, late = chain[: n // 10], chain[n // 2 :]
    variance = sum(float(part.var(ddof=1)) / effective_size(part) for part in (early, late))
    return abs(float(early.mean() - late.mean())) / math.sqrt(variance) if variance > 0 else 0.0
