"""Shifts of imputed values: constant, by visit, growing from the event on, or matching."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import ArgumentError
from .imputed_values import at_mar

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    from .imputed_values import Imputations


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Deltas:
    """What is added to imputed values.

    Attributes
    ----------
    shift : float64 (M,)
        One for each missing value of the `Imputations`, units of the response.
    """

    shift: np.ndarray

    def __repr__(self) -> str:
        return f"Deltas of {len(self.shift)} missing values"


def _numbers(given: object, where: str) -> np.ndarray:
    import numpy as np

    try:
        return np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise ArgumentError(
            "not a number, nor one for each visit", where=where, value=given
        ) from None


def delta_adjustment(
    imputations: Imputations,
    delta: float | Sequence[float],
    *,
    lag: Sequence[float] | None = None,
    arms: Sequence[str] | None = None,
    before_event: bool = True,
) -> Deltas:
    """A shift for each missing value.

    Parameters
    ----------
    imputations : Imputations
    delta : float or sequence of float, (T,)
        For all visits, or for each.
    lag : sequence of float, (T,), optional
        Scales of the first, second, … visit from the event on: the shift is then the running sum
        of delta · lag from the event to the visit (`dlag` of rbmi and of the "five macros").
    arms : sequence of str, optional
        Whose values are shifted; all arms where it is left out.
    before_event : bool
        Whether missing values that lie before an event (intermittent ones) are shifted too; with
        `lag` they never are.

    Returns
    -------
    Deltas

    References
    ----------
    Roger J (2021) Reference-based MI via multivariate normal RM (the "five macros" and MIWithD),
    www.lshtm.ac.uk/research/centres-projects-groups/missing-data#dia-missing-data.
    """
    import numpy as np

    data = imputations.draws.data
    size = len(data.visits)
    at_visit = _numbers(delta, "delta")
    if at_visit.ndim == 0:
        at_visit = np.full(size, float(at_visit))
    scales = None if lag is None else _numbers(lag, "lag")
    for name, given in (("delta", at_visit), ("lag", scales)):
        if given is not None and (given.shape != (size,) or not np.all(np.isfinite(given))):
            raise ArgumentError(
                f"one finite number for each of the {size} visits",
                where=name,
                value=given.tolist(),
                rule=f"Visits: {', '.join(data.visits)}",
            )
    wanted = list(data.arm_levels if arms is None else arms)
    unknown = [str(name) for name in wanted if name not in data.arm_levels]
    if unknown:
        raise ArgumentError(
            "not an arm",
            where="arms",
            value=", ".join(unknown),
            rule=f"Arms: {', '.join(data.arm_levels)}",
        )
    person, visit = imputations.participant, imputations.visit
    first = imputations.events.first[person]
    if scales is None:
        shift = at_visit[visit]
        if not before_event:
            shift = np.where(visit >= first, shift, 0.0)
    else:
        table = np.zeros((size + 1, size))
        for event in range(size):
            table[event, event:] = np.cumsum(at_visit[event:] * scales[: size - event])
        shift = table[first, visit]
    shifted = np.array([name in wanted for name in data.arm_levels])
    return Deltas(np.where(shifted[data.arm[person]], shift, 0.0))


def matching_deltas(imputations: Imputations) -> Deltas:
    """The shift of each MAR imputation that gives what the reference-based strategies impute.

    Held fixed while MAR imputations are pooled, it leaves the estimate of the reference-based
    analysis and gives it an information-anchored standard error (Lu 2021). Conditional-mean
    imputations only: it is the difference of the two conditional means given everybody's data.

    References
    ----------
    Lu K (2021) An alternative implementation of reference-based controlled imputation. Stat
    Biopharm Res 13:483–491.
    """
    if imputations.draws.method.random:
        raise ArgumentError(
            "imputed values are drawn at random",
            where="imputations",
            rule="The shift is a difference of conditional means",
            remedy="Draw with method='conditional-mean-jackknife' or -bootstrap; Rubin's rules are "
            "anchored already",
        )
    return Deltas(imputations.values[0] - at_mar(imputations).values[0])
