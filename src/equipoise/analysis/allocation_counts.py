"""How many were allocated to each arm in each stratum, beside what the ratio would give."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.analysis.result_row import Row
from equipoise.analysis.small_cells import too_small

if TYPE_CHECKING:
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.records import Records


class StratumCount(Row):
    """A stratum: people by arm in the order of the groups, and what the ratio gives of their sum.

    A planned count need not be whole: the last block of a stratum may be incomplete.
    """

    stratum: str
    counts: tuple[int, ...]
    planned: tuple[float, ...]

    @property
    def as_planned(self) -> bool:
        """Whether no arm is a whole person or more away from the ratio."""
        return all(abs(n - m) < 1.0 for n, m in zip(self.counts, self.planned, strict=True))


class AllocationCounts(Row):
    """Allocation by stratum as randomised, against the planned ratio.

    `ratio` is in the order of the groups; `factors` are the labels of what forms the strata.
    `rows` are empty, and `hidden` is true, where observed counts are too small to be broken down.
    """

    factors: tuple[str, ...]
    ratio: tuple[int, ...]
    rows: tuple[StratumCount, ...]
    hidden: bool = False


def count_allocation(
    protocol: Protocol, records: Records, groups: Groups, smallest: int
) -> AllocationCounts | None:
    """Counts by stratum and arm; None where there is nobody to compare.

    The stratum is that of the list, whatever a covariate was corrected to afterwards. Strata
    without anybody stand in it too.
    """
    if groups.closed or len(groups.groups) < 2 or records.allocation is None:
        return None
    ratio = tuple(protocol.arms[key].ratio for key in groups.keys)
    found = {
        (stratum, arm): n
        for stratum, arm, n in records.allocation.group_by("stratum", "arm").len().iter_rows()
    }
    labels = dict.fromkeys([*protocol.strata, *sorted({stratum for stratum, _ in found})])
    rows: list[StratumCount] = []
    for stratum in labels:
        counts = tuple(found.get((stratum, key), 0) for key in groups.keys)
        planned = tuple(sum(counts) * part / sum(ratio) for part in ratio)
        rows.append(StratumCount(stratum=stratum, counts=counts, planned=planned))
    everybody = [n for row in rows for n in row.counts]
    hidden = len(rows) > 1 and too_small(everybody, smallest)
    return AllocationCounts(
        factors=tuple(
            protocol.population.covariates[name].label for name in protocol.randomisation.strata
        ),
        ratio=ratio,
        rows=() if hidden else tuple(rows),
        hidden=hidden,
    )
