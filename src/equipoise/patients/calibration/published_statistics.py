"""The statistic of each paper, computed on virtual patients as the paper computed it on people.

Every statistic is a method named in the file of targets. Random numbers are common: the same
people, apart from the parameters, and the same errors of measurement at every call, so that a
statistic is a smooth function of the parameters.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING

from equipoise.mechanisms import MechanisticModel
from equipoise.patients.blood import Blood, blood_values
from equipoise.patients.courses import follow
from equipoise.patients.pharmacokinetics import concentration, disposition
from equipoise.patients.population import VirtualPatients, draw_patients, typical_patients
from equipoise.patients.schedules import Schedule

if TYPE_CHECKING:
    import numpy as np

    from equipoise.patients.calibration.targets import CalibrationPlan, Target

#: Days of the doses of five daily doses, and of the courses of the two depression trials.
FIVE_DAYS = (0.0, 1.0, 2.0, 3.0, 4.0)
COURSE = (*FIVE_DAYS, 14.0, 21.0, 28.0, 35.0)

#: Single doses at which the dose of a given increase is looked for (MIU/m2), and the samples.
SINGLE_DOSES = (0.0, 0.04, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5)
SINGLE_DAYS = (0.0, 1.0, 2.0, 3.0, 4.0, 7.0)

#: Doses of the recalled mean dip (MIU/m2).
DIP_DOSES = (0.04, 0.16, 0.6, 1.5)

#: Daily doses of Hartemann 2013 (MIU).
DAILY_DOSES = (0.0, 0.33, 1.0, 3.0)

#: Trials of the size of DEPIL-2 that are drawn, and how many are on active drug and on placebo.
SMALL_TRIALS = 4000
ON_ACTIVE, ON_PLACEBO = 10, 4

MIU = 1e6


class Experiments:
    """The published experiments repeated on the people of a model.

    Parameters
    ----------
    model
        With the parameters to be judged.
    people, seed
        Size of the population, and the seed of all draws.
    """

    def __init__(self, model: MechanisticModel, people: int, seed: int) -> None:
        self.model, self.people, self.seed = model, people, seed
        self._crowds: dict[int, VirtualPatients] = {}

    @classmethod
    def of_plan(cls, model: MechanisticModel, plan: CalibrationPlan) -> Experiments:
        """With the size and the seed of the plan."""
        return cls(model, plan.people, plan.seed)

    def value(self, target: Target) -> float:
        """The statistic of a target, in its unit."""
        method = getattr(self, target.statistic)
        found = method() if target.argument is None else method(target.argument)
        return float(found)

    # --- the typical patient: pharmacokinetics ---

    @cached_property
    def _typical(self) -> dict[str, np.ndarray]:
        return dict(typical_patients(self.model).values)

    def _after(self, hours: np.ndarray, dose: float) -> np.ndarray:
        return concentration(self._typical, hours / 24, [0.0], [dose])[0]

    def time_of_peak(self) -> float:
        """Hours from a s.c. dose to the highest concentration, of the typical patient."""
        import numpy as np

        hours = np.linspace(0.5, 14, 541)
        c = self._after(hours, MIU)
        best = int(np.clip(np.argmax(c), 1, len(c) - 2))
        # The vertex of the parabola through the three highest points.
        left, mid, right = c[best - 1 : best + 2]
        step = hours[1] - hours[0]
        return float(hours[best] + step * (left - right) / (2 * (left - 2 * mid + right)))

    def half_life(self) -> float:
        """Hours, from the slope of the log concentration from 8 to 14 h after a s.c. dose."""
        import numpy as np

        hours = np.array([8.0, 10.0, 12.0, 14.0])
        slope = np.polyfit(hours, np.log(self._after(hours, MIU)), 1)[0]
        return float(-math.log(2) / slope)

    def plateau(self) -> float:
        """% of the i.v. peak that the mean concentration from 1 to 8 h after a s.c. dose is."""
        import numpy as np

        surface = 1.8
        mean = self._after(np.linspace(1, 8, 141), MIU * surface).mean()
        return float(100 * mean / self.iv_peak())

    def peak(self, dose: float) -> float:
        """Highest concentration after a s.c. dose (MIU)."""
        import numpy as np

        return float(self._after(np.linspace(0.5, 14, 541), dose * MIU).max())

    def area_of_a_day(self, dose: float) -> float:
        """IU h/mL from 0 to 24 h after a s.c. dose (MIU/m2)."""
        import numpy as np

        hours = np.linspace(0, 24, 4801)
        return float(np.trapezoid(self._after(hours, dose * MIU * 1.8), hours))

    def iv_peak(self) -> float:
        """IU/mL at once after an i.v. bolus of 1 MIU/m2."""
        return float(MIU * 1.8 / self._typical["V1"][0])

    def iv_half_life(self, phase: float) -> float:
        """Minutes: 1 the fast phase, 2 the slow one."""
        rate = disposition(self._typical).rates[1 + int(phase), 0]
        return float(math.log(2) / rate * 24 * 60)

    def clearance(self) -> float:
        """mL/min."""
        return float(self._typical["CL"][0] / 24 / 60)

    def bioavailability(self) -> float:
        """%."""
        return float(100 * self._typical["F"][0])

    def infusion(self) -> float:
        """IU/mL at the end of an infusion of 1 MIU/m2 over 6 h."""
        found = concentration(
            self._typical, [0.25], [0.0], [MIU * 1.8], route="intravenous", infusion=0.25
        )
        return float(found[0, 0])

    def half_signal(self) -> float:
        """IU/mL at which half of the Treg receptors signal."""
        return float(self._typical["ECT"][0])

    # --- people ---

    @cached_property
    def crowd(self) -> VirtualPatients:
        """The people."""
        import numpy as np

        return draw_patients(self.model, self.people, np.random.default_rng(self.seed))

    def _errors(self, purpose: int, shape: tuple[int, ...]) -> np.ndarray:
        """Factors of measurement error of percentages of cells."""
        import numpy as np

        draws = np.random.default_rng([self.seed, purpose]).standard_normal(shape)
        return np.exp(self.model.value("cell_cv") * draws)

    def _blood(
        self,
        amounts: tuple[float, ...],
        dose_days: tuple[float, ...],
        days: tuple[float, ...],
        *,
        per_surface: bool,
    ) -> list[Blood]:
        """Blood of the crowd under each amount (MIU or MIU/m2) at every dose: one pass for all."""
        import numpy as np

        crowd, n, k = self.crowd, self.people, len(amounts)
        # A second copy of everybody for each amount; who gets how much is in `taken`.
        values = {name: np.tile(column, k) for name, column in crowd.values.items()}
        many = VirtualPatients(self.model, values, values, {}, 1.0)
        surface = np.asarray(crowd.covariates["bsa"], dtype=float) if per_surface else np.ones(n)
        taken = np.concatenate([amount * surface for amount in amounts])[:, None]
        schedule = Schedule(np.array(dose_days), np.ones(len(dose_days)), unit="MIU")
        courses = follow(many, schedule, days, taken=np.repeat(taken, len(dose_days), axis=1))
        blood = blood_values(many, courses)
        return [_rows(blood, slice(i * n, (i + 1) * n)) for i in range(k)]

    @cached_property
    def _single(self) -> np.ndarray:
        """(doses, n, days) Treg percentage, as fold of baseline, after single doses."""
        import numpy as np

        found = self._blood(SINGLE_DOSES, (0.0,), SINGLE_DAYS, per_surface=True)
        return np.stack([b.percent["treg"] / b.percent["treg"][:, :1] for b in found])

    @cached_property
    def mean_highest(self) -> np.ndarray:
        """(doses,) mean over people of the highest measured increase at `SINGLE_DOSES`."""
        errors = self._errors(1, (self.people, len(SINGLE_DAYS)))
        measured = self._single * errors
        highest = (measured[:, :, 1:] / measured[:, :, :1]).max(axis=2)
        return highest.mean(axis=1) - 1

    def dose_for_increase(self, increase: float) -> float:
        """MIU/m2 after which the mean highest increase is this; extrapolated where it must be."""
        import numpy as np

        rise, dose = self.mean_highest, np.array(SINGLE_DOSES)
        k = int(np.clip(np.searchsorted(rise, increase), 1, len(rise) - 1))
        slope = (dose[k] - dose[k - 1]) / max(rise[k] - rise[k - 1], 1e-9)
        # Where hardly anything rises, the dose is past all that were tried: 10 MIU/m2 says so.
        return float(np.clip(dose[k - 1] + slope * (increase - rise[k - 1]), -1.0, 10.0))

    def highest_increase(self, dose: float) -> float:
        """% that the mean highest increase is after a single dose (MIU/m2)."""
        import numpy as np

        return float(100 * np.interp(dose, SINGLE_DOSES, self.mean_highest))

    def dip(self) -> float:
        """%: the lower of two samples, at 90 min and a day after, mean over doses and people."""
        import numpy as np

        found = self._blood(DIP_DOSES, (0.0,), (0.0, 1.5 / 24, 1.0), per_surface=True)
        folds = [b.percent["treg"][:, 1:] / b.percent["treg"][:, :1] for b in found]
        return float(100 * np.mean([fold.mean(axis=0).min() - 1 for fold in folds]))

    def after_single_dose(self, day: float) -> float:
        """% change of the Treg percentage this day after 0.497 MIU/m2, mean over people."""
        b = self._blood((0.497,), (0.0,), (0.0, float(day)), per_surface=True)[0]
        return float(100 * (b.percent["treg"][:, 1] / b.percent["treg"][:, 0] - 1).mean())

    @cached_property
    def _daily(self) -> list[Blood]:
        """Blood before, at day 5, one day after the fifth dose and at day 8, by `DAILY_DOSES`."""
        return self._blood(DAILY_DOSES, FIVE_DAYS, (0.0, 4.0, 5.0, 7.0), per_surface=False)

    def smallest_step(self) -> float:
        """Smallest difference of the mean Treg fold from one dose of Hartemann to the next."""
        import numpy as np

        means = [(b.percent["treg"][:, 2] / b.percent["treg"][:, 0]).mean() for b in self._daily]
        return float(np.diff(means).min())

    def points_after_five(self, dose: float) -> float:
        """Points of % of CD4+ that Treg rise by one day after the fifth daily dose (MIU)."""
        b = self._daily[DAILY_DOSES.index(dose)].percent["treg"]
        return float((b[:, 2] - b[:, 0]).mean())

    def day_8_fold(self) -> float:
        """Mean Treg fold seven days after the first of five daily doses of 1 MIU."""
        b = self._daily[2].percent["treg"]
        return float((b[:, 3] / b[:, 0]).mean())

    def low_dose_rise(self, population: str) -> float:
        """% rise one day after the fifth daily dose of 0.1 MIU/m2: a percentage, or NK cells."""
        b = self._blood((0.1,), FIVE_DAYS, (0.0, 5.0), per_surface=True)[0]
        series = b.count["nk"] if population == "nk" else b.percent[population]
        return float(100 * (series[:, 1] / series[:, 0] - 1).mean())

    def day_5_rise(self, population: str) -> float:
        """% rise of a percentage before the fifth daily dose of 1 MIU, mean over people."""
        series = self._daily[2].percent[population]
        return float(100 * (series[:, 1] / series[:, 0] - 1).mean())

    def day_5_count_rise(self, population: str) -> float:
        """The same of a count."""
        series = self._daily[2].count[population]
        return float(100 * (series[:, 1] / series[:, 0] - 1).mean())

    # --- the depression trial ---

    @cached_property
    def severity(self) -> tuple[np.ndarray, np.ndarray]:
        """(n, 2) severity at day 0 and day 56 of the people on active drug, and on placebo."""
        import numpy as np

        def of(amount: float) -> np.ndarray:
            schedule = Schedule(np.array(COURSE), np.full(len(COURSE), amount), unit="MIU")
            return follow(self.crowd, schedule, (0.0, 56.0))["severity"]

        return of(1.0), of(0.0)

    def prediction(self, population: str) -> float:
        """Correlation of the measured log rise of a percentage with % improvement at day 56."""
        return self._correlation(self._daily[2].percent[population])

    def prediction_by_count(self, population: str) -> float:
        """The same with the count."""
        return self._correlation(self._daily[2].count[population])

    def _correlation(self, series: np.ndarray) -> float:
        import numpy as np

        errors = self._errors(2, (self.people, 2))
        rise = np.log(series[:, 1] * errors[:, 1]) - np.log(series[:, 0] * errors[:, 0])
        active = self.severity[0]
        improvement = 1 - active[:, 1] / active[:, 0]
        return float(np.corrcoef(rise, improvement)[0, 1])

    def benefit(self, diagnosis: str) -> float:
        """Points at day 56 by which people of a diagnosis are better than on placebo."""
        active, placebo = self.severity
        own = self.crowd.covariates["diagnosis"] == diagnosis
        return float((placebo[own, 1] - active[own, 1]).mean())

    def crp_above(self, limit: float) -> float:
        """% of people with a CRP above this before treatment."""
        return float(100 * (self.crowd.values["CRP0"] > limit).mean())

    # --- the trial that is held out ---

    @cached_property
    def small_trials(self) -> dict[str, np.ndarray]:
        """(trials,) mean, lower and upper end of each arm, and whether the difference is found.

        Trials of 10 and 4 people; measured folds at the sample before the fifth dose; t intervals
        of the mean of an arm; the difference by Welch's test at 5 %, two-sided.
        """
        import numpy as np
        from scipy.special import stdtr, stdtrit

        generator = np.random.default_rng([self.seed, 3])
        found: dict[str, np.ndarray] = {}
        moments: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for arm, size, blood in (
            ("active", ON_ACTIVE, self._daily[2]),
            ("placebo", ON_PLACEBO, self._daily[0]),
        ):
            fold = blood.percent["treg"][:, 1] / blood.percent["treg"][:, 0]
            who = generator.integers(0, self.people, (SMALL_TRIALS, size))
            noise = self.model.value("cell_cv") * generator.standard_normal((2, SMALL_TRIALS, size))
            measured = fold[who] * np.exp(noise[1] - noise[0])
            mean, error = measured.mean(axis=1), measured.std(axis=1, ddof=1) / math.sqrt(size)
            half = float(stdtrit(size - 1, 0.975)) * error
            moments[arm] = (mean, error**2)
            found[f"{arm} mean"] = mean
            found[f"{arm} lower"], found[f"{arm} upper"] = mean - half, mean + half
        (a, va), (p, vp) = moments["active"], moments["placebo"]
        freedom = (va + vp) ** 2 / (va**2 / (ON_ACTIVE - 1) + vp**2 / (ON_PLACEBO - 1))
        found["p"] = 2 * stdtr(freedom, -np.abs(a - p) / np.sqrt(va + vp))
        return found

    def small_trial(self, quantity: str) -> float:
        """Mean over the trials of, for example, ``active lower``."""
        return float(self.small_trials[quantity].mean())


def _rows(blood: Blood, rows: slice) -> Blood:
    return Blood(
        *(
            {name: values[rows] for name, values in table.items()}
            for table in (blood.percent, blood.count, blood.labs)
        )
    )
