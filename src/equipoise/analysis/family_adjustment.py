"""The p-values of a family adjusted by the method that the protocol names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from equipoise.protocol.multiplicity_plan import Adjustment
from equipoise.stats import (
    benjamini_hochberg,
    fixed_sequence,
    graphical_procedure_p,
    hochberg,
    holm,
)

if TYPE_CHECKING:
    from equipoise.protocol.multiplicity_plan import Graph

#: Methods that adjust a row of p-values whatever its order.
_BY_SIZE = {
    Adjustment.HOLM: holm,
    Adjustment.HOCHBERG: hochberg,
    Adjustment.BH: benjamini_hochberg,
    # Where nothing is drawn again. Holm holds under any dependence, and mostly costs power.
    Adjustment.MAX_T: holm,
}


def adjusted_members(
    method: Adjustment,
    members: Sequence[str],
    arms: Sequence[str],
    known: Mapping[tuple[str, str], float | None],
    graph: Graph | None,
) -> dict[tuple[str, str], float | None]:
    """(member, arm) → adjusted p over all that was planned.

    What is not in `known`, or None there, counts as p = 1. A fixed sequence and a graph decide
    on members: with several arms the p of a member is the largest of its arms', adjusted by
    Holm over the arms, and all its arms have its adjusted p. `none` adjusts nothing.
    """
    planned = [(name, arm) for name in members for arm in arms]
    found = [known.get(place) for place in planned]
    ps = [1.0 if p is None else p for p in found]
    if method is Adjustment.NONE:
        return dict.fromkeys(planned)
    if method in _BY_SIZE:
        return dict(zip(planned, map(float, _BY_SIZE[method](ps)), strict=True))
    count = len(arms)
    whole = [float(max(holm(ps[i : i + count]))) for i in range(0, len(ps), count)]
    if method is Adjustment.FIXED_SEQUENCE:
        adjusted = fixed_sequence(whole)
    else:
        assert graph is not None
        weights = [graph.weights.get(name, 0.0) for name in members]
        rows = [graph.transitions.get(name, {}) for name in members]
        transitions = [[row.get(name, 0.0) for name in members] for row in rows]
        adjusted = graphical_procedure_p(whole, weights, transitions)
    by_member = dict(zip(members, map(float, adjusted), strict=True))
    return {(name, arm): by_member[name] for name, arm in planned}
