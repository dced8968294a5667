"""How the probability of an adverse event rises with the dose, from counts by dose.

In a course of five daily doses d (MIU) a patient has at least one event of a kind with
probability ``1 - (1 - p0) exp(-s d)``: a background p0, and a hazard in proportion to the dose.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from equipoise.patients.calibration.targets import EventCounts

#: Half the difference of -2 log-likelihood that a 95 % profile interval allows: chi-squared(1)/2.
HALF_CHI_SQUARED = 1.920729


@dataclass(frozen=True, slots=True)
class EventRisk:
    """Risk of one kind of event.

    Attributes
    ----------
    background
        p0, without drug.
    slope
        s, hazard of one course of five doses for each MIU of the daily dose.
    lower, upper
        95 % profile interval of the slope, the background fitted along.
    fitted
        Probability at each dose of the counts.
    """

    background: float
    slope: float
    lower: float
    upper: float
    fitted: tuple[float, ...]


def probability(background: float, slope: float, dose: float) -> float:
    """Probability of at least one event in a course of five daily doses (MIU)."""
    return 1 - (1 - background) * math.exp(-slope * dose)


def fit_event_risk(counts: EventCounts) -> EventRisk:
    """Maximum likelihood on a grid: two parameters, at most 24 patients.

    Returns
    -------
    EventRisk
        To three decimals of p0 and of s.
    """
    import numpy as np

    p0 = np.arange(0.0, 0.6001, 0.005)[:, None]
    s = np.arange(0.0, 8.0001, 0.01)[None, :]
    total = np.zeros(np.broadcast_shapes(p0.shape, s.shape))
    for dose, n, k in zip(counts.doses, counts.patients, counts.with_event, strict=True):
        p = 1 - (1 - p0) * np.exp(-s * dose)
        with np.errstate(divide="ignore"):
            if k:
                total = total + k * np.log(p)
            if n > k:
                total = total + (n - k) * np.log1p(-p)
    i, j = np.unravel_index(int(np.argmax(total)), total.shape)
    profile = total.max(axis=0)
    inside = s[0][profile >= profile.max() - HALF_CHI_SQUARED]
    background, slope = float(p0[i, 0]), float(s[0, j])
    return EventRisk(
        background=round(background, 3),
        slope=round(slope, 3),
        lower=round(float(inside.min()), 3),
        upper=round(float(inside.max()), 3),
        fitted=tuple(round(probability(background, slope, dose), 4) for dose in counts.doses),
    )
