"""Who enters: covariates, sites, strata, and places in the randomisation list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.patients import cumulative_probabilities, drawn_levels
from equipoise.protocol.plan import AllocationMethod
from equipoise.randomisation import draw_lists_of, minimisation_numbers, minimised_arms

if TYPE_CHECKING:
    import numpy as np

    from equipoise.protocol import Protocol
    from equipoise.streams import TrialStreams
    from equipoise.trial_generators import Draws


@dataclass(frozen=True, slots=True)
class CovariatePlan:
    """Distribution of one covariate.

    Attributes
    ----------
    levels
        Of a categorical one; empty for a numeric one.
    cumulative
        (levels,) cumulative probabilities.
    mean, sd, low, high
        Of a numeric one, in its unit.
    """

    levels: tuple[str, ...]
    cumulative: np.ndarray
    mean: float = 0.0
    sd: float = 0.0
    low: float = float("-inf")
    high: float = float("inf")


@dataclass(frozen=True, slots=True)
class EnrolmentPlan:
    """What enrolment follows from.

    Attributes
    ----------
    size, sites
        Planned number of participants; number of sites.
    covariates
        By name.
    strata
        Labels of the strata.
    factors
        Covariates that form the strata, with the number of levels of each.
    planned
        (size,) stratum of each planned place; None where the strata fill as people come.
    stratum_levels
        (strata, factors) index of each factor's level.
    """

    size: int
    sites: int
    covariates: Mapping[str, CovariatePlan]
    strata: tuple[str, ...]
    factors: Mapping[str, int]
    planned: np.ndarray | None
    stratum_levels: np.ndarray


@dataclass(frozen=True, slots=True)
class Enrolment:
    """The participants in order of enrolment; attributes as in `TrialArrays`.

    `sequence` is the place in the stratum's list, under minimisation that in the whole trial.
    """

    site: np.ndarray
    covariates: Mapping[str, np.ndarray]
    stratum: np.ndarray
    sequence: np.ndarray
    arm: np.ndarray


def plan_enrolment(protocol: Protocol) -> EnrolmentPlan:
    """The plan of a protocol with statistical assumptions."""
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    covariates: dict[str, CovariatePlan] = {}
    for name, covariate in protocol.population.covariates.items():
        assumed = plan.covariates[name]
        if covariate.type == "categorical":
            p = [assumed.probabilities[level] for level in covariate.levels]
            covariates[name] = CovariatePlan(tuple(covariate.levels), cumulative_probabilities(p))
            continue
        assert assumed.mean is not None
        assert assumed.sd is not None
        covariates[name] = CovariatePlan(
            (),
            np.zeros(0),
            assumed.mean,
            assumed.sd,
            -np.inf if covariate.minimum is None else covariate.minimum,
            np.inf if covariate.maximum is None else covariate.maximum,
        )
    strata = list(protocol.strata)
    factors = {name: len(covariates[name].levels) for name in protocol.randomisation.strata}
    sizes = protocol.randomisation.stratum_sizes
    planned = None
    if sizes and factors:
        planned = np.array([strata.index(label) for label, n in sizes.items() for _ in range(n)])
    shape = tuple(factors.values())
    levels = np.zeros((len(strata), 0), dtype=np.int64)
    if factors:
        levels = np.stack(np.unravel_index(np.arange(len(strata)), shape), axis=1)
    return EnrolmentPlan(
        size=protocol.population.size,
        sites=plan.sites,
        covariates=covariates,
        strata=tuple(strata),
        factors=factors,
        planned=planned,
        stratum_levels=levels,
    )


def enrol(
    protocol: Protocol,
    plan: EnrolmentPlan,
    seed: int,
    trials: Sequence[int],
    generator: Draws,
    streams: TrialStreams,
) -> Enrolment:
    """Participants of each trial, one trial after the other, and their places in its list.

    Parameters
    ----------
    generator
        Stream ``enrolment`` of these trials.
    streams
        From which the lists of `randomise` are drawn.
    """
    import numpy as np

    n = plan.size * len(trials)
    values: dict[str, np.ndarray] = {}
    stratum = np.zeros(n, dtype=np.int64)
    if plan.planned is not None:
        stratum = np.tile(plan.planned, len(trials))[generator.permutation(n)]
        for position, name in enumerate(plan.factors):
            values[name] = plan.stratum_levels[stratum, position]
    for name, covariate in plan.covariates.items():
        if name in values:
            continue
        if covariate.levels:
            values[name] = drawn_levels(covariate.cumulative, n, generator)
        else:
            drawn = np.round(generator.normal(covariate.mean, covariate.sd, size=n), 1)
            values[name] = np.minimum(np.maximum(drawn, covariate.low), covariate.high)
    if plan.planned is None:
        for name, count in plan.factors.items():
            stratum = stratum * count + values[name]
    by_trial = stratum.reshape(len(trials), plan.size)
    place = _places(by_trial, len(plan.strata))
    arm = np.zeros(by_trial.shape, dtype=np.int64)
    if protocol.randomisation.method is AllocationMethod.MINIMISATION:
        # In the order of the trial: there is no list of a stratum.
        place = np.tile(np.arange(plan.size), (len(trials), 1))
        for row, trial in enumerate(trials):
            numbers = minimisation_numbers(protocol, seed, trial=trial)
            arm[row] = minimised_arms(protocol, plan.stratum_levels[by_trial[row]], numbers)
    elif not protocol.single_arm:
        lists = draw_lists_of(protocol, seed, trials, streams)
        for code, label in enumerate(plan.strata):
            row, column = np.nonzero(by_trial == code)
            arm[row, column] = lists[label][row, place[row, column]]
    site = generator.integers(1, plan.sites + 1, size=n)
    ordered = {name: values[name] for name in plan.covariates}
    return Enrolment(site, ordered, stratum, place.ravel() + 1, arm.ravel())


def _places(stratum: np.ndarray, strata: int) -> np.ndarray:
    """(trials, n) how many of the same trial and stratum came before."""
    import numpy as np

    place = np.empty(stratum.shape, dtype=np.int64)
    for code in range(strata):
        mine = stratum == code
        place[mine] = mine.cumsum(axis=1)[mine] - 1
    return place
