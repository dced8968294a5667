"""Residuals of a fit: raw, divided by their SD, or made uncorrelated within participants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .participant_blocks import participant_blocks
from .vocabulary import ResidualKind
from .whitening import block_roots, whiten

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .mmrm_fit import MMRMFit


def residuals(fit: MMRMFit, kind: ResidualKind) -> np.ndarray:
    """(n,) residuals in the order of `ModelData`; all are marginal, y − X beta.

    Pearson's are divided by the fitted SD of the observation. The scaled ones of a participant
    are C⁻¹(y − X beta), C the lower Cholesky factor of the fitted covariance of their visits in
    order: under the model nearly independent with variance 1.
    """
    import numpy as np

    raw = fit.data.response - fit.data.design @ fit.effects.estimate
    if kind is ResidualKind.RAW:
        return raw
    out = np.empty_like(raw)
    for block in participant_blocks(fit):
        roots = block_roots(fit, block)
        own = raw[block.rows]
        if kind is ResidualKind.SCALED:
            out[block.rows] = whiten(roots, own[:, :, None])[:, :, 0]
        else:
            out[block.rows] = own / np.linalg.norm(roots, axis=2)
    return out


def residual_frame(fit: MMRMFit, kind: ResidualKind) -> pl.DataFrame:
    """participant, visit, row (of the user's frame), response, fitted, residual."""
    return row_frame(fit).with_columns(
        response=fit.data.response,
        fitted=fit.data.design @ fit.effects.estimate,
        residual=residuals(fit, kind),
    )


def row_frame(fit: MMRMFit) -> pl.DataFrame:
    """participant, visit and row of the user's frame, as they stand there."""
    import polars as pl

    data = fit.data
    return pl.DataFrame(
        {
            "participant": pl.Series(list(data.participants)).gather(data.subject),
            "visit": pl.Series([data.visits[v] for v in data.visit]).cast(pl.Enum(data.visits)),
            "row": data.source_row,
        }
    )
