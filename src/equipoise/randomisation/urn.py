"""Urn: each allocation adds balls of the other arms, so that imbalance is drawn back.

References
----------
Wei LJ, Lachin JM (1988) Properties of the urn randomization in clinical trials. Controlled
Clinical Trials 9:345-364. Unequal ratios: see `equal_parts`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.randomisation.equal_parts import equal_parts

if TYPE_CHECKING:
    import numpy as np


def urn(
    size: int,
    ratio: np.ndarray,
    start: int,
    added: int,
    generator: np.random.Generator,
    lists: int = 1,
) -> np.ndarray:
    """Arms of one stratum by an urn.

    The urn starts with `start` balls of every part; the part of a drawn ball is given, the ball
    goes back, and `added` balls of every other part go in. An empty urn gives every part alike.

    Parameters
    ----------
    size
        Number of allocations.
    ratio
        (arms,) whole numbers.
    start
        At least 0.
    added
        At least 1.
    lists
        Number of lists, drawn one after the other.

    Returns
    -------
    (lists, size) indices of arms.
    """
    import numpy as np

    part_arm = equal_parts(ratio)
    parts = len(part_arm)
    numbers = generator.random((lists, size))
    if lists == 1:  # a simulated trial: arrays of one would cost more than they do
        return part_arm[[_in_turn(numbers[0].tolist(), parts, start, added)]]
    counts = np.zeros((lists, parts), dtype=np.int64)
    given = np.empty((lists, size), dtype=np.int64)
    every = np.arange(lists)
    for i in range(size):
        balls = balls_of(counts, start, added)
        reached = np.cumsum(balls, axis=1)
        ball = (numbers[:, i] * reached[:, -1]).astype(np.int64)
        part = (ball[:, None] >= reached).sum(axis=1)
        given[:, i] = part
        counts[every, part] += 1
    return part_arm[given]


def balls_of(counts: np.ndarray, start: int, added: int) -> np.ndarray:
    """(S, parts) balls of each part in the urn, after (S, parts) allocations; never none."""
    balls: np.ndarray = start + added * (counts.sum(axis=1, keepdims=True) - counts)
    if start == 0:
        balls = balls + (balls.sum(axis=1, keepdims=True) == 0)
    return balls


def _in_turn(numbers: list[float], parts: int, start: int, added: int) -> list[int]:
    """The part of each place of one list."""
    balls = [start] * parts if start else [1] * parts
    given: list[int] = []
    for place, number in enumerate(numbers):
        ball = int(number * sum(balls))
        part = 0
        while ball >= balls[part]:
            ball -= balls[part]
            part += 1
        given.append(part)
        if place == 0:
            balls = [start] * parts
        balls = [n if other == part else n + added for other, n in enumerate(balls)]
    return given
