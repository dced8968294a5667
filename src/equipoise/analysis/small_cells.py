"""Small cells: breakdowns of few people in observed data are not shown.

What is always shown, small or not, since a report without it would hide harm or loss: the flow
(randomised, dosed, completed, discontinued, analysed, seen), missing values, sizes of analysis
sets, intercurrent events by arm, responders of an arm that is not itself small, and the summary
rows of harms with suicidality, mania, liver flags and stopping rules. The monitoring committee
(`monitoring`) sees every count.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.protocol import Protocol
    from equipoise.records import Records


def smallest_shown(protocol: Protocol, records: Records) -> int:
    """The smallest count that is shown: 1 for simulated people, else the protocol's."""
    return 1 if records.manifest.simulated else protocol.report.smallest_cell


def fewest_modelled(smallest: int) -> int:
    """The fewest people of a group at a visit whose estimates are given.

    Estimates of a model pool over visits and people, so three are enough; of one or two they
    would be near to a person's own value.
    """
    return min(3, smallest)


def too_small(counts: Sequence[int], smallest: int) -> bool:
    """Whether a breakdown is hidden: one of its counts lies from 1 to `smallest` - 1.

    It is hidden whole. To hide only the small counts would not do: the total stands elsewhere,
    and what is left of it gives one hidden count back, or two that must be 1 and 1.
    """
    return any(0 < count < smallest for count in counts)
