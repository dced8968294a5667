"""Rows of participants in units in which their covariance matrix is the identity."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np

    from .mmrm_fit import MMRMFit
    from .participant_blocks import ParticipantBlock


def block_roots(fit: MMRMFit, block: ParticipantBlock) -> np.ndarray:
    """Lower Cholesky factors of the participants' covariance matrices.

    Returns
    -------
    (N_b, m, m) array, or (1, m, m) where all participants of the block share one matrix.
    """
    import numpy as np

    root = np.linalg.cholesky(block.covariance)[None]
    if fit.data.weights is None:
        return root
    return root / np.sqrt(fit.data.weights[block.rows])[:, :, None]


def whiten(roots: np.ndarray, values: np.ndarray) -> np.ndarray:
    """C⁻¹ values for (N_b, m, k) values and the roots C of `block_roots`."""
    import numpy as np

    return np.linalg.inv(roots) @ values


def whitened_rows(
    fit: MMRMFit,
) -> Iterator[tuple[ParticipantBlock, np.ndarray, np.ndarray, np.ndarray]]:
    """Blocks of participants with their roots C, Z = C⁻¹XB and residuals C⁻¹(y − X beta).

    B is the root of the model-based covariance of the coefficients, so that the Z of all
    participants together are orthonormal columns: Z Z' is the hat matrix.
    """
    import numpy as np

    from .participant_blocks import participant_blocks

    residual = fit.data.response - fit.data.design @ fit.effects.estimate
    scaled = fit.data.design @ fit.effects.root
    together = np.column_stack([scaled, residual])
    for block in participant_blocks(fit):
        roots = block_roots(fit, block)
        both = whiten(roots, together[block.rows])
        yield block, roots, both[:, :, :-1], both[:, :, -1]
