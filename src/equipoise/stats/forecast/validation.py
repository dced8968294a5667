"""Nested repeated cross-validation, of the outcome as it was and as it could have been by chance.

Everything that looks at the data is done within the training folds: means and SDs, missing
predictors, the penalty. Folds look at arm and stratum, never at the outcome, so permuted outcomes
go through the very same splits. Derivation: docs/methods/forecast-validation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .fold_labels import fold_labels
from .penalty_choice import choose_penalties, held_rows
from .performance import FoldSums, fold_sums, join
from .ridge_predictions import predict_rows

if TYPE_CHECKING:
    import numpy as np

    from .forecast_columns import PredictorColumns

#: Numbers held at once.
_AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True)
class Target:
    """What is forecast.

    Attributes
    ----------
    y
        (n,) outcomes.
    limit
        (n,) the outcome that parts response from none, or None where there is no rule.
    response
        (n,) who responded, or None.
    falls
        Whether at or below the limit is response.
    """

    y: np.ndarray
    limit: np.ndarray | None = None
    response: np.ndarray | None = None
    falls: bool = True


@dataclass(frozen=True, slots=True)
class NestedValidation:
    """What left-out people showed.

    Attributes
    ----------
    mean, se, df
        (r, n) predictive distribution of each person by the training folds that he was not in.
    probability
        (r, n) of response, or None.
    fold
        (r, n) number of the fold.
    sums
        Sums over folds: (r x k, 1 + b); the first column is the outcome as it was, the others
        are permuted.
    chosen
        (r x k,) penalties that were chosen, for the outcome as it was.
    """

    mean: np.ndarray
    se: np.ndarray
    df: np.ndarray
    probability: np.ndarray | None
    fold: np.ndarray
    sums: FoldSums
    chosen: np.ndarray

    def measures(self) -> dict[str, np.ndarray]:
        """(1 + b,) each measure over all folds and repeats."""
        return self.sums.measures(axis=0)


def outer_folds(
    blocks: np.ndarray, folds: int, repeats: int, generator: np.random.Generator
) -> np.ndarray:
    """(r, n) folds of every repeat."""
    import numpy as np

    return fold_labels(blocks, np.ones((repeats, len(blocks)), dtype=bool), folds, generator)


def permuted_orders(blocks: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    """(1 + b, n) who lends his outcome to whom: the first as it was, the others within blocks."""
    import numpy as np

    n = len(blocks)
    home = np.argsort(blocks, kind="stable")
    found = np.empty((1 + draws, n), dtype=np.int64)
    found[0] = np.arange(n)
    order = np.lexsort((generator.random((draws, n)), np.broadcast_to(blocks, (draws, n))))
    found[1:, home] = order
    return found


def nested_validation(
    columns: PredictorColumns,
    target: Target,
    *,
    blocks: np.ndarray,
    fold: np.ndarray,
    orders: np.ndarray,
    penalties: np.ndarray,
    inner_folds: int,
    generator: np.random.Generator,
) -> NestedValidation:
    """Train on all folds but one, forecast that one; every fold, every repeat, every outcome.

    Parameters
    ----------
    blocks
        (n,) within which folds are dealt.
    fold
        (r, n) from `outer_folds`: the same for forecasts that are compared.
    orders
        (1 + b, n) from `permuted_orders`; a person's response is permuted with his outcome, his
        predictors and his limit stay.
    penalties
        (l,) in rising order.

    Raises
    ------
    ArgumentError
        If a training set has too few people for the unpenalised columns.
    """
    import numpy as np

    repeats, n = fold.shape
    folds = int(fold.max()) + 1
    spare = n - int(np.max([(row == k).sum() for row in fold for k in range(folds)]))
    if spare - 1 - int((~columns.penalised).sum()) < 2:
        raise ArgumentError("too few people in the training folds", where="fold", value=spare)
    y = target.y[orders].T
    response = None if target.response is None else target.response[orders].T.astype(float)
    mean, se, df = (np.empty((repeats, n)) for _ in range(3))
    probability = None if target.limit is None else np.empty((repeats, n))
    sums: list[FoldSums] = []
    chosen: list[np.ndarray] = []
    for repeat, labels in enumerate(fold):
        held = (labels == np.arange(folds)[:, None]).astype(float)
        kept = 1.0 - held
        filled = columns.filled(kept)
        if len(penalties) > 1:
            places = choose_penalties(
                columns, y, kept, filled, blocks=blocks, penalties=penalties,
                folds=inner_folds, repeats=1, generator=generator,
            )  # fmt: skip
        else:
            places = np.zeros((folds, y.shape[1]), dtype=np.int64)
        chosen.append(penalties[places[:, 0]])
        system = columns.system(kept, filled)
        rows, weight = held_rows(held)
        share = kept / kept.sum(axis=1, keepdims=True)
        parts: list[FoldSums] = []
        step = max(1, _AT_ONCE // max(rows.size, folds * max(1, columns.parameters)))
        for start in range(0, y.shape[1], step):
            part = slice(start, start + step)
            own = y[:, part]
            found = predict_rows(system, own, penalties[places[:, part]], rows)
            chance = None
            if target.limit is not None:
                chance = found.probability(target.limit[rows], falls=target.falls)
            parts.append(
                fold_sums(
                    found, own[rows], weight, share @ own,
                    probability=chance,
                    response=None if response is None else response[:, part][rows],
                    known_rate=None if response is None else share @ response[:, part],
                )
            )  # fmt: skip
            if start == 0:
                there = weight > 0
                at = rows[there]
                mean[repeat, at] = found.mean[:, :, 0][there]
                se[repeat, at] = found.se[:, :, 0][there]
                df[repeat, at] = np.broadcast_to(found.df[:, None], rows.shape)[there]
                if probability is not None and chance is not None:
                    probability[repeat, at] = chance[:, :, 0][there]
        sums.append(join(parts, axis=1))
    return NestedValidation(
        mean, se, df, probability, fold, join(sums, axis=0), np.concatenate(chosen)
    )
