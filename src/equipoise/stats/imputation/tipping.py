"""How far from the assumption one must go until the conclusion changes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError
from .analysis_models import Ancova, analyse, prepare
from .deltas import Deltas, delta_adjustment
from .pooling import pool

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from .analysis_models import AnalysisFunction
    from .imputed_values import Imputations

_HALVINGS = 40


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TippingPoint:
    """The pooled result at every delta of a grid.

    Attributes
    ----------
    frame : polars.DataFrame
        A column ``delta <arm>`` for each shifted arm, then estimate, se, df, p, lower, upper and
        ``changed``: whether the conclusion is another than at delta 0.
    parameter : str
    arms : tuple of str
    significant : bool
        The conclusion at delta 0: p below alpha.
    tips : tuple of dict
        The changed points of the grid that no other changed point undercuts in every arm:
        ``{arm: delta}``. Empty where no delta of the grid changes the conclusion.
    crossing : float or None
        With one arm: the delta, between two of the grid, at which p crosses alpha (or the
        estimate its sign).
    alpha : float
    """

    frame: pl.DataFrame
    parameter: str
    arms: tuple[str, ...]
    significant: bool
    tips: tuple[dict[str, float], ...]
    crossing: float | None
    alpha: float

    def __repr__(self) -> str:
        found = "; ".join(str(tip) for tip in self.tips) or "none on the grid"
        return (
            f"TippingPoint of {self.parameter}: {len(self.frame)} points, "
            f"{'significant' if self.significant else 'not significant'} at delta 0 and level "
            f"{self.alpha:g}; changes at {found}"
        )


def tipping_point(
    imputations: Imputations,
    analysis: Ancova | AnalysisFunction,
    *,
    parameter: str,
    deltas: Mapping[str, Sequence[float]],
    lag: Sequence[float] | None = None,
    alpha: float = 0.05,
) -> TippingPoint:
    """Search a grid of deltas for the smallest at which the conclusion changes.

    The conclusion is whether p lies below alpha and, if it does, on which side of zero the
    estimate lies.

    Parameters
    ----------
    imputations : Imputations
    analysis : Ancova or callable
    parameter : str
        Name of the quantity, as `analyse` names it.
    deltas : mapping of arm to sequence of float
        One or more arms; every combination is analysed. Zero is added where it is left out.
    lag : sequence of float, optional
        See `delta_adjustment`.
    alpha : float

    Returns
    -------
    TippingPoint

    References
    ----------
    Yan X, Lee S, Li N (2009) J Biopharm Stat 19:1085–1098.
    """
    import numpy as np
    import polars as pl

    arms, grids = _grids(deltas, imputations.draws.data.arm_levels)
    units = [delta_adjustment(imputations, 1.0, lag=lag, arms=[name]).shift for name in arms]

    ready = prepare(imputations, analysis) if isinstance(analysis, Ancova) else analysis

    def result(point: Sequence[float]) -> dict[str, Any]:
        shift = np.sum([d * unit for d, unit in zip(point, units, strict=True)], axis=0)
        found = pool(analyse(imputations, ready, Deltas(shift)), alpha=alpha)
        return found.row(parameter)

    def verdict(row: dict[str, Any]) -> int:
        return 0 if not row["p"] < alpha else (1 if row["estimate"] > 0.0 else -1)

    start = verdict(result([0.0] * len(arms)))
    rows = []
    changed: list[tuple[float, ...]] = []
    for point in itertools.product(*grids):
        row = result(point)
        moved = verdict(row) != start
        if moved:
            changed.append(point)
        rows.append(
            {
                **{f"delta {name}": d for name, d in zip(arms, point, strict=True)},
                **{k: row[k] for k in ("estimate", "se", "df", "p", "lower", "upper")},
                "changed": moved,
            }
        )
    tips = [
        point
        for point in changed
        if not any(other != point and _undercuts(other, point) for other in changed)
    ]
    crossing = None
    if len(arms) == 1 and tips:
        nearest = min(tips, key=lambda point: abs(point[0]))[0]
        inner = [d for d in grids[0] if d * nearest >= 0.0 and abs(d) < abs(nearest)]
        good = max(inner, key=abs)
        bad = nearest
        for _ in range(_HALVINGS):
            middle = 0.5 * (good + bad)
            if verdict(result([middle])) == start:
                good = middle
            else:
                bad = middle
        crossing = bad
    return TippingPoint(
        frame=pl.DataFrame(rows),
        parameter=parameter,
        arms=tuple(arms),
        significant=start != 0,
        tips=tuple(dict(zip(arms, point, strict=True)) for point in tips),
        crossing=crossing,
        alpha=float(alpha),
    )


def _undercuts(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    """Whether `one` goes no farther than `other` in any arm, and the same way."""
    return all(abs(a) <= abs(b) and a * b >= 0.0 for a, b in zip(one, other, strict=True))


def _grids(
    deltas: Mapping[str, Sequence[float]], levels: tuple[str, ...]
) -> tuple[list[str], list[list[float]]]:
    import math

    if not deltas:
        raise ArgumentError(
            "no deltas", where="deltas", remedy=f"Give a grid for an arm: {', '.join(levels)}"
        )
    grids = []
    for name, values in deltas.items():
        if name not in levels:
            raise ArgumentError(
                "not an arm", where="deltas", value=name, rule=f"Arms: {', '.join(levels)}"
            )
        try:
            numbers = [float(value) for value in values]
        except (TypeError, ValueError):
            numbers = []
        if not numbers or not all(math.isfinite(value) for value in numbers):
            raise ArgumentError(
                "finite numbers, at least one", where=f"deltas, {name}", value=values
            )
        grids.append(sorted({*numbers, 0.0}))
    return list(deltas), grids
