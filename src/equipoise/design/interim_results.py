"""What interim looks would do: when simulated trials end, with what power, level and bias.

Boundaries are on the nominal-p scale, by error spending at the observed share of the planned
information (1 / SE²). Futility is not binding: the level is computed as if nobody followed it.
Simulation shows how the rule behaves; it does not show that a level is held exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.design.characteristics import Tally, tally_of
from equipoise.design.interim_looks import InterimLooks, check_looks
from equipoise.design.operating import check_arguments, true_values
from equipoise.design.runner import CHUNK, HowToRun, Progress, TrialRun
from equipoise.design.settings import make_settings
from equipoise.faults import EquipoiseError, Fault, nearest
from equipoise.stats.group_sequential import planned_boundaries
from equipoise.stats.group_sequential.spending import Spending

if TYPE_CHECKING:
    import numpy as np

    from equipoise.design.data_generators import Patients
    from equipoise.design.trial_store import TrialHolder
    from equipoise.design.workers import Bench
    from equipoise.protocol import Protocol
    from equipoise.stats.group_sequential import PlannedBoundaries


@dataclass(frozen=True, slots=True)
class SpendingRule:
    """How an error is spent.

    Attributes
    ----------
    function
        One of `Spending`.
    parameter
        Of ``power`` and ``hwang-shih-decani``.
    """

    function: str = Spending.OBRIEN_FLEMING
    parameter: float | None = None


@dataclass(frozen=True, slots=True)
class Look:
    """A look under a scenario.

    Attributes
    ----------
    share, participants
        Of the participants.
    boundary
        Two-sided nominal p below which the trial ends for efficacy, at the planned share.
    futility
        Z in the planned direction below which futility is seen, at the planned share; None without.
    information, information_error
        Mean observed share of the planned information, and its SD.
    efficacy
        Trials that end for efficacy at this look.
    futile
        Trials still going on whose statistic is below the futility boundary; not binding.
    not_estimated
        Trials without an estimate at this look: they go on.
    """

    share: float
    participants: int
    boundary: float
    futility: float | None
    information: float
    information_error: float
    efficacy: Tally
    futile: Tally | None
    not_estimated: int


@dataclass(frozen=True, slots=True)
class ScenarioLooks:
    """All looks under a scenario, the last one the whole trial.

    Attributes
    ----------
    scenario, label
    looks
    shown
        Trials that end for efficacy at any look, in the planned direction or against it.
    without
        Trials that would show it without looks: one test at the end.
    followed
        The same as `shown` where futility ends the trial as well; None without futility.
    expected, expected_followed
        Mean number of participants when the trial ends, without and with following futility.
    naive, truth
        Mean estimate when the trial ends, and the true value; NaN where it is not known.
    final
        Mean estimate of the whole trials, whatever the looks.
    """

    scenario: str
    label: str
    looks: tuple[Look, ...]
    shown: Tally
    without: Tally
    followed: Tally | None
    expected: float
    expected_followed: float
    naive: float
    truth: float
    final: float


@dataclass(frozen=True, slots=True)
class LooksCompared:
    """Interim looks of a protocol under several scenarios.

    Attributes
    ----------
    study, title, protocol_hash, seed, trials, alpha
        As of `DesignMap`.
    estimand, question
        Key and words.
    efficacy, futility
        How errors are spent.
    inflation
        Most information that the looks cost at the same power, as a multiple of a trial without.
    information
        Planned 1 / SE² at the end, which shares are of.
    planned
        Whether the protocol plans looks.
    scenarios : tuple of ScenarioLooks
    """

    study: str
    title: str
    protocol_hash: str
    seed: int
    trials: int
    alpha: float
    estimand: str
    question: str
    efficacy: SpendingRule
    futility: SpendingRule | None
    inflation: float
    information: float
    planned: bool
    scenarios: tuple[ScenarioLooks, ...]

    @property
    def simulated(self) -> bool:
        """Always: every trial was drawn by a program."""
        return True


def compare_looks(
    protocol: Protocol,
    looks: Sequence[float],
    trials: int = 1000,
    seed: int = 1,
    *,
    estimand: str | None = None,
    efficacy: SpendingRule | None = None,
    futility: SpendingRule | None = None,
    power: float = 0.9,
    scenarios: Sequence[str] = ("planned", "null"),
    patients: Patients = None,
    workers: int | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK,
    store: str | Path | None = None,
    cluster: str | None = None,
) -> LooksCompared:
    """Simulate a protocol's trial with interim looks at an estimand.

    This shows what looks would do, whether the protocol plans them or not; what it plans itself is
    left aside. The first active arm is compared with control, at the protocol's two-sided level;
    the planned information is the protocol's, and where it plans none the mean of 1 / SE² at the
    end of the trials of the first scenario.

    Parameters
    ----------
    looks
        Shares of the participants, ascending, below 1.
    estimand
        Key; the first in the order of testing when left out.
    efficacy
        Like O'Brien and Fleming when left out.
    futility
        None: the trial ends for efficacy alone.
    power
        Whose type-II error futility spends.
    trials, seed, scenarios, patients, workers, progress, chunk, store, cluster
        As for `operating_characteristics`.

    Raises
    ------
    EquipoiseError
        With every fault of the arguments.
    """
    names = tuple([scenarios] if isinstance(scenarios, str) else map(str, scenarios))
    own = protocol
    plan_of_looks = own.analysis.interim
    if plan_of_looks is not None or own.analysis.reestimation is not None:
        # In a trial of the planned size, which nothing else ends.
        analysis = own.analysis.model_copy(update={"interim": None, "reestimation": None})
        protocol = own.model_copy(update={"analysis": analysis})
    check_arguments(protocol, trials, seed, names, workers, chunk, patients)
    rule = efficacy or SpendingRule()
    asked = check_looking(protocol, looks, estimand, rule, futility, power)
    settings = [replace(one, looks=asked) for one in make_settings(protocol, names, None, patients)]
    how = HowToRun(workers, chunk, progress, None if store is None else Path(store), cluster)
    with TrialRun(settings, seed, patients, how) as run:
        holders = run.trials(dict.fromkeys(range(len(settings)), trials))
        columns = [_columns(run.bench, place, asked) for place in holders]
        rows = [_rows(holders[place], columns[place], trials) for place in range(len(settings))]
        alpha = protocol.analysis.alpha
        planned = (
            _planned_information(rows[0]) if plan_of_looks is None else plan_of_looks.information
        )
        plan = planned_boundaries(
            (*asked.shares, 1.0),
            alpha,
            rule.function,
            rule.parameter,
            futility=None if futility is None else futility.function,
            futility_parameter=None if futility is None else futility.parameter,
            power=power,
        )
        found = tuple(
            _scenario(
                run.bench, place, rows[place], columns[place][-1], asked, plan, planned, alpha,
                rule, futility,
            )
            for place in range(len(settings))
        )  # fmt: skip
    return LooksCompared(
        study=protocol.trial.id,
        title=protocol.trial.short_title,
        protocol_hash=own.hash,
        seed=seed,
        trials=trials,
        alpha=alpha,
        estimand=asked.estimand,
        question=protocol.estimands[asked.estimand].question,
        efficacy=rule,
        futility=futility,
        inflation=plan.inflation,
        information=planned,
        planned=plan_of_looks is not None,
        scenarios=found,
    )


def check_looking(
    protocol: Protocol,
    looks: Sequence[float],
    estimand: str | None,
    efficacy: SpendingRule,
    futility: SpendingRule | None,
    power: float,
) -> InterimLooks:
    """The looks that are asked for.

    Raises
    ------
    EquipoiseError
        With what is wrong with them.
    """
    _check_rules(efficacy, futility, power)
    asked = InterimLooks(estimand or next(iter(protocol.estimands)), tuple(map(float, looks)))
    check_looks(protocol, asked)
    return asked


def _columns(bench: Bench, place: int, asked: InterimLooks) -> list[int]:
    """Columns of the first active arm's effect at each look, and at the end."""
    work = bench.work(place)
    keys = [made.quantity.key for made in work.quantities]
    arm = work.plan.protocol.active_arms[0]
    wanted = [f"look:{k}:{asked.estimand}:{arm}" for k in range(len(asked.shares))]
    return [keys.index(key) for key in (*wanted, f"estimand:{asked.estimand}:{arm}")]


def _rows(holder: TrialHolder, columns: list[int], trials: int) -> np.ndarray:
    """(3, trials, looks) estimate, standard error, degrees of freedom."""
    import numpy as np

    blocks = list(holder.blocks(trials))
    return np.stack(
        [
            np.concatenate([getattr(block, name)[:, columns] for block in blocks])
            for name in ("estimate", "se", "df")
        ]
    )


def _planned_information(rows: np.ndarray) -> float:
    import numpy as np

    return float(np.nanmean(1.0 / rows[1][:, -1] ** 2))


def _scenario(
    bench: Bench,
    place: int,
    rows: np.ndarray,
    final: int,
    asked: InterimLooks,
    plan: PlannedBoundaries,
    planned: float,
    alpha: float,
    rule: SpendingRule,
    futility: SpendingRule | None,
) -> ScenarioLooks:
    import numpy as np

    from equipoise.stats.distributions import two_sided_t

    work, setting = bench.work(place), bench.settings[place]
    estimate, se, df = rows
    trials, looks = estimate.shape
    share = (1.0 / se**2) / planned
    p = np.full(estimate.shape, np.nan)
    known = np.isfinite(estimate) & (se > 0) & np.isfinite(df)
    p[known] = two_sided_t(estimate[known] / se[known], df[known])
    limits = _limits_of_trials(share, known, alpha, rule)
    crossed = known & (p < limits)
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), looks)
    sign = _planned_sign(bench, asked.estimand, estimate)
    futile = np.full(trials, looks)
    if plan.lower is not None:
        z = sign * np.where(known, estimate / se, np.nan)
        low = known[:, :-1] & (z[:, :-1] < np.array(plan.lower[:-1]))
        low &= np.arange(looks - 1) < first[:, None]
        futile = np.where(low.any(axis=1), low.argmax(axis=1), looks)
    size = setting.protocol.population.size
    at = [math.ceil(s * size) for s in asked.shares] + [size]
    ends = np.array([*at, size])
    stop = np.minimum(first, looks - 1)
    told: list[Look] = []
    for k in range(looks):
        information = share[known[:, k], k]
        told.append(
            Look(
                share=(*asked.shares, 1.0)[k],
                participants=at[k],
                boundary=plan.nominal[k],
                futility=None if plan.lower is None or k == looks - 1 else plan.lower[k],
                information=float(information.mean()) if len(information) else math.nan,
                information_error=float(information.std(ddof=1))
                if len(information) > 1
                else math.nan,
                efficacy=tally_of(trials, int((first == k).sum())),
                futile=None
                if plan.lower is None or k == looks - 1
                else tally_of(trials, int((futile == k).sum())),
                not_estimated=int((~known[:, k]).sum()),
            )
        )
    at_stop = estimate[np.arange(trials), stop]
    truth = true_values(work, statistical=_statistical(bench, place))[final]
    both = np.minimum(first, futile)
    return ScenarioLooks(
        scenario=setting.scenario.key,
        label=setting.scenario.label,
        looks=tuple(told),
        shown=tally_of(trials, int((first < looks).sum())),
        without=tally_of(trials, int((p[:, -1] < alpha).sum())),
        followed=None
        if futility is None
        else tally_of(trials, int(((first < looks) & (first <= futile)).sum())),
        expected=float(ends[np.minimum(first, looks)].mean()),
        expected_followed=float(ends[np.minimum(both, looks)].mean()),
        naive=float(np.nanmean(at_stop)),
        truth=float(truth),
        final=float(np.nanmean(estimate[:, -1])),
    )


def _planned_sign(bench: Bench, estimand: str, estimate: np.ndarray) -> float:
    """Which way the effect is planned to go; where the plan calls neither better, as it went."""
    import numpy as np

    [claim] = [c for c in bench.work(0).claims if c.claim.key == f"estimand:{estimand}"]
    return float(claim.direction.sign or np.sign(np.nanmean(estimate[:, -1])) or 1.0)


def _statistical(bench: Bench, place: int) -> bool:
    work = bench.work(place)
    if work.own is not None:
        return False
    if work.patients is not None:
        return work.patients == "statistical"
    return work.plan.protocol.assumptions.mechanistic is None


def _limits_of_trials(
    share: np.ndarray, known: np.ndarray, alpha: float, rule: SpendingRule
) -> np.ndarray:
    """(trials, looks) two-sided nominal p at each trial's own shares of the information.

    A look without an estimate is not taken and spends nothing. Shares are rounded to a
    thousandth, so that trials which hardly differ have the same boundaries.
    """
    import numpy as np

    from equipoise.stats.group_sequential import efficacy_boundaries

    trials, looks = share.shape
    found = np.zeros((trials, looks))
    kept: dict[tuple[float, ...], tuple[float, ...]] = {}
    for trial in range(trials):
        taken = [k for k in range(looks) if known[trial, k]]
        levels: list[float] = []
        for k in taken:
            level = round(float(share[trial, k]), 3)
            # Information that does not rise: next to none is added.
            levels.append(max(level, (levels[-1] if levels else 0.0) + 0.001))
        ended = bool(taken) and taken[-1] == looks - 1
        key = (*levels, float(ended))
        if levels and key not in kept:
            made = efficacy_boundaries(
                levels, alpha, rule.function, parameter=rule.parameter, last=ended
            )
            kept[key] = tuple(2.0 * p for p in made.nominal)
        for k, limit in zip(taken, kept.get(key, ()), strict=True):
            found[trial, k] = limit
    return found


def _check_rules(rule: SpendingRule, futility: SpendingRule | None, power: float) -> None:
    faults: list[Fault] = []
    for name, one in (("efficacy", rule), ("futility", futility)):
        if one is None:
            continue
        if one.function not in list(Spending):
            faults.append(
                Fault(
                    "spending-unknown", "", name, one.function,
                    "spending functions: " + ", ".join(Spending),
                    nearest(one.function, list(Spending)),
                )
            )  # fmt: skip
            continue
        wants = one.function in (Spending.POWER, Spending.HWANG_SHIH_DECANI)
        value = one.parameter
        bad = wants and (
            value is None or not math.isfinite(value)
            or (one.function == Spending.POWER and value <= 0)
        )  # fmt: skip
        if bad or (not wants and value is not None):
            faults.append(
                Fault(
                    "spending-parameter", "", name, "" if value is None else f"{value:g}",
                    "power has a parameter above 0, hwang-shih-decani any number, the others none",
                    "write for example hwang-shih-decani:-4",
                )
            )  # fmt: skip
    if not 0.0 < power < 1.0:
        faults.append(
            Fault(
                "power-invalid", "", "power", str(power),
                "a power lies above 0 and below 1: no trial is certain", "ask for example for 0.9",
            )
        )  # fmt: skip
    if faults:
        raise EquipoiseError("No looks are taken", faults)
