"""New responses from a fitted model, at the observed design: SIMULATED, never observed.

Each replicate has a Philox stream of its own (counter-based: Salmon et al. 2011), so that
replicate 17 is the same however many are drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import ArgumentError
from .participant_blocks import participant_blocks
from .whitening import block_roots

if TYPE_CHECKING:
    import numpy as np

    from .mmrm_fit import MMRMFit

_AT_ONCE = 64
_PURPOSE = 0x6D6D726D  # "mmrm": a stream apart from others drawn with the same seed


def simulated_responses(
    fit: MMRMFit, seed: int, replicates: int, *, new_parameters: bool
) -> np.ndarray:
    """(replicates, n) responses y ~ N(X beta, V), columns in the order of the rows used.

    With `new_parameters` each replicate first draws its beta from the normal distribution of the
    estimates, by the covariance of the fit; V stays at its estimate.
    """
    import numpy as np

    seed = whole_number(seed, "seed", 0, 2**128 - 1)
    replicates = whole_number(replicates, "replicates", 1, 10_000_000)
    data = fit.data
    n, p = data.design.shape
    parts = [(block.rows, block_roots(fit, block)) for block in participant_blocks(fit)]
    spread = _root(fit.effects.covariance()) if new_parameters else None
    mean = data.design @ fit.effects.estimate
    out = np.empty((replicates, n))
    for begin in range(0, replicates, _AT_ONCE):
        chunk = range(begin, min(begin + _AT_ONCE, replicates))
        y = np.tile(mean, (len(chunk), 1))
        normal = np.empty((len(chunk), n))
        for i, replicate in enumerate(chunk):
            stream = _stream(seed, replicate)
            if spread is not None:
                y[i] += data.design @ (spread @ stream.standard_normal(p))
            normal[i] = stream.standard_normal(n)
        for rows, roots in parts:
            y[:, rows] += (roots @ normal[:, rows][..., None])[..., 0]
        out[chunk.start : chunk.stop] = y
    return out


def _root(covariance: np.ndarray) -> np.ndarray:
    """A square root, also of a covariance of lower rank (a sandwich of few participants)."""
    import numpy as np

    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def _stream(seed: int, replicate: int) -> np.random.Generator:
    import numpy as np

    key = np.array([seed & (2**64 - 1), seed >> 64], dtype=np.uint64)
    counter = np.array([0, 0, replicate, _PURPOSE], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=key, counter=counter))


def whole_number(value: Any, where: str, least: int, most: int) -> int:
    """An int in a range; refuses booleans and fractions."""
    import operator

    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool) or not least <= number <= most:
        limit = f"2^{most.bit_length()} - 1" if most >= 2**32 else str(most)
        raise ArgumentError(f"a whole number from {least} to {limit}", where=where, value=value)
    return number
