"""The arrays that a landmark association is computed from, for one trial or for many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ..errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import ArrayLike

#: Who is looked at: all arms with a term for the arm, all arms without, or one arm (its number).
Among = Literal["within-arms", "all-arms"] | int


@dataclass(frozen=True, slots=True)
class LandmarkData:
    """What the association is computed from, for one trial or for many.

    Attributes
    ----------
    outcome : ndarray (T, n)
        Change of the outcome from baseline to the landmark, or its value there: with the
        baseline among the covariates the association is the same. NaN: missing.
    early : ndarray (T, n)
        Change of the marker from baseline to the early visit, on its scale. NaN: missing.
    covariates : tuple of ndarray (T, n)
        Baseline of the outcome, baseline of the marker, and what else is adjusted for.
    arm, stratum : ndarray of int (T, n)
        Numbers from 0; arm 0 is the control.
    arms, strata : int
        How many there are by the plan, whether a trial filled them or not.
    shape : tuple of int
        Leading axes as given: () for one trial. Results have this shape.
    """

    outcome: np.ndarray
    early: np.ndarray
    covariates: tuple[np.ndarray, ...]
    arm: np.ndarray
    stratum: np.ndarray
    arms: int
    strata: int
    shape: tuple[int, ...]

    @property
    def complete(self) -> np.ndarray:
        """Who has all that is needed (T, n)."""
        import numpy as np

        found = np.isfinite(self.outcome) & np.isfinite(self.early)
        for covariate in self.covariates:
            found = found & np.isfinite(covariate)
        return found

    def used(self, among: Among) -> np.ndarray:
        """Who of `among` has all that is needed (T, n)."""
        complete = self.complete
        return complete & (self.arm == among) if isinstance(among, int) else complete

    def covariate_columns(self, among: Among, used: np.ndarray) -> list[np.ndarray]:
        """Intercept, strata, arms where they belong, covariates; zero outside `used`."""
        import numpy as np

        columns = [used.astype(float)]
        columns += [(used & (self.stratum == s)).astype(float) for s in range(1, self.strata)]
        if among == "within-arms":
            columns += [(used & (self.arm == a)).astype(float) for a in range(1, self.arms)]
        return columns + [np.where(used, covariate, 0.0) for covariate in self.covariates]


def landmark_data(
    outcome: ArrayLike,
    early: ArrayLike,
    covariates: Sequence[ArrayLike],
    arm: ArrayLike,
    stratum: ArrayLike | None = None,
    *,
    arms: int = 2,
    strata: int | None = None,
) -> LandmarkData:
    """The data of a landmark association, checked.

    Parameters
    ----------
    outcome, early : array_like (..., n)
        As in `LandmarkData`; leading axes are trials.
    covariates : sequence of array_like (..., n)
    arm, stratum : array_like of int, (n,) or (..., n)
        Without `stratum` there is one.
    arms : int
        Arms of the plan.
    strata : int, optional
        Strata of the plan; the largest number that occurs and one more when left out.

    Raises
    ------
    ArgumentError
        If shapes do not fit, a value is infinite, or an arm or stratum is out of range.
    """
    import numpy as np

    outcome = np.asarray(outcome, dtype=float)
    if outcome.ndim < 1 or outcome.shape[-1] < 1 or outcome.size < 1:
        raise ArgumentError(
            "participants on the last axis, at least one", where="outcome", value=outcome.shape
        )
    shape, n = outcome.shape[:-1], outcome.shape[-1]

    def fitted(values: ArrayLike, where: str) -> np.ndarray:
        array = np.asarray(values)
        try:
            array = np.broadcast_to(array, outcome.shape)
        except ValueError:
            raise ArgumentError(
                "the same participants and trials as the outcome", where=where, value=array.shape
            ) from None
        return np.ascontiguousarray(array.reshape(-1, n))

    def numbers(values: ArrayLike, where: str) -> np.ndarray:
        array = fitted(values, where).astype(float)
        if np.isinf(array).any():
            raise ArgumentError("values are finite, or NaN where missing", where=where, value="inf")
        return array

    def codes(values: ArrayLike, where: str, count: int | None) -> np.ndarray:
        array = fitted(values, where)
        if array.dtype.kind not in "iu":
            raise ArgumentError("whole numbers from 0", where=where, value=str(array.dtype))
        if array.min() < 0 or (count is not None and array.max() >= count):
            raise ArgumentError(
                "whole numbers from 0" + ("" if count is None else f" to {count - 1}"),
                where=where,
                value=[int(array.min()), int(array.max())],
            )
        return array.astype(np.int64)

    stratum = codes(np.zeros(n, dtype=int) if stratum is None else stratum, "stratum", strata)
    return LandmarkData(
        outcome=numbers(outcome, "outcome"),
        early=numbers(early, "early"),
        covariates=tuple(numbers(c, f"covariates[{i}]") for i, c in enumerate(covariates)),
        arm=codes(arm, "arm", arms),
        stratum=stratum,
        arms=arms,
        strata=int(stratum.max()) + 1 if strata is None else strata,
        shape=shape,
    )


def require_among(data: LandmarkData, among: Among) -> None:
    if isinstance(among, bool) or not (
        among in ("within-arms", "all-arms") or (isinstance(among, int) and 0 <= among < data.arms)
    ):
        raise ArgumentError(
            "who is looked at",
            where="among",
            value=among,
            rule=f"One of: within-arms, all-arms, or the number of an arm, 0 to {data.arms - 1}",
        )
