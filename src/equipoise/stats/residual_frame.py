"""Residuals of a fit: raw, divided by their SD, or made uncorrelated within participants."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .vocabulary import ResidualKind
from .whitening import whitened_rows

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from .mmrm_fit import MMRMFit

#: A residual with less than this share of the response's variance has none.
_NO_VARIANCE = 1e-9


def residuals(fit: MMRMFit, kind: ResidualKind) -> np.ndarray:
    """(n,) residuals in the order of `ModelData`; all are marginal, y − X beta.

    Pearson's are divided by the fitted SD of the response, the studentised by that of the
    residual, the root of the diagonal of V − X Phi X' (NaN where it is zero). The scaled ones of
    a participant are C⁻¹(y − X beta), C the lower Cholesky factor of the fitted covariance of
    their visits in order: under the model nearly independent with variance 1.
    """
    import numpy as np

    raw = fit.data.response - fit.data.design @ fit.effects.estimate
    if kind is ResidualKind.RAW:
        return raw
    out = np.empty_like(raw)
    for block, roots, z, residual in whitened_rows(fit):
        own = raw[block.rows]
        if kind is ResidualKind.SCALED:
            out[block.rows] = residual
            continue
        variance = np.sum(roots**2, axis=2)
        if kind is ResidualKind.STUDENT:
            rest = variance - np.sum((roots @ z) ** 2, axis=2)
            variance = np.where(rest > _NO_VARIANCE * variance, rest, np.nan)
        out[block.rows] = own / np.sqrt(variance)
    return out


def residual_frame(fit: MMRMFit, kind: ResidualKind) -> pl.DataFrame:
    """participant, visit, row (of the user's frame), response, fitted, residual."""
    import polars as pl

    return row_frame(fit).with_columns(
        response=fit.data.response,
        fitted=fit.data.design @ fit.effects.estimate,
        residual=pl.Series(residuals(fit, kind)).fill_nan(None),
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
