"""The associations of several markers, adjusted for their number."""

from __future__ import annotations

from equipoise.analysis.result_row import Row


class MarkerAdjustment(Row):
    """The association within arms of one marker, as a member of the family of all.

    `unadjusted_p` is Freedman and Lane's: with max-T from the permutations that all markers
    share, otherwise that of the marker by itself. `single_step_p` is there with max-T only. None
    where the marker has no statistic; it then counts as p = 1, or is no candidate for the
    maximum.
    """

    marker: str
    label: str
    n: int
    t: float | None = None
    unadjusted_p: float | None = None
    single_step_p: float | None = None
    adjusted_p: float | None = None


class MarkersAdjusted(Row):
    """All markers of the plan; `draws` and `seed` are those of max-T."""

    method: str
    draws: int | None = None
    seed: int | None = None
    rows: tuple[MarkerAdjustment, ...]

    def of(self, marker: str) -> MarkerAdjustment | None:
        """The row of a marker; None where there is none."""
        return next((row for row in self.rows if row.marker == marker), None)
