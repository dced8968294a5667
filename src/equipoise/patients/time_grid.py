"""The grid of time steps that all patients of a schedule share.

The grid breaks exactly at every onset of a dose and at every day that is asked for. Within a
stretch steps only double, so that an exponential of a step is the square of the one before; a
step is about the time since the last onset divided by `STEPS_PER_DOUBLING`, since that is how
the concentration changes its pace.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

#: First step after an onset (days), steps between two doublings, greatest step while a dose is
#: being absorbed and cleared (days), until when that is (days since the onset), greatest step.
FIRST_STEP = 0.0015
STEPS_PER_DOUBLING = 2
STEP_OF_A_DOSE = 0.2
DOSE_LASTS = 2.5
LONGEST_STEP = 1.0


@dataclass(frozen=True, slots=True)
class TimeGrid:
    """Stretches of steps that double.

    Attributes
    ----------
    units
        (different,) first steps that occur (days).
    first
        (stretches,) index of each stretch's first step among them.
    start
        (stretches,) its beginning (days).
    levels
        (stretches, most levels) number of steps before each doubling; 0 beyond the last.
    dose
        (stretches,) index of the dose whose onset begins it; -1 for none.
    output
        (stretches,) index of the day that ends it; -1 for none.
    steps
        Number of steps in all.
    """

    units: np.ndarray
    first: np.ndarray
    start: np.ndarray
    levels: np.ndarray
    dose: np.ndarray
    output: np.ndarray
    steps: int


@lru_cache(maxsize=64)
def time_grid(
    onsets: tuple[float, ...], days: tuple[float, ...], *, refinement: int = 1
) -> TimeGrid:
    """The grid from day 0 to the last of `days`.

    Parameters
    ----------
    onsets
        Days on which doses begin to be absorbed, ascending.
    days
        Days at which the states are asked for, strictly ascending from 0 or later. A state is
        the one before a dose whose onset falls on the same day.
    refinement
        Every step is divided by this.
    """
    import numpy as np

    last = days[-1]
    at_output = {day: index for index, day in enumerate(days)}
    marks = sorted({0.0, *at_output, *(t for t in onsets if t < last)})
    where = {t: k for k, t in enumerate(onsets)}
    units, starts, levels, doses, outputs = [], [], [], [], []
    since_onset = None
    for begin, end in itertools.pairwise(marks):
        dose = where.get(begin, -1)
        if dose >= 0:
            since_onset = begin
        since = None if since_onset is None else begin - since_onset
        unit, counts = _stretch(end - begin, since, refinement)
        units.append(float(f"{unit:.13g}"))  # equal but for rounding is equal
        starts.append(begin)
        levels.append(counts)
        doses.append(dose)
        outputs.append(at_output.get(end, -1))
    most = max((len(counts) for counts in levels), default=1)
    table = np.zeros((len(levels), most), dtype=np.int64)
    for row, counts in zip(table, levels, strict=True):
        row[: len(counts)] = counts
    different, first = np.unique(np.array(units, dtype=float), return_inverse=True)
    return TimeGrid(
        units=different,
        first=first.astype(np.int64),
        start=np.array(starts, dtype=float),
        levels=table,
        dose=np.array(doses, dtype=np.int64),
        output=np.array(outputs, dtype=np.int64),
        steps=int(table.sum()),
    )


def _stretch(length: float, since: float | None, refinement: int) -> tuple[float, list[int]]:
    """First step, and how many steps before each doubling, that fill a stretch exactly."""
    import math

    if since is None:
        step = LONGEST_STEP / refinement
        count = math.ceil(length / step - 1e-9)
        return length / count, [count]
    m = STEPS_PER_DOUBLING * refinement
    step = min(max(FIRST_STEP / refinement, since / m), LONGEST_STEP / refinement)
    if since < DOSE_LASTS:
        step = min(step, STEP_OF_A_DOSE / refinement)
    counts: list[int] = []
    at, left = since, length
    while True:
        held = DOSE_LASTS - at if step * 2 > STEP_OF_A_DOSE / refinement else 0.0
        wanted = m if step * 2 <= LONGEST_STEP / refinement else math.inf
        if held > 0:
            wanted = max(wanted, held / step)
        if left <= wanted * step * (1 + 1e-9):
            counts.append(max(1, math.ceil(left / step - 1e-9)))
            break
        n = math.ceil(wanted - 1e-9)
        counts.append(n)
        at += n * step
        left -= n * step
        if left <= 1e-12 * length:
            break
        step *= 2
    units = sum(n * 2**level for level, n in enumerate(counts))
    return length / units, counts
