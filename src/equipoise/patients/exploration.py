"""What other doses and schedules would do to virtual patients: medians and bands.

Every regimen is given to the same patients, so that they differ by the drug alone, and each is
held against the same patients without drug. All of it follows from the model's numbers, of which
most are assumed: nothing here is evidence about people.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.faults import EquipoiseError, Fault, single
from equipoise.patients.schedule_language import parse_schedule
from equipoise.patients.schedules import Schedule

if TYPE_CHECKING:
    import numpy as np

    from equipoise.mechanisms import MechanisticModel
    from equipoise.patients.courses import Courses
    from equipoise.patients.population import VirtualPatients

#: Percentiles of the band: nine people in ten lie in it.
LOWER, UPPER = 5.0, 95.0

MOST_PATIENTS = 20_000
LONGEST = 730.0
MOST_REGIMENS = 40

#: The reduction of severity that counts as response.
RESPONSE = 0.5

#: Unit of doses for the unit in which a model counts.
DOSE_UNITS = {"IU": "MIU", "mg": "mg"}

HEADING = "Nothing is explored"


@dataclass(frozen=True, slots=True)
class Readout:
    """Something that is looked at.

    Attributes
    ----------
    key, label, unit
        Column of the table; name as printed; what is counted.
    neutral
        The value that means no change; None where there is none.
    """

    key: str
    label: str
    unit: str
    neutral: float | None


@dataclass(frozen=True, slots=True)
class Band:
    """A readout of n patients over d days.

    Attributes
    ----------
    median, lower, upper
        (d,) over the patients.
    typical
        (d,) of the typical patient, whose parameters are the model's values.
    """

    median: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    typical: np.ndarray


@dataclass(frozen=True, slots=True)
class Regimen:
    """A dose on a schedule, and what comes of it.

    Attributes
    ----------
    words, label, dose
        The schedule as it was asked for, the regimen's name in a figure, and each dose in the
        exploration's unit; ``no drug`` and 0 for the comparison.
    schedule
        The days and amounts.
    bands
        Readout → its band.
    response
        (d,) share of the patients whose severity is at most half of what it was.
    """

    words: str
    label: str
    dose: float
    schedule: Schedule
    bands: Mapping[str, Band]
    response: np.ndarray


@dataclass(frozen=True, slots=True)
class Exploration:
    """Regimens side by side on the same virtual patients. Simulated, every number of it.

    Attributes
    ----------
    model
        With what was changed in it.
    changed
        Name → value that the model was given.
    days
        (d,) whole days from 0, and the last.
    readouts
        In the order of the figure.
    regimens
        No drug first, then schedule by schedule, doses ascending.
    """

    model: MechanisticModel
    changed: Mapping[str, float]
    patients: int
    seed: int
    unit: str
    route: str
    days: np.ndarray
    readouts: tuple[Readout, ...]
    regimens: tuple[Regimen, ...]


def explore(
    model: MechanisticModel,
    schedules: Sequence[str],
    doses: Sequence[float],
    *,
    last_day: float = 84.0,
    patients: int = 500,
    seed: int = 1,
    changed: Mapping[str, float] | None = None,
    route: str | None = None,
    threads: int | None = None,
) -> Exploration:
    """Follow the same virtual patients under every dose on every schedule.

    Parameters
    ----------
    schedules
        In words: ``5 daily then weekly``.
    doses
        Amounts of each dose, in MIU for a model that counts in IU.
    last_day
        Until when they are followed.
    patients, seed
        How many are drawn, from which seed.
    changed
        Parameters, effects and spreads that are not the model's; see
        `MechanisticModel.with_values`.
    route
        The model's first where it is left out.
    threads
        All processors where it is left out; the numbers are the same for any.

    Raises
    ------
    EquipoiseError
        With every schedule that is not understood, dose that is impossible or too late,
        parameter that is unknown or outside its bounds, and size that is too great.
    """
    from equipoise.streams import check_seed

    check_seed(seed)
    faults: list[Fault] = list(_faults(last_day, patients, len(schedules) * len(doses)))
    unit = DOSE_UNITS[model.amount_unit]
    way = route or model.routes[0]
    wanted: list[tuple[str, float, Schedule]] = []
    try:
        model = model.with_values(changed or {})
    except EquipoiseError as error:
        faults += error.faults
    for words in dict.fromkeys(schedules):
        for dose in doses if math.isfinite(last_day) else ():
            try:
                made = parse_schedule(words, dose, last_day, unit=unit, route=way)
            except EquipoiseError as error:
                faults += [fault for fault in error.faults if fault not in faults]
            else:
                wanted.append((words, dose, made))
    if faults:
        raise EquipoiseError(HEADING, faults)
    return follow_regimens(
        model,
        wanted,
        last_day=last_day,
        patients=patients,
        seed=seed,
        changed=changed,
        readouts=readouts_of(model),
        threads=threads,
    )


def follow_regimens(
    model: MechanisticModel,
    wanted: Sequence[tuple[str, float, Schedule]],
    *,
    last_day: float,
    patients: int,
    seed: int,
    readouts: tuple[Readout, ...],
    changed: Mapping[str, float] | None = None,
    labels: Sequence[str] = (),
    threads: int | None = None,
) -> Exploration:
    """Follow the same patients without drug and under schedules that were made already.

    Parameters
    ----------
    wanted
        Words, dose and schedule of each regimen; all of one unit and route.
    labels
        Names of the regimens, no drug first; their doses where they are left out.

    Other parameters as of `explore`, the model with its changes.
    """
    import numpy as np

    from equipoise.patients.population import draw_patients, typical_patients
    from equipoise.streams import stream

    unit, way = wanted[0][2].unit, wanted[0][2].route
    days = np.append(np.arange(0.0, last_day), last_day)
    people = draw_patients(model, patients, stream(seed, "exploration"))
    typical = typical_patients(model)
    nothing = Schedule(np.zeros(0), np.zeros(0), unit, way)
    without = [_observed(who, nothing, days, threads) for who in (people, typical)]
    regimens: list[Regimen] = []
    for place, (words, dose, made) in enumerate([("no drug", 0.0, nothing), *wanted]):
        seen = (
            without
            if made is nothing
            else [_observed(who, made, days, threads) for who in (people, typical)]
        )
        for values, untreated in zip(seen, without, strict=True):
            values["relief"] = untreated["severity"] - values["severity"]
        severity = seen[0]["severity"]
        label = f"{dose:g} {unit}" if place else "No drug"
        regimens.append(
            Regimen(
                words=words,
                label=labels[place] if labels else label,
                dose=dose,
                schedule=made,
                bands={r.key: _band(seen[0][r.key], seen[1][r.key]) for r in readouts},
                response=(severity <= (1 - RESPONSE) * severity[:, :1]).mean(axis=0),
            )
        )
    return Exploration(
        model=model,
        changed=dict(changed or {}),
        patients=patients,
        seed=seed,
        unit=unit,
        route=way,
        days=days,
        readouts=readouts,
        regimens=tuple(regimens),
    )


def readouts_of(model: MechanisticModel) -> tuple[Readout, ...]:
    """What is looked at: Treg where the drug can move them, CRP, severity, what the drug adds."""
    found = [
        Readout("crp", "C-reactive protein", "fold of own baseline", 1.0),
        Readout("severity", f"Severity ({model.severity_scale.upper()})", "points", None),
        Readout("relief", "Severity below that without drug", "points", 0.0),
    ]
    if model.value("pT") > 0:
        treg = Readout("treg", "Treg, % of CD4+ in blood", "fold of own baseline", 1.0)
        found.insert(0, treg)
    return tuple(found)


def all_readouts_of(model: MechanisticModel) -> tuple[Readout, ...]:
    """Everything that a trial would measure: cells, laboratory values, severity."""
    fold = "fold of own baseline"
    cells = (
        Readout("treg", "Treg, % of CD4+ in blood", fold, 1.0),
        Readout("th2", "Th2, % of CD4+", fold, 1.0),
        Readout("naive_cd4", "Naive CD4+, % of CD4+", fold, 1.0),
        Readout("naive_cd4_count", "Naive CD4+, cells/\u00b5L", fold, 1.0),
        Readout("naive_cd8", "Naive CD8+, % of CD8+", fold, 1.0),
        Readout("eosinophils", "Eosinophils", fold, 1.0),
    )
    moved = tuple(found for found in readouts_of(model) if found.key in ("crp", "severity"))
    return (*(cells if model.value("pT") > 0 else ()), *moved)


def parse_settings(settings: Sequence[str], *, field: str = "--set") -> dict[str, float]:
    """``["pT=0.8", "phi.spread=0.3"]`` as a table of names and values.

    Raises
    ------
    EquipoiseError
        With every setting that is no NAME=NUMBER, or stands there twice.
    """
    found: dict[str, float] = {}
    faults: list[Fault] = []
    for setting in settings:
        name, _, text = (part.strip() for part in setting.partition("="))
        try:
            value = float(text)
        except ValueError:
            value = None
        if not name or value is None or name in found:
            twice = name in found
            faults.append(
                Fault(
                    code="setting-unclear",
                    where="",
                    field=field,
                    value=f'"{setting}"',
                    rule="a parameter is set once" if twice else "a setting is NAME=NUMBER",
                    remedy="leave one out" if twice else f"for example {field} pT=0.8",
                )
            )
            continue
        found[name] = value
    if faults:
        raise EquipoiseError(HEADING, faults)
    return found


def days_of_table(text: str | None, last_day: float, *, field: str = "--at") -> tuple[float, ...]:
    """Days of a table: those of the text, else 4, 14, 28 and 56 if they come, and the last.

    Raises
    ------
    EquipoiseError
        When the text is no list of whole days up to the last.
    """
    if text is None:
        usual = [day for day in (4.0, 14.0, 28.0, 56.0) if day < last_day]
        return (*usual, last_day)
    days: list[float] = []
    for part in text.split(","):
        try:
            day = float(part)
        except ValueError:
            day = -1.0
        whole = day == int(day) if 0 <= day <= last_day else False
        if not whole and day != last_day:
            raise single(
                HEADING,
                code="days-unclear",
                field=field,
                value=f'"{text}", at `{part.strip()}`',
                rule=f"days of the table are whole days from 0 to {last_day:g}",
                remedy='separate them by commas, for example "4,28,56"',
            )
        days.append(day)
    return tuple(sorted(set(days)))


def _faults(last_day: float, patients: int, regimens: int) -> list[Fault]:
    found: list[Fault] = []

    def refuse(code: str, field: str, value: str, rule: str, remedy: str) -> None:
        found.append(Fault(code, "", field, value, rule, remedy))

    if not 1 <= last_day <= LONGEST:
        refuse(
            "exploration-length",
            "--days",
            f"{last_day:g}",
            f"patients are followed for 1 to {LONGEST:g} days",
            "choose a number between them",
        )
    if not 20 <= patients <= MOST_PATIENTS:
        refuse(
            "exploration-size",
            "--patients",
            str(patients),
            f"bands are made of 20 to {MOST_PATIENTS} patients",
            "choose a number between them",
        )
    if not 1 <= regimens <= MOST_REGIMENS:
        refuse(
            "exploration-regimens",
            "--dose, --schedule",
            f"{regimens} regimens",
            f"1 to {MOST_REGIMENS} regimens (doses times schedules) stand side by side",
            "explore them in parts",
        )
    return found


def _observed(
    patients: VirtualPatients, schedule: Schedule, days: np.ndarray, threads: int | None
) -> dict[str, np.ndarray]:
    """(n, d) of each readout but the comparison."""
    from equipoise.patients.blood import blood_values
    from equipoise.patients.courses import follow

    courses: Courses = follow(patients, schedule, days.tolist(), threads=threads)
    blood = blood_values(patients, courses)
    folds = {
        **{name: blood.percent[name] for name in ("treg", "th2", "naive_cd4", "naive_cd8")},
        "naive_cd4_count": blood.count["naive_cd4"],
        **blood.labs,
    }
    return {
        "severity": courses["severity"],
        **{name: values / values[:, :1] for name, values in folds.items()},
    }


def _band(values: np.ndarray, typical: np.ndarray) -> Band:
    import numpy as np

    lower, median, upper = np.percentile(values, (LOWER, 50.0, UPPER), axis=0)
    return Band(median, lower, upper, typical[0])
