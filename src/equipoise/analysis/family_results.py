"""What a family's max-T by re-randomisation finds."""

from __future__ import annotations

from equipoise.analysis.result_row import Row


class MaximumRow(Row):
    """One comparison by the lists that were drawn for all of the family.

    `t` is the statistic under the recorded allocation; `unadjusted_p`, `single_step_p` and
    `adjusted_p` (step-down) come from the same lists. `failed` of the lists gave no fit and count
    as extreme. None where the model has no fit under the recorded allocation, `failure` says why.
    """

    endpoint: str
    arm: str
    t: float | None = None
    unadjusted_p: float | None = None
    single_step_p: float | None = None
    adjusted_p: float | None = None
    failed: int = 0
    failure: str | None = None


class FamilyMaximum(Row):
    """Westfall and Young's max-T over a family; `failure` says why nothing could be drawn."""

    draws: int
    seed: int
    rows: tuple[MaximumRow, ...] = ()
    failure: str | None = None
