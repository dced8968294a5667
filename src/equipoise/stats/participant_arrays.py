"""Arrays with one entry a participant: checked once, the same way by every procedure."""

from __future__ import annotations

from math import isnan
from typing import TYPE_CHECKING

from .errors import ArgumentError

if TYPE_CHECKING:
    from typing import Any

    import numpy as np
    from numpy.typing import ArrayLike


def finite_row(values: ArrayLike, where: str, *, least: float | None = None) -> np.ndarray:
    """A one-dimensional float array without a missing value, none below `least`."""
    import numpy as np

    row = np.asarray(values, dtype=float)
    if row.ndim != 1 or not row.size:
        raise ArgumentError(
            "one value a participant, at least one", where=where, value=f"shape {row.shape}"
        )
    wrong = ~np.isfinite(row) if least is None else ~(np.isfinite(row) & (row >= least))
    if wrong.any():
        bound = "" if least is None else f" and at least {least:g}"
        raise ArgumentError(
            f"values are finite{bound}",
            where=f"{where}[{int(np.flatnonzero(wrong)[0])}]",
            value=float(row[wrong][0]),
            remedy="Leave participants without a value out before the call, and count them",
        )
    return row


def flag_row(values: ArrayLike, where: str, n: int) -> np.ndarray:
    """A boolean array of n entries from booleans or from the numbers 0 and 1."""
    import numpy as np

    row = np.asarray(values)
    if row.shape != (n,):
        raise ArgumentError(
            f"one entry a participant, {n} in all", where=where, value=f"shape {row.shape}"
        )
    if row.dtype != bool:
        wrong = ~np.isin(row, (0, 1))
        if wrong.any():
            raise ArgumentError(
                "entries are true or false, or 1 or 0",
                where=f"{where}[{int(np.flatnonzero(wrong)[0])}]",
                value=_plain(row[wrong][0]),
            )
    return row.astype(bool)


def stratum_masks(strata: ArrayLike | None, n: int) -> list[tuple[Any, np.ndarray]]:
    """(label, mask of n entries) of each stratum in sorted order; one stratum for None."""
    import numpy as np

    if strata is None:
        return [(None, np.ones(n, dtype=bool))]
    labels = np.asarray(strata)
    if labels.shape != (n,):
        raise ArgumentError(
            f"one stratum a participant, {n} in all",
            where="strata",
            value=f"shape {labels.shape}",
        )
    missing = [label is None or (isinstance(label, float) and isnan(label)) for label in labels]
    if any(missing):
        raise ArgumentError(
            "every participant has a stratum", where=f"strata[{missing.index(True)}]", value="none"
        )
    return [(_plain(level), labels == level) for level in np.unique(labels)]


def _plain(value: Any) -> Any:
    """A Python value instead of a numpy scalar, for messages."""
    return value.item() if hasattr(value, "item") else value


def require_both_arms(treated: np.ndarray) -> None:
    """Refuse a comparison in which one arm has nobody."""
    first, second = int(treated.sum()), int((~treated).sum())
    if not (first and second):
        raise ArgumentError("both arms have participants", where="treated", value=(first, second))
