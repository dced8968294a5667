"""The fitted covariance matrix of any rows of one participant."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from .mmrm_fit import MMRMFit
    from .new_rows import NewRows


def covariance_at(fit: MMRMFit, rows: NewRows, own: np.ndarray) -> np.ndarray:
    """(k, k) covariance at weight 1 of the rows `own` of one participant."""
    import numpy as np

    visits = rows.visit[own]
    return fit.covariance[np.ix_(visits, visits)]
