"""What every closed form refuses."""

from __future__ import annotations

from math import isfinite


def check_alpha(alpha: float) -> None:
    """Two-sided level between 0 and 1.

    Raises
    ------
    ValueError
    """
    if not 0.0 < alpha < 1.0:
        raise ValueError(f"alpha = {alpha}: a two-sided level lies between 0 and 1; usual is 0.05")


def check_sizes(sizes: tuple[int, int], least_in_all: int) -> None:
    """At least 1 in each arm and enough in all for one residual degree of freedom.

    Raises
    ------
    ValueError
    """
    if min(sizes) < 1 or sum(sizes) < least_in_all:
        raise ValueError(
            f"sizes = {sizes}: the test needs at least 1 participant in each arm "
            f"and {least_in_all} in all"
        )


def check_positive(name: str, value: float) -> None:
    """A finite number above 0.

    Raises
    ------
    ValueError
    """
    if not (isfinite(value) and value > 0.0):
        raise ValueError(f"{name} = {value}: {name} is a finite number above 0")


def check_finite(name: str, value: float) -> None:
    """A finite number.

    Raises
    ------
    ValueError
    """
    if not isfinite(value):
        raise ValueError(f"{name} = {value}: {name} is a finite number")
