"""Who a trial would go on with: a rule on one number of each person.

A rule is fixed before the people are seen to whom it is applied. What it was learned from is part
of it: a rule that was learned from the same people looks better than it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from equipoise.faults import Fault, nearest

if TYPE_CHECKING:
    import numpy as np

    from equipoise.analysis.prediction.marker_table import MarkerTable

#: When a rule is applied: before randomisation, or at the early visit.
When = Literal["baseline", "early"]


class Measure(Protocol):
    """A number of each person."""

    @property
    def when(self) -> When:
        """When it is known."""
        ...

    @property
    def label(self) -> str:
        """As printed."""
        ...

    @property
    def learned(self) -> str:
        """What it was learned from; empty where nothing was learned."""
        ...

    def of(self, table: MarkerTable) -> np.ndarray:
        """(n,) NaN where it is not known."""
        ...

    def faults(self, table: MarkerTable) -> list[Fault]:
        """Why it cannot be had of such a trial."""
        ...


@dataclass(frozen=True, slots=True)
class MarkerMeasure:
    """A marker in its own unit at baseline, or its early change.

    Attributes
    ----------
    key
        Marker of `[analysis.prediction]`, or a numeric baseline characteristic.
    when
        ``baseline``: its value in its unit. ``early``: the ratio to baseline where it is analysed
        as a log ratio, else the difference.
    name
        As printed; the key when left out.
    """

    key: str
    when: When = "baseline"
    name: str = ""

    @property
    def label(self) -> str:
        """As printed."""
        what = "at baseline" if self.when == "baseline" else "early change"
        return f"{self.name or self.key}, {what}"

    @property
    def learned(self) -> str:
        """Nothing is learned."""
        return ""

    def of(self, table: MarkerTable) -> np.ndarray:
        """(n,) value or change; NaN where it is missing."""
        import numpy as np

        keys = [marker.key for marker in table.markers]
        if self.key not in keys:
            place = [one.key for one in table.characteristics].index(self.key)
            return table.characteristic_values[:, place]
        place = keys.index(self.key)
        values = (table.baseline if self.when == "baseline" else table.early)[:, place]
        return np.exp(values) if table.markers[place].log else values

    def faults(self, table: MarkerTable) -> list[Fault]:
        """An unknown key, or a characteristic that has no early change or is no number."""
        keys = [marker.key for marker in table.markers]
        numbers = [one.key for one in table.characteristics if not one.levels]
        valid = keys if self.when == "early" else [*keys, *numbers]
        if self.key in valid:
            return []
        what = "" if self.when == "early" else ", or a numeric baseline characteristic"
        return [
            Fault(
                "enrichment-marker-unknown",
                "",
                "marker",
                self.key,
                f"a rule is on a marker of analysis.prediction{what}",
                nearest(self.key, valid),
            )
        ]


@dataclass(frozen=True, slots=True)
class EnrichmentRule:
    """Who is kept: those whose measure reaches a threshold. Who has no value is not kept.

    Attributes
    ----------
    measure
        The number that is looked at.
    threshold
        In the unit of the measure.
    keep
        ``at-least`` or ``at-most``.
    """

    measure: Measure
    threshold: float
    keep: Literal["at-least", "at-most"] = "at-least"

    @property
    def when(self) -> When:
        """``baseline``: others are not enrolled. ``early``: others stop study drug."""
        return self.measure.when

    @property
    def label(self) -> str:
        """As printed."""
        sign = "≥" if self.keep == "at-least" else "≤"
        return f"{self.measure.label} {sign} {self.threshold:.4g}"

    def kept(self, table: MarkerTable) -> np.ndarray:
        """(n,) who is kept."""
        values = self.measure.of(table)
        # Comparisons with NaN are False: who has no value is not kept.
        return values >= self.threshold if self.keep == "at-least" else values <= self.threshold

    def faults(self, table: MarkerTable) -> list[Fault]:
        """Why it cannot be applied to such a trial."""
        found = self.measure.faults(table)
        if not math.isfinite(self.threshold):
            found.append(
                Fault(
                    "enrichment-threshold-not-finite",
                    "",
                    "threshold",
                    str(self.threshold),
                    "a threshold is a finite number, in the unit of its measure",
                    "give one",
                )
            )
        return found


def rules_on_grid(
    measure: Measure,
    thresholds: tuple[float, ...],
    keep: Literal["at-least", "at-most"] = "at-least",
) -> tuple[EnrichmentRule, ...]:
    """The same rule at several thresholds."""
    return tuple(EnrichmentRule(measure, float(value), keep) for value in thresholds)
