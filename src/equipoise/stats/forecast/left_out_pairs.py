"""The AUC of pairs of which neither has been seen: a responder and another, both left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .penalty_choice import choose_penalties
from .ridge_predictions import predict_rows

if TYPE_CHECKING:
    import numpy as np

    from .forecast_columns import PredictorColumns
    from .validation import Target


def leave_pair_out(
    columns: PredictorColumns,
    target: Target,
    *,
    blocks: np.ndarray,
    most: int,
    penalties: np.ndarray,
    inner_folds: int,
    generator: np.random.Generator,
) -> tuple[float, int]:
    """Share of pairs in which the responder has the higher probability, and how many pairs.

    The whole procedure is trained without the pair. All pairs, or `most` of them by chance.
    Nearly unbiased where pooling left-out people is not (Airola et al. 2011).
    """
    import numpy as np

    assert target.response is not None
    assert target.limit is not None
    first, second = np.flatnonzero(target.response), np.flatnonzero(~target.response)
    pairs = np.array(np.meshgrid(first, second)).reshape(2, -1).T
    if not len(pairs):
        return float("nan"), 0
    if len(pairs) > most:
        pairs = pairs[np.sort(generator.permutation(len(pairs))[:most])]
    kept = np.ones((len(pairs), len(blocks)))
    np.put_along_axis(kept, pairs, 0.0, axis=1)
    right = 0.0
    step = max(1, 2_000_000 // (len(blocks) * max(1, columns.parameters)))
    for start in range(0, len(pairs), step):
        weights, rows = kept[start : start + step], pairs[start : start + step]
        filled = columns.filled(weights)
        places = choose_penalties(
            columns, target.y[:, None], weights, filled, blocks=blocks, penalties=penalties,
            folds=inner_folds, repeats=1, generator=generator,
        )  # fmt: skip
        found = predict_rows(
            columns.system(weights, filled), target.y[:, None], penalties[places], rows
        )
        chance = found.probability(target.limit[rows], falls=target.falls)[:, :, 0]
        right += float((chance[:, 0] > chance[:, 1]).sum())
        right += 0.5 * float((chance[:, 0] == chance[:, 1]).sum())
    return right / len(pairs), len(pairs)
