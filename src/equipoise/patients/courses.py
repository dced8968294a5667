"""The course of every state of virtual patients under a schedule of doses."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.faults import EquipoiseError, Fault
from equipoise.patients.kernel_loading import load_follow_blocks
from equipoise.patients.pharmacokinetics import disposition
from equipoise.patients.population import VirtualPatients
from equipoise.patients.schedules import Schedule
from equipoise.patients.time_grid import TimeGrid, time_grid
from equipoise.stats.threads import check_threads, in_chunks

if TYPE_CHECKING:
    import numpy as np

#: States of the kernel, in its order; severity comes from the last.
STATES = (
    "concentration", "sensitivity", "margination", "activation", "treg", "th2", "naive_cd4",
    "naive_cd8", "nk", "eosinophils", "other_cd4", "tone",
)  # fmt: skip

#: Parameters of the kernel after the four rates and coefficients, in its order.
ROWS = (
    "ECT", "EM", "kR", "kD", "kin", "kout", "kQ", "pT", "pH", "pN4", "pN8", "pK", "pG",
    "kT", "kH", "kN4", "kN8", "kK", "kG", "w", "kE", "gT", "gH", "gN", "gD", "fl", "kI", "Bmax",
    "kB", "kS",
)  # fmt: skip

#: Rates (1/d) up to which the series of exponentials are halved alike for everybody; beyond them
#: by the patient's own, so that nobody's numbers depend on the company: of the concentration, and
#: of all that is slower.
_FASTEST, _SLOWEST = 4096.0, 32.0
_SLOW_ROWS = [14, *range(21, 27), 28, 34, 36, 37]

#: Patients that one call of the kernel follows are at least worth a thread of their own.
_OPERATIONS_A_STEP = 400


@dataclass(frozen=True, slots=True)
class Courses:
    """Every state of n patients on d days.

    Attributes
    ----------
    days
        (d,) on which; a state is the one before a dose of the same day.
    states
        Name → (n, d). ``concentration`` in the model's unit; ``sensitivity`` (1 at baseline),
        ``margination`` (0 to 1), ``activation``; ``treg``, ``th2``, ``naive_cd4``,
        ``naive_cd8``, ``nk``, ``eosinophils``, ``other_cd4`` as folds of the patient's own
        baseline, in the whole body; ``tone`` as its logarithm; ``severity`` in points.
    """

    days: tuple[float, ...]
    states: Mapping[str, np.ndarray]

    def __getitem__(self, name: str) -> np.ndarray:
        return self.states[name]


def follow(
    patients: VirtualPatients,
    schedule: Schedule,
    days: Sequence[float],
    *,
    taken: np.ndarray | None = None,
    threads: int | None = None,
    refinement: int = 1,
) -> Courses:
    """Follow patients from day 0 to the last of `days`.

    Parameters
    ----------
    patients
        n of them.
    schedule
        Days, amounts, unit and route of the doses (k of them, ascending).
    days
        Strictly ascending, 0 or later.
    taken
        (n, k) share of each dose that each patient got: 0 for a missed dose. All got all where
        it is left out.
    threads
        All processors where it is left out; the numbers are the same for any.
    refinement
        Every step of the grid is divided by this whole number; to see that nothing changes.

    Returns
    -------
    Courses
        Relative error below 1e-6 on every state (``docs/methods/mechanistic-patients.md`` says
        against what); of the typical patient with rates at their bounds too.

    Raises
    ------
    EquipoiseError
        For days that do not ascend or are negative, a dose after the last day, an infusion, or a
        route or unit that the model does not know.
    """
    import numpy as np

    faults = list(_faults(patients, schedule, days))
    if faults:
        raise EquipoiseError("The patients are not followed", faults)
    days = tuple(float(day) for day in days)
    n = patients.size
    amounts = schedule.amounts_in(patients.model.amount_unit)
    given = np.broadcast_to(amounts, (n, len(amounts)))
    if taken is not None:
        given = given * np.asarray(taken, dtype=float)
    lag = 0.0 if schedule.route == "intravenous" else float(patients.values["lag"][0])
    onsets = tuple(float(day) + lag for day in schedule.days)
    # A bolus is in the blood at once and leaves it faster than a depot fills it.
    finer = 2 if schedule.route == "intravenous" else 1
    grid = time_grid(onsets, days, refinement=refinement * finer)
    count = check_threads(threads)
    own = _run(patients.values, schedule.route, given, grid, len(days), count)
    driven = own[12]
    states: dict[str, np.ndarray] = {name: own[at] for at, name in enumerate(STATES)}
    if patients.mood is not patients.values:
        driven = _run(patients.mood, schedule.route, given, grid, len(days), count)[12]
    states["severity"] = _severity(patients.mood, np.array(days), driven)
    return Courses(days, states)


def _run(
    values: Mapping[str, np.ndarray],
    route: str,
    given: np.ndarray,
    grid: TimeGrid,
    days: int,
    threads: int,
) -> np.ndarray:
    """(13, n, days) states of the kernel; who gets no dose stays at baseline and is not run."""
    import numpy as np

    n = len(given)
    states = np.zeros((13, n, days))
    # Before anything: receptors available, pools at their baseline.
    states[[1, *range(4, 11)]] = 1.0
    treated = np.flatnonzero(given.any(axis=1))
    if not grid.steps or not len(treated):
        return states
    own = {name: column[treated] for name, column in values.items()}
    pk = disposition(own)
    rows = np.stack([*pk.rates, *pk.coefficients(route), *(own[name] for name in ROWS)])
    # Who is faster than almost everybody is followed apart, in finer steps.
    fast = _doublings(rows[:4].max(axis=0), _FASTEST)
    slow = _doublings(rows[_SLOW_ROWS].max(axis=0), _SLOWEST)
    kinds, kind = np.unique(np.stack([fast, slow]), axis=1, return_inverse=True)
    for place, (more, rather) in enumerate(kinds.T.tolist()):
        mine = np.flatnonzero(kind == place)
        halvings = (
            _halvings(grid.units, _FASTEST * 2.0**more),
            _halvings(grid.units, _SLOWEST * 2.0**rather),
        )
        who = treated[mine]
        states[:, who] = _alike(rows[:, mine], given[who], grid, days, halvings, threads, states)
    return states


def _doublings(rate: np.ndarray, limit: float) -> np.ndarray:
    """(n,) how often the limit is doubled until it holds for a patient; a whole number."""
    import numpy as np

    return np.ceil(np.log2(np.maximum(rate / limit, 1.0)))


def _alike(
    rows: np.ndarray,
    given: np.ndarray,
    grid: TimeGrid,
    days: int,
    halvings: tuple[np.ndarray, np.ndarray],
    threads: int,
    start: np.ndarray,
) -> np.ndarray:
    """(13, n, days) states of patients whose series of exponentials are halved alike."""
    import numpy as np

    n = len(given)
    parameters, amounts = _in_blocks(rows), _in_blocks(given.T)
    blocks = parameters.shape[0]
    written = np.zeros((blocks, days, 13 * LANES))
    written.reshape(blocks, days, 13, LANES)[:, 0] = start[:, :1, 0]
    steps = (grid.units, grid.first, grid.levels, grid.dose, grid.output, *halvings)
    kernel = load_follow_blocks()

    def call(begin: int, end: int) -> None:
        kernel(parameters, amounts, *steps, written, begin, end)

    in_chunks(call, blocks, LANES * _OPERATIONS_A_STEP * grid.steps, threads)
    ordered = written.reshape(blocks, days, 13, LANES).transpose(2, 0, 3, 1)
    return ordered.reshape(13, blocks * LANES, days)[:, :n]


def _in_blocks(rows: np.ndarray) -> np.ndarray:
    """(rows, n) → (blocks, rows · LANES); the last block is filled with its last patient."""
    import numpy as np

    count, n = rows.shape
    blocks = -(-n // LANES)
    full = np.concatenate([rows, np.repeat(rows[:, -1:], blocks * LANES - n, axis=1)], axis=1)
    shaped = full.reshape(count, blocks, LANES).transpose(1, 0, 2)
    return np.ascontiguousarray(shaped).reshape(blocks, count * LANES)


def _halvings(unit: np.ndarray, fastest: float) -> np.ndarray:
    """How often each first step is halved until a Taylor series of order 7 is exact."""
    import numpy as np

    return np.maximum(0, np.ceil(np.log2(np.maximum(unit * fastest / 0.06, 1e-300)))).astype(
        np.int64
    )


def _severity(mood: Mapping[str, np.ndarray], days: np.ndarray, driven: np.ndarray) -> np.ndarray:
    """(n, d) severity: its course without any change of tone, in closed form, less the rest.

    ``S' = kS (S0 (1 - B) (1 - phi (1 - exp L)) - S)`` with ``B = Bmax (1 - exp(-kB t))``, and
    ``V' = kS ((1 - B) (1 - exp L) - V)`` from the kernel: S = S(L = 0) - S0 phi V.
    """
    import numpy as np

    s0, phi, bmax, kb, ks = (mood[name][:, None] for name in ("S0", "phi", "Bmax", "kB", "kS"))
    gap = ks - kb
    near = np.abs(gap) < 1e-9 * ks
    t = days[None, :]
    # (exp(-kB t) - exp(-kS t)) / (kS - kB), also where the two rates are the same.
    between = np.where(near, t, -np.expm1(-gap * t) / np.where(near, 1.0, gap)) * np.exp(-kb * t)
    without = s0 * (1 - bmax * (-np.expm1(-ks * t) - ks * between))
    return without - s0 * phi * driven


def _faults(patients: VirtualPatients, schedule: Schedule, days: Sequence[float]) -> list[Fault]:
    model = patients.model
    where, found = f"model {model.name}", []

    def fault(code: str, field: str, value: str, rule: str, remedy: str) -> None:
        found.append(Fault(code, where, field, value, rule, remedy))

    ascending = all(a < b for a, b in itertools.pairwise(days))
    if not days or not ascending or days[0] < 0 or not all(math.isfinite(d) for d in days):
        fault(
            "days-not-ascending", "days", ", ".join(f"{d:g}" for d in days),
            "days are finite, begin at 0 or later and ascend", "sort them, without doubles",
        )  # fmt: skip
    for day in schedule.days:
        if days and day > max(days):
            fault(
                "dose-after-end", "days", f"{day:g}",
                f"doses are given by the last day, {max(days):g}",
                "leave the dose out, or follow the patients for longer",
            )  # fmt: skip
    if schedule.hours > 0:
        fault(
            "infusion-not-followed", "hours", f"{schedule.hours:g}",
            "cells and mood follow injections, boluses and oral doses",
            "ask `concentration` for an infusion; give it here as boluses",
        )  # fmt: skip
    try:
        schedule.amounts_in(model.amount_unit)
    except EquipoiseError as error:
        found += error.faults
    if schedule.route not in model.routes:
        fault(
            "route-unknown", "route", schedule.route,
            "routes: " + ", ".join(model.routes), "choose one of them",
        )  # fmt: skip
    return found


#: Patients that the kernel follows side by side (`kernels.dynamics.LANES`, without importing it).
LANES = 16
