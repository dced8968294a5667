"""How good forecasts are: sums over people that add up to every measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

    from .ridge_predictions import SetPredictions

#: Measures, and whether more is better.
MEASURES: dict[str, bool] = {
    "r2": True,
    "mae": False,
    "auc": True,
    "brier": False,
    "scaled_brier": True,
}


@dataclass(frozen=True, slots=True)
class FoldSums:
    """Sums over the people of each fold (or sample), (t, b).

    Attributes
    ----------
    people
        Their weights.
    squares, squares_known
        Squared errors of the forecast, and of the mean of the training set.
    absolute
        Absolute errors.
    brier, brier_known
        Squared errors of the probability, and of the response rate of the training set; None
        without a response.
    concordant, pairs
        Pairs of a responder and another in which the responder has the higher probability (ties
        one half), and all; None without a response.
    """

    people: np.ndarray
    squares: np.ndarray
    squares_known: np.ndarray
    absolute: np.ndarray
    brier: np.ndarray | None
    brier_known: np.ndarray | None
    concordant: np.ndarray | None
    pairs: np.ndarray | None

    def measures(self, axis: int | tuple[int, ...] | None = None) -> dict[str, np.ndarray]:
        """Measures of the folds taken together along `axis`, NaN where there are none.

        r2 is 1 less the ratio of the squared errors; auc counts pairs within a fold only.
        """

        def total(part: np.ndarray) -> np.ndarray:
            return part if axis is None else part.sum(axis=axis)

        people = total(self.people)
        found = {
            "r2": 1.0 - _ratio(total(self.squares), total(self.squares_known)),
            "mae": _ratio(total(self.absolute), people),
        }
        if self.brier is not None:
            assert self.brier_known is not None
            assert self.concordant is not None
            assert self.pairs is not None
            brier, known = total(self.brier), total(self.brier_known)
            found["auc"] = _ratio(total(self.concordant), total(self.pairs))
            found["brier"] = _ratio(brier, people)
            found["scaled_brier"] = 1.0 - _ratio(brier, known)
        return found


def _ratio(over: np.ndarray, under: np.ndarray) -> np.ndarray:
    import numpy as np

    under = np.asarray(under, dtype=float)
    return np.where(under > 0.0, over / np.where(under > 0.0, under, 1.0), np.nan)


def fold_sums(
    found: SetPredictions,
    y: np.ndarray,
    weight: np.ndarray,
    known: np.ndarray,
    *,
    probability: np.ndarray | None = None,
    response: np.ndarray | None = None,
    known_rate: np.ndarray | None = None,
) -> FoldSums:
    """Sums over the rows of each training set.

    Parameters
    ----------
    y
        (t, m, b) outcomes of the rows.
    weight
        (t, m) of the rows; 0 for padding.
    known, known_rate
        (t, b) mean and response rate of the training sets.
    probability, response
        (t, m, b).
    """
    import numpy as np

    def total(part: np.ndarray) -> np.ndarray:
        return np.einsum("tm,tmb->tb", weight, part)

    error, away = y - found.mean, y - known[:, None, :]
    brier = brier_known = concordant = pairs = None
    if response is not None:
        assert probability is not None
        assert known_rate is not None
        brier = total((probability - response) ** 2)
        brier_known = total((known_rate[:, None, :] - response) ** 2)
        concordant, pairs = count_pairs(probability, response, weight)
    return FoldSums(
        people=np.broadcast_to(weight.sum(axis=1)[:, None], y[:, 0].shape),
        squares=total(error * error),
        squares_known=total(away * away),
        absolute=total(np.abs(error)),
        brier=brier,
        brier_known=brier_known,
        concordant=concordant,
        pairs=pairs,
    )


def count_pairs(
    probability: np.ndarray, response: np.ndarray, weight: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(t, b) concordant pairs, ties one half, and (t, b) all pairs.

    Parameters
    ----------
    probability, response
        (t, m, b).
    weight
        (t, m); a pair counts the product of both.
    """
    import numpy as np

    positive = response * weight[:, :, None]
    negative = (1.0 - response) * weight[:, :, None]
    concordant = np.zeros(positive[:, 0].shape)
    for place in range(probability.shape[1]):
        own = probability[:, place, None]
        if not positive[:, place].any():
            continue
        above = (probability < own) + 0.5 * (probability == own)
        concordant += positive[:, place] * (negative * above).sum(axis=1)
    return concordant, positive.sum(axis=1) * negative.sum(axis=1)


def join(parts: list[FoldSums], axis: int) -> FoldSums:
    """Sums one after another: of more folds (0) or of more outcomes (1)."""
    import numpy as np

    def both(name: str) -> np.ndarray | None:
        found = [getattr(part, name) for part in parts]
        return None if found[0] is None else np.concatenate(found, axis=axis)

    return FoldSums(**{name: both(name) for name in FoldSums.__slots__})  # type: ignore[arg-type]
