"""When a change of the score is a response, and which change is just enough."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from equipoise.protocol import Protocol


@dataclass(frozen=True, slots=True)
class ResponseRule:
    """Response as a share of the baseline score, counted from the scale's lowest.

    Attributes
    ----------
    endpoint, label
        Its endpoint in the protocol, and its name as printed.
    share
        Of the baseline that is to be lost (gained where higher is better).
    lowest
        The lowest score.
    falls
        Whether lower is better.
    """

    endpoint: str
    label: str
    share: float
    lowest: float
    falls: bool

    def met(self, baseline: np.ndarray, change: np.ndarray) -> np.ndarray:
        """Whether there is a response; False where either is NaN."""
        gained = -change if self.falls else change
        with np.errstate(invalid="ignore"):
            return gained >= self._needed(baseline) - 1e-9

    def limit(self, baseline: np.ndarray) -> np.ndarray:
        """The change that parts response from none: at or beyond it there is one.

        Scores are whole numbers and forecasts are not: the limit lies halfway between the last
        change that is no response and the first that is one.
        """
        halfway = np.ceil(self._needed(baseline) - 1e-9) - 0.5
        return -halfway if self.falls else halfway

    def _needed(self, baseline: np.ndarray) -> np.ndarray:
        """Points to be lost or gained; infinite for whoever has the lowest score already."""
        needed = self.share * (np.asarray(baseline, dtype=float) - self.lowest)
        return np.where(needed > 0.0, needed, np.inf)


def response_rule(protocol: Protocol, endpoint: str) -> ResponseRule:
    """The rule of an endpoint on the scale `response` of a scale with a baseline."""
    point = protocol.endpoints[endpoint]
    rating = protocol.scale(str(point.instrument))
    share = rating.response_reduction if point.reduction is None else point.reduction
    assert share is not None  # the plan's consistency was looked at
    return ResponseRule(
        endpoint=endpoint,
        label=point.label,
        share=float(share),
        lowest=float(rating.range_of(point.part)[0]),
        falls=point.better == "lower",
    )
