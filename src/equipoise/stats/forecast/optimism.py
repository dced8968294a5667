"""How much better a forecast looks on the people it was trained on, by the bootstrap.

Each bootstrap sample, drawn within blocks, goes through the whole procedure, tuning included; it is
judged on itself and on the people as they were. The mean difference is the optimism (Efron 1983;
Harrell, Lee and Mark 1996). The interval is that of the apparent measure over bootstrap samples,
shifted by the optimism (Noma et al. 2021); in few people it is too narrow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .penalty_choice import choose_penalties
from .performance import fold_sums
from .ridge_predictions import predict_rows

if TYPE_CHECKING:
    import numpy as np

    from .forecast_columns import PredictorColumns
    from .validation import Target


@dataclass(frozen=True, slots=True)
class Optimism:
    """One measure.

    Attributes
    ----------
    apparent
        Of the forecast on the people it was trained on.
    optimism
        By how much that is too good; to be taken off (errors: too small, negative).
    corrected, lower, upper
        The difference, and its interval.
    """

    apparent: float
    optimism: float
    corrected: float
    lower: float
    upper: float


def bootstrap_counts(blocks: np.ndarray, draws: int, generator: np.random.Generator) -> np.ndarray:
    """(t, n) how often each person is in each sample; every block keeps its size."""
    import numpy as np

    counts = np.zeros((draws, len(blocks)))
    for block in np.unique(blocks):
        members = np.flatnonzero(blocks == block)
        drawn = generator.integers(members.size, size=(draws, members.size))
        rows = np.repeat(np.arange(draws), members.size)
        np.add.at(counts, (rows, members[drawn].ravel()), 1.0)
    return counts


def bootstrap_optimism(
    columns: PredictorColumns,
    target: Target,
    *,
    blocks: np.ndarray,
    draws: int,
    penalties: np.ndarray,
    inner_folds: int,
    inner_repeats: int,
    generator: np.random.Generator,
    alpha: float,
) -> dict[str, Optimism]:
    """Optimism of every measure, and of the slope of outcome on forecast (``slope``).

    The slope of the trained forecast on its own people is near 1, or above it where coefficients
    are shrunk; corrected, it says by how much forecasts of new people are too far apart (below 1).
    """
    import numpy as np

    counts = np.concatenate([np.ones((1, len(blocks))), bootstrap_counts(blocks, draws, generator)])
    # Whoever is drawn from two people or fewer trains nothing.
    enough = (counts > 0).sum(axis=1) > int((~columns.penalised).sum()) + 3
    enough[0] = True
    counts = counts[enough]
    own, whole = _on_itself_and_all(
        columns, target, counts, blocks, penalties, inner_folds, inner_repeats, generator
    )
    found: dict[str, Optimism] = {}
    for name, values in own.items():
        apparent, samples, tested = values[0], values[1:], whole[name][1:]
        used = np.isfinite(samples) & np.isfinite(tested)
        if not (np.isfinite(apparent) and used.any()):
            nan = float("nan")
            found[name] = Optimism(float(apparent), nan, nan, nan, nan)
            continue
        optimism = float((samples - tested)[used].mean())
        low, high = np.quantile(samples[used], [alpha / 2.0, 1.0 - alpha / 2.0]) - optimism
        found[name] = Optimism(
            float(apparent), optimism, float(apparent) - optimism, float(low), float(high)
        )
    return found


def _on_itself_and_all(
    columns: PredictorColumns,
    target: Target,
    counts: np.ndarray,
    blocks: np.ndarray,
    penalties: np.ndarray,
    inner_folds: int,
    inner_repeats: int,
    generator: np.random.Generator,
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """(t,) measures of each sample's forecast on the sample, and on everybody as they were."""
    import numpy as np

    n = counts.shape[1]
    own: list[dict[str, np.ndarray]] = []
    all_: list[dict[str, np.ndarray]] = []
    step = max(1, 2_000_000 // (n * max(1, columns.parameters)))
    for start in range(0, len(counts), step):
        weights = counts[start : start + step]
        filled = columns.filled(weights)
        places = choose_penalties(
            columns, target.y[:, None], weights, filled, blocks=blocks, penalties=penalties,
            folds=inner_folds, repeats=inner_repeats, generator=generator,
        )  # fmt: skip
        rows = np.broadcast_to(np.arange(n), weights.shape)
        found = predict_rows(
            columns.system(weights, filled), target.y[:, None], penalties[places], rows
        )
        chance = None
        if target.limit is not None:
            chance = found.probability(target.limit[rows], falls=target.falls)
        y = np.broadcast_to(target.y[:, None], found.mean.shape)
        response = None
        if target.response is not None:
            response = np.broadcast_to(target.response[:, None].astype(float), found.mean.shape)
        for weight, into in ((weights, own), (np.ones_like(weights), all_)):
            share = weight / weight.sum(axis=1, keepdims=True)
            sums = fold_sums(
                found, y, weight, share @ target.y[:, None],
                probability=chance, response=response,
                known_rate=None
                if target.response is None
                else share @ target.response[:, None].astype(float),
            )  # fmt: skip
            measures = {name: value[:, 0] for name, value in sums.measures().items()}
            into.append(measures | {"slope": _slope(found.mean[:, :, 0], target.y, share)})
    return _joined(own), _joined(all_)


def _slope(mean: np.ndarray, y: np.ndarray, share: np.ndarray) -> np.ndarray:
    """(t,) slope of the outcome on its forecast under weights that sum to 1."""
    import numpy as np

    about = mean - (share * mean).sum(axis=1, keepdims=True)
    squares = (share * about * about).sum(axis=1)
    away = y - (share @ y)[:, None]
    fine = squares > 1e-12
    return np.where(fine, (share * about * away).sum(axis=1) / np.where(fine, squares, 1.0), np.nan)


def _joined(parts: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    import numpy as np

    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
