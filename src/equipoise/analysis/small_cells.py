"""Small cells: counts of few people in observed data are not shown."""

from __future__ import annotations

from collections.abc import Sequence


def suppressed(counts: Sequence[int], smallest: int) -> list[bool]:
    """Which counts of one breakdown are hidden.

    A count from 1 to `smallest` - 1 is hidden; when it is the only hidden one, the smallest
    other count above 0 is hidden too, since the total would give it back.

    Parameters
    ----------
    counts
        The counts of one breakdown whose total is shown.
    smallest
        Counts from here on are shown.
    """
    hidden = [0 < count < smallest for count in counts]
    if sum(hidden) == 1:
        others = [i for i, count in enumerate(counts) if not hidden[i] and count > 0]
        if others:
            hidden[min(others, key=lambda i: counts[i])] = True
    return hidden
