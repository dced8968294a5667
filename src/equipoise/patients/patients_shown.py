"""The typical patient and the population under a protocol's schedule, beside what is published.

Data for a page; the analysis of a trial knows nothing of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.patients.calibration import Experiments, read_plan
from equipoise.patients.calibration.published_statistics import SINGLE_DOSES
from equipoise.patients.exploration import (
    Exploration,
    all_readouts_of,
    explore,
    follow_regimens,
)
from equipoise.patients.published_comparison import Comparison, compare, has_published_numbers
from equipoise.patients.schedules import schedule_of_arm

if TYPE_CHECKING:
    from equipoise.mechanisms import MechanisticModel
    from equipoise.protocol import Protocol

#: Daily doses of five days (MIU) that were published side by side, and how long they are followed.
FIVE_DAYS = (0.33, 1.0, 3.0)
FIVE_DAYS_FOR = 14.0


@dataclass(frozen=True, slots=True)
class PatientsShown:
    """What the page of virtual patients shows. Simulated, but for the published numbers.

    Attributes
    ----------
    course
        The protocol's arms on its own schedule, until its last visit.
    arms
        Labels of the arms, placebo first.
    visits
        Planned days of its visits.
    five_days
        Five daily doses of `FIVE_DAYS`; None for a model without published numbers.
    single_doses, highest
        Single doses (MIU/m2), and the mean over people of the highest measured Treg percentage
        of seven days (% above baseline): as the published one was found.
    comparisons
        Every published number, in the order of the file of targets.
    note
        Who stands for the people of the published studies.
    """

    course: Exploration
    arms: tuple[str, ...]
    visits: tuple[float, ...]
    five_days: Exploration | None
    single_doses: tuple[float, ...]
    highest: tuple[float, ...]
    comparisons: tuple[Comparison, ...]
    note: str

    def comparison(self, key: str) -> Comparison:
        """The published number of this key.

        Raises
        ------
        KeyError
            When there is none.
        """
        for row in self.comparisons:
            if row.key == key:
                return row
        raise KeyError(key)


def show_patients(
    protocol: Protocol,
    model: MechanisticModel,
    drugs: tuple[str, ...] | None = None,
    *,
    patients: int = 500,
    seed: int = 1,
    threads: int | None = None,
) -> PatientsShown:
    """Follow a model's patients under a protocol's arms, and repeat the published experiments.

    Parameters
    ----------
    model
        With the protocol's overrides.
    drugs
        Names of the drug in the arms; left out, it is the one that has an amount.
    """
    schedules = {
        arm.label: schedule_of_arm(protocol, key, _drug(protocol, key, drugs))
        for key, arm in protocol.arms.items()
    }
    active = {label: s for label, s in schedules.items() if len(s) and s.amounts.max() > 0}
    control = [label for label in schedules if label not in active]
    placebo = control[0] if control else "No drug"
    course = follow_regimens(
        model,
        [("The protocol's schedule", float(s.amounts.max()), s) for s in active.values()],
        last_day=max(visit.day for visit in protocol.visits),
        patients=patients,
        seed=seed,
        labels=(placebo, *active),
        readouts=all_readouts_of(model),
        threads=threads,
    )
    visits = tuple(v.day for v in protocol.visits if v.day in course.days.tolist())
    published = has_published_numbers(model)
    plan = read_plan(model.name) if published else None
    experiments = Experiments.of_plan(model, plan) if plan else None
    return PatientsShown(
        course=course,
        arms=(placebo, *active),
        visits=visits,
        five_days=explore(
            model, ["5 daily"], FIVE_DAYS, last_day=FIVE_DAYS_FOR, patients=patients, seed=seed,
            threads=threads,
        ) if published else None,
        single_doses=SINGLE_DOSES if published else (),
        highest=tuple((100 * experiments.mean_highest).tolist()) if experiments else (),
        comparisons=compare(model) if published else (),
        note=plan.note if plan else "",
    )  # fmt: skip


def shown_of(protocol: Protocol) -> PatientsShown | None:
    """The page's data for a protocol as it is planned; None without mechanistic assumptions."""
    from equipoise.mechanisms import find_model

    plan = protocol.assumptions.mechanistic
    if plan is None:
        return None
    pairs = {(a, b): r for a, of in plan.correlations.items() for b, r in of.items()}
    model = find_model(plan.model).with_values(plan.parameters, pairs)
    return show_patients(protocol, model, (plan.drug or model.drug,))


def _drug(protocol: Protocol, arm: str, drugs: tuple[str, ...] | None) -> str | None:
    if drugs is None:
        return None
    names = [dose.drug for dose in protocol.arms[arm].doses]
    return next((name for name in names if name in drugs), None)
