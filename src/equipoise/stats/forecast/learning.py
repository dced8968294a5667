"""How forecasts get better with the number of people: measured by subsamples, then drawn on.

Fewer people, drawn within blocks, train the whole procedure; everybody else tests it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .penalty_choice import choose_penalties, held_rows
from .performance import fold_sums
from .ridge_predictions import predict_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from .forecast_columns import PredictorColumns
    from .validation import Target


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Measures at g sizes of the training set.

    Attributes
    ----------
    sizes
        (g,) people who train.
    measures
        Name -> (g,) over all subsamples of a size.
    low, high
        Name -> (g,) the middle half of subsamples.
    """

    sizes: np.ndarray
    measures: dict[str, np.ndarray]
    low: dict[str, np.ndarray]
    high: dict[str, np.ndarray]


def learning_curve(
    columns: PredictorColumns,
    target: Target,
    *,
    blocks: np.ndarray,
    shares: Sequence[float],
    draws: int,
    penalties: np.ndarray,
    inner_folds: int,
    generator: np.random.Generator,
) -> LearningCurve:
    """Train on these shares of the people, as long as somebody is left to test.

    Parameters
    ----------
    shares
        Between 0 and 1.
    draws
        Subsamples of each size.
    """
    import numpy as np

    n = len(blocks)
    fewest = int((~columns.penalised).sum()) + 5
    sizes: list[int] = []
    rows: list[dict[str, np.ndarray]] = []
    for share in shares:
        kept = subsamples(blocks, share, draws, generator)
        size = int(kept[0].sum())
        if size < fewest or n - size < 2 or size in sizes:
            continue
        filled = columns.filled(kept)
        places = choose_penalties(
            columns, target.y[:, None], kept, filled, blocks=blocks, penalties=penalties,
            folds=min(inner_folds, size), repeats=1, generator=generator,
        )  # fmt: skip
        at, weight = held_rows(1.0 - kept)
        found = predict_rows(columns.system(kept, filled), target.y[:, None], penalties[places], at)
        part = kept / kept.sum(axis=1, keepdims=True)
        seen = None if target.response is None else target.response.astype(float)
        sums = fold_sums(
            found, target.y[at][:, :, None], weight, part @ target.y[:, None],
            probability=None
            if target.limit is None
            else found.probability(target.limit[at], falls=target.falls),
            response=None if seen is None else seen[at][:, :, None],
            known_rate=None if seen is None else part @ seen[:, None],
        )  # fmt: skip
        sizes.append(size)
        whole, each = sums.measures(axis=0), sums.measures()
        quarter = {name: _quarters(value[:, 0]) for name, value in each.items()}
        rows.append({name: np.array([whole[name][0], *quarter[name]]) for name in whole})
    names = list(rows[0]) if rows else []
    table = {name: np.array([row[name] for row in rows]).reshape(-1, 3) for name in names}
    return LearningCurve(
        sizes=np.array(sizes, dtype=np.int64),
        measures={name: table[name][:, 0] for name in names},
        low={name: table[name][:, 1] for name in names},
        high={name: table[name][:, 2] for name in names},
    )


def subsamples(
    blocks: np.ndarray, share: float, draws: int, generator: np.random.Generator
) -> np.ndarray:
    """(t, n) 1 for who is drawn: of each block its share, at least one, the same number always."""
    import numpy as np

    kept = np.zeros((draws, len(blocks)))
    for block in np.unique(blocks):
        members = np.flatnonzero(blocks == block)
        count = min(members.size, max(1, round(share * members.size)))
        order = np.argsort(generator.random((draws, members.size)), axis=1)[:, :count]
        np.put_along_axis(kept, members[order], 1.0, axis=1)
    return kept


def _quarters(values: np.ndarray) -> tuple[float, float]:
    import numpy as np

    known = values[np.isfinite(values)]
    if not known.size:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.25, 0.75])
    return float(low), float(high)


def drawn_on(sizes: np.ndarray, values: np.ndarray, further: np.ndarray) -> np.ndarray:
    """Values at `further` sizes by the line a + b/size through those that were measured.

    In linear regression the error beyond what cannot be forecast falls as 1/size. It is an
    extrapolation from few sizes of one sample; NaN from fewer than three.
    """
    import numpy as np

    fine = np.isfinite(values)
    if int(fine.sum()) < 3:
        return np.full(len(further), np.nan)
    design = np.column_stack([np.ones(int(fine.sum())), 1.0 / sizes[fine]])
    a, b = np.linalg.lstsq(design, values[fine], rcond=None)[0]
    return a + b / further
