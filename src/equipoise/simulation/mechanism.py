"""Mechanistic participants: from the doses that were taken to cells, labs and scores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from equipoise.mechanisms import POPULATIONS, MechanisticModel, find_model, severity_scales
from equipoise.patients import (
    Blood,
    Cohort,
    Scenario,
    StatisticalPlan,
    blood_values,
    draw_patients,
    follow,
)
from equipoise.patients.schedules import Schedule
from equipoise.patients.statistical import log_sd
from equipoise.protocol.mechanism_mapping import (
    mapped_cells,
    mapped_covariates,
    mapped_instruments,
    mapped_labs,
)

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.simulation.doses import DosePlan
    from equipoise.trial_generators import Draws


@dataclass(frozen=True, slots=True)
class CellSource:
    """One cell population that the model gives.

    Attributes
    ----------
    output, parent
        Population of the model and the parent of its percentage; None for a count only.
    units
        In which it is recorded.
    at
        (its visits,) positions among the days that patients are followed to.
    """

    output: str
    parent: str | None
    units: tuple[str, ...]
    at: np.ndarray


@dataclass(frozen=True, slots=True)
class LabSource:
    """One laboratory value: output of the model, SD of the log of one measurement, range, days."""

    output: str
    noise: float
    low: float
    high: float
    at: np.ndarray


@dataclass(frozen=True, slots=True)
class RatingSource:
    """One instrument: points at no severity, points a point of severity, SD of a rating, days."""

    intercept: float
    slope: float
    noise: float
    at: np.ndarray


@dataclass(frozen=True, slots=True)
class MechanismPlan:
    """What mechanistic participants follow from: the protocol alone.

    Attributes
    ----------
    model
        With the overrides of the protocol.
    link
        Of severity with the cells, 0 to 1.
    covariates
        Covariate or exposure of the protocol → (covariate of the model, levels).
    everybody
        Covariate of the model → the value that all have.
    days
        To which patients are followed: the planned days of the visits.
    schedule
        A dose of one unit on each of the K days on which any arm gives the model's drug.
    amounts
        (arms, K) in the schedule's unit.
    column
        (arms, k) which of the K days each planned dose of the arm falls on; -1: on none, or it
        is another drug beside the model's.
    cells, labs, instruments
        By key of the protocol.
    percent_noise, count_noise
        SD of the log of one measurement of a percentage, and of a count.
    rest
        The statistical courses of what the model does not give.
    """

    model: MechanisticModel
    link: float
    covariates: Mapping[str, tuple[str, tuple[str, ...]]]
    everybody: Mapping[str, str | float]
    days: tuple[float, ...]
    schedule: Schedule
    amounts: np.ndarray
    column: np.ndarray
    cells: Mapping[str, CellSource]
    labs: Mapping[str, LabSource]
    instruments: Mapping[str, RatingSource]
    percent_noise: float
    count_noise: float
    rest: StatisticalPlan


def plan_mechanism(protocol: Protocol, doses: DosePlan, courses: StatisticalPlan) -> MechanismPlan:
    """The plan of a protocol with mechanistic assumptions."""
    import numpy as np

    plan = protocol.assumptions.mechanistic
    assert plan is not None
    pairs = {(a, b): r for a, of in plan.correlations.items() for b, r in of.items()}
    model = find_model(plan.model).with_values(plan.parameters, pairs)
    days = sorted({max(0.0, float(visit.day)) for visit in protocol.visits})
    place = {visit.id: days.index(max(0.0, float(visit.day))) for visit in protocol.visits}

    def at(visits: tuple[str, ...]) -> np.ndarray:
        return np.array([place[visit.id] for visit in protocol.visits if visit.id in visits])

    cells = {}
    for key, output in mapped_cells(protocol.cells, plan).items():
        cell = protocol.cells[key]
        units = tuple(str(unit) for unit in cell.units)
        cells[key] = CellSource(output, POPULATIONS[output], units, at(cell.visits))
    error = {"crp": "crp_cv", "eosinophils": "eos_cv"}
    labs = {}
    for key, output in mapped_labs(protocol.labs, plan).items():
        lab = protocol.labs[key]
        noise = log_sd(model.value(error[output]))
        labs[key] = LabSource(output, noise, lab.minimum, lab.maximum, at(lab.visits))
    instruments = {
        key: _rating(protocol, key, model, at(protocol.instruments[key].visits))
        for key in mapped_instruments(protocol.instruments, plan)
    }
    covariates: dict[str, tuple[str, tuple[str, ...]]] = {}
    measured = {**protocol.population.covariates, **protocol.exposures}
    for key, name in mapped_covariates(measured, plan, model).items():
        covariates[key] = (name, tuple(measured[key].levels))
    schedule, amounts, column = _schedule(protocol, doses, plan.drug or model.drug)
    kept = {key: course for key, course in courses.cells.items() if key not in cells}
    needed = {course.parent[0] for course in kept.values() if course.parent is not None}
    return MechanismPlan(
        model=model,
        link=plan.link,
        covariates=covariates,
        everybody=plan.everybody,
        days=tuple(days),
        schedule=schedule,
        amounts=amounts,
        column=column,
        cells=cells,
        labs=labs,
        instruments=instruments,
        percent_noise=log_sd(model.value("cell_cv")),
        count_noise=log_sd(model.value("count_cv")),
        rest=replace(
            courses,
            scores={k: v for k, v in courses.scores.items() if k not in instruments},
            cells=kept,
            parents={k: v for k, v in courses.parents.items() if k in needed},
            labs={k: v for k, v in courses.labs.items() if k not in labs},
        ),
    )


def _rating(protocol: Protocol, key: str, model: MechanisticModel, at: np.ndarray) -> RatingSource:
    """The scale's own straight line, and what the protocol says otherwise."""
    plan = protocol.assumptions.mechanistic
    assert plan is not None
    known = severity_scales().get(protocol.instruments[key].scale)
    given = plan.instruments.get(key)
    slope = given.slope if given is not None else None
    intercept = given.intercept if given is not None else None
    noise = given.noise if given is not None else None
    if known is not None:
        slope = known.slope if slope is None else slope
        intercept = known.intercept if intercept is None else intercept
        noise = known.noise if noise is None else noise
    assert slope is not None  # checked when the protocol was read
    spread = model.value("rater_sd") * (1.0 if noise is None else noise)
    return RatingSource(intercept or 0.0, slope, spread, at)


def _schedule(
    protocol: Protocol, doses: DosePlan, drug: str
) -> tuple[Schedule, np.ndarray, np.ndarray]:
    """A unit dose on every day of the drug, (arms, K) amounts, (arms, k) columns."""
    import numpy as np

    entries = [dose for dose in doses.entries if dose.drug == drug]
    days = sorted({float(day) for dose in entries for day in dose.days})
    amounts = np.zeros((len(protocol.arms), len(days)))
    column = np.full(doses.day.shape, -1)
    for row, arm in enumerate(protocol.arms.values()):
        for dose in arm.doses:
            for day in dose.days if dose.drug == drug else ():
                amounts[row, days.index(float(day))] += dose.amount
        for place in range(int(doses.count[row])):
            day = float(doses.day[row, place])
            mine = doses.entries[doses.entry[row, place]].drug == drug
            alone = day in days and amounts[row, days.index(day)] == 0
            if mine or alone:
                column[row, place] = days.index(day)
    unit, route = entries[0].unit, entries[0].route
    return Schedule(np.array(days), np.ones(len(days)), unit, route), amounts, column


def dose_amounts(plan: MechanismPlan, arms: np.ndarray, followed: np.ndarray) -> np.ndarray:
    """(n, k) amount of the model's drug at each planned dose; NaN at a dose of another drug.

    `arms` and `followed` are (n,) indices of the arm, and of the arm whose doses work.
    """
    import numpy as np

    column = plan.column[arms]
    amounts = np.take_along_axis(plan.amounts[followed], np.maximum(column, 0), axis=1)
    return np.where(column >= 0, amounts, np.nan)


def mechanistic_cohort(
    plan: MechanismPlan,
    scenario: Scenario,
    arms: np.ndarray,
    followed: np.ndarray,
    covariates: Mapping[str, np.ndarray],
    given: np.ndarray,
    until: np.ndarray,
    generators: Mapping[str, Draws],
    control: int = -1,
) -> Cohort:
    """What the model gives of n participants, noise of measurement included.

    Parameters
    ----------
    arms, followed
        (n,) indices of the arm, and of the arm whose doses work (the control's under ``null``).
    covariates
        Name in the protocol → (n,) indices of levels, or numbers.
    given, until
        (n, k) whether each planned dose of the arm was given, and (n,) the day from which none is.
    generators
        Streams ``patients``, ``measurement`` and ``ratings``.
    control
        Index of the control arm, for ``cells-only``.
    """
    import numpy as np

    n, days = len(arms), plan.schedule.days
    known: dict[str, np.ndarray] = {
        name: np.array(levels)[covariates[key]] if levels else covariates[key]
        for key, (name, levels) in plan.covariates.items()
    }
    known |= {name: np.full(n, value) for name, value in plan.everybody.items()}
    patients = draw_patients(
        plan.model,
        n,
        generators["patients"],
        covariates=known,
        link=0.0 if scenario is Scenario.LINK_OFF else plan.link,
    )
    # One column more, for doses that fall on none of the days.
    on_day = np.ones((n, len(days) + 1), dtype=bool)
    on_day[np.arange(n)[:, None], plan.column[arms]] = given
    taken = plan.amounts[followed] * (on_day[:, :-1] & (days < until[:, None]))
    courses = follow(patients, plan.schedule, plan.days, taken=taken, threads=1)
    severity = courses["severity"]
    if scenario is Scenario.CELLS_ONLY:  # the same people, in mood as on the control's doses
        amounts = plan.amounts[np.full_like(followed, control)]
        untouched = amounts * (on_day[:, :-1] & (days < until[:, None]))
        severity = follow(patients, plan.schedule, plan.days, taken=untouched, threads=1)[
            "severity"
        ]
    return _measured(plan, blood_values(patients, courses), severity, generators)


def _measured(
    plan: MechanismPlan,
    blood: Blood,
    severity: np.ndarray,
    generators: Mapping[str, Draws],
) -> Cohort:
    import numpy as np

    n, d = severity.shape
    generator = generators["measurement"]
    parents = {
        name: blood.count[name] * np.exp(generator.standard_normal((n, d)) * plan.count_noise)
        for name in ("CD4", "CD8")
    }
    cells: dict[tuple[str, str], np.ndarray] = {}
    for key, cell in plan.cells.items():
        noise = generator.standard_normal((n, len(cell.at)))
        if cell.parent is None:
            count = blood.count[cell.output][:, cell.at] * np.exp(noise * plan.count_noise)
            cells[key, "cells/uL"] = count
            continue
        percent = blood.percent[cell.output][:, cell.at] * np.exp(noise * plan.percent_noise)
        percent = np.minimum(percent, 99.9)
        for unit in cell.units:
            # Two platforms: the percentage of the cytometer, the parent's count of the counter.
            whole = percent / 100 * parents[cell.parent][:, cell.at]
            cells[key, unit] = percent if unit.startswith("%") else whole
    labs: dict[str, np.ndarray] = {}
    for key, lab in plan.labs.items():
        noise = generator.standard_normal((n, len(lab.at))) * lab.noise
        values = blood.labs[lab.output][:, lab.at] * np.exp(noise)
        labs[key] = np.minimum(np.maximum(values, lab.low), lab.high)
    ratings = generators["ratings"]
    scores = {
        key: one.intercept
        + one.slope * severity[:, one.at]
        + one.noise * ratings.standard_normal((n, len(one.at)))
        for key, one in plan.instruments.items()
    }
    return Cohort(scores=scores, cells=cells, labs=labs)
