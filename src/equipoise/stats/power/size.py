"""The smallest trial whose power reaches a target, at a fixed ratio of the arms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SizeForPower:
    """What a target needs.

    Attributes
    ----------
    sizes
        Participants of the two arms.
    power
        At those sizes: at least the target.
    """

    sizes: tuple[int, int]
    power: float

    @property
    def total(self) -> int:
        """Participants in all."""
        return sum(self.sizes)


def smallest_size(
    power_of: Callable[[tuple[int, int]], float],
    target: float,
    *,
    ratio: tuple[int, int] = (1, 1),
    least: int = 2,
    most: int = 100_000,
) -> SizeForPower:
    """Fewest whole multiples of the ratio whose power is at least the target.

    Assumes that power rises with size, as for means. That of tests of proportions falls at some
    steps: there the answer reaches the target and one multiple less does not, but a smaller
    trial may.

    Parameters
    ----------
    power_of
        Power at the sizes of the two arms.
    target
        Above 0, below 1.
    ratio
        Participants of the arms, in whole numbers.
    least, most
        Multiples of the ratio that are looked at.

    Raises
    ------
    ValueError
        Where the target is not reached, with the power at the largest size.
    """
    if not 0.0 < target < 1.0:
        raise ValueError(f"target = {target}: power is above 0 and below 1; usual is 0.9")
    if min(ratio) < 1:
        raise ValueError(f"ratio = {ratio}: whole numbers of at least 1")
    if not 1 <= least <= most:
        raise ValueError(f"least = {least}, most = {most}: 1 at least, and least not above most")

    def at(multiple: int) -> tuple[tuple[int, int], float]:
        sizes = (ratio[0] * multiple, ratio[1] * multiple)
        return sizes, power_of(sizes)

    above, (sizes, power) = least, at(least)
    below = least - 1
    while power < target:
        if above == most:
            raise ValueError(
                f"target = {target}: not reached; at {sizes} the power is {power:.3f}. "
                "Assume a larger effect, or raise `most`"
            )
        below, above = above, min(2 * above, most)
        sizes, power = at(above)
    while above - below > 1:
        middle = (below + above) // 2
        tried, reached = at(middle)
        if reached >= target:
            above, sizes, power = middle, tried, reached
        else:
            below = middle
    return SizeForPower(sizes, power)
