"""The penalty by repeated cross-validation, for many training sets and outcomes at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .fold_labels import fold_labels

if TYPE_CHECKING:
    import numpy as np

    from .forecast_columns import PredictorColumns

#: Numbers held at once.
_AT_ONCE = 3_000_000


def choose_penalties(
    columns: PredictorColumns,
    y: np.ndarray,
    weights: np.ndarray,
    filled: np.ndarray,
    *,
    blocks: np.ndarray,
    penalties: np.ndarray,
    folds: int,
    repeats: int,
    generator: np.random.Generator,
) -> np.ndarray:
    """(t, b) place of the penalty with the smallest squared error when left out.

    Folds are of people: who is in a bootstrap sample twice is left out twice.

    Parameters
    ----------
    y
        (n, b) outcomes.
    weights, filled
        (t, n) training sets, and the columns without gaps in each, (t, n, p) or (1, n, p).
    blocks
        (n,) within which folds are dealt.
    penalties
        (l,) per participant, in rising order; of two alike the larger is taken.
    """
    import numpy as np

    sets, n = weights.shape
    error = np.zeros((len(penalties), sets, y.shape[1]))
    # So many sets at once that what is decomposed of them fits.
    each = n * max(1, columns.parameters) * folds
    step = max(1, _AT_ONCE // each)
    for _ in range(repeats):
        labels = fold_labels(blocks, weights > 0, folds, generator)
        for start in range(0, sets, step):
            part = slice(start, min(start + step, sets))
            count = part.stop - part.start
            out = labels[part, None, :] == np.arange(folds)[None, :, None]
            held = (weights[part, None, :] * out).reshape(-1, n)
            kept = (weights[part, None, :] * ~out).reshape(-1, n)
            whole = filled if len(filled) == 1 else np.repeat(filled[part], folds, axis=0)
            found = _left_out(columns, y, kept, held, whole, penalties)
            error[:, part] += found.reshape(len(penalties), count, folds, -1).sum(axis=2)
    # From the end, so that the larger of two alike is found first.
    return len(penalties) - 1 - np.argmin(error[::-1], axis=0)


def _left_out(
    columns: PredictorColumns,
    y: np.ndarray,
    kept: np.ndarray,
    held: np.ndarray,
    filled: np.ndarray,
    penalties: np.ndarray,
) -> np.ndarray:
    """(l, t, b) squared errors of who is held out, summed with their weights."""
    import numpy as np

    system = columns.system(kept, filled)
    rows, weight = held_rows(held)
    known = np.take_along_axis(system.known, rows[:, :, None], axis=1)
    axes = np.take_along_axis(system.axes, rows[:, :, None], axis=1)
    found = np.empty((len(penalties), len(kept), y.shape[1]))
    step = max(1, _AT_ONCE // max(1, rows.size))
    for start in range(0, y.shape[1], step):
        part = slice(start, start + step)
        scores = system.scores(y[:, part])
        before = y[rows][:, :, part] - known @ scores.known
        for place, penalty in enumerate(penalties):
            left = before - axes @ (scores.axes / system.divisors(penalty)[:, :, None])
            found[place, :, part] = np.einsum("tm,tmb->tb", weight, left * left)
    return found


def held_rows(held: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(t, m) places of the rows with a weight, padded, and (t, m) their weights, 0 for padding."""
    import numpy as np

    most = max(1, int((held > 0).sum(axis=1).max()))
    rows = np.argsort(held <= 0, axis=1, kind="stable")[:, :most]
    return rows, np.take_along_axis(held, rows, axis=1)
