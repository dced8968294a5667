"""How the probability of an adverse event rises with the dose, from counts by dose.

One dose of d MIU brings an event with probability ``background + rise d / (d + half)``, as the
dose-dependent events of a protocol say it; five daily doses bring at least one, independently, with
``1 - (1 - p)^5``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.patients.calibration.targets import EventCounts

if TYPE_CHECKING:
    import numpy as np

#: Half the difference of -2 log-likelihood that a 95 % profile interval allows: chi-squared(1)/2.
HALF_CHI_SQUARED = 1.920729

#: Doses of a course, and the dose (MIU) at which the interval is given.
DOSES = 5
AT = 1.0


@dataclass(frozen=True, slots=True)
class EventRisk:
    """Risk of one kind of event.

    Attributes
    ----------
    background, rise, half
        Probability of one injection without drug; what it rises by in the end; dose (MIU) of half
        the rise.
    at_1, lower, upper
        Probability in a course of five doses of 1 MIU, and its 95 % profile interval.
    fitted
        Probability in such a course at each dose of the counts.
    """

    background: float
    rise: float
    half: float
    at_1: float
    lower: float
    upper: float
    fitted: tuple[float, ...]


def probability(background: float, rise: float, half: float, dose: float) -> float:
    """Probability of at least one event in a course of five daily doses (MIU)."""
    return 1 - (1 - background - rise * dose / (dose + half)) ** DOSES


def fit_event_risk(counts: EventCounts) -> EventRisk:
    """Maximum likelihood on a grid of all three parameters, for at most 24 patients.

    Returns
    -------
    EventRisk
        Probabilities to within the grid: steps of 0.0025, 0.005 and a factor of 1.26.
    """
    import numpy as np

    background = np.arange(0.0, 0.1001, 0.0025)[:, None, None]
    rise = np.arange(0.0, 0.9001, 0.005)[None, :, None]
    half = 10 ** np.arange(-2.0, 1.01, 0.1)[None, None, :]
    total = np.zeros(np.broadcast_shapes(background.shape, rise.shape, half.shape))

    def course(dose: float) -> np.ndarray:
        return 1 - (1 - background - rise * dose / (dose + half)) ** DOSES

    for dose, n, k in zip(counts.doses, counts.patients, counts.with_event, strict=True):
        p = course(dose)
        with np.errstate(divide="ignore"):
            if k:
                total = total + k * np.log(p)
            if n > k:
                total = total + (n - k) * np.log1p(-p)
    i, j, m = np.unravel_index(int(np.argmax(total)), total.shape)
    b, r, h = float(background[i, 0, 0]), float(rise[0, j, 0]), float(half[0, 0, m])
    believable = np.broadcast_to(course(AT), total.shape)[total >= total.max() - HALF_CHI_SQUARED]
    return EventRisk(
        background=round(b, 4),
        rise=round(r, 4),
        half=float(f"{h:.3g}"),
        at_1=round(probability(b, r, h, AT), 4),
        lower=round(float(believable.min()), 4),
        upper=round(float(believable.max()), 4),
        fitted=tuple(round(probability(b, r, h, dose), 4) for dose in counts.doses),
    )
