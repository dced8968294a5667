"""Methods of randomisation side by side: what can be foretold, how balanced, with what power.

Every method runs the protocol's own trial: the same people enrol, the same course follows an arm.
The power is that of the estimand's model, and that of the re-randomisation test which draws the
lists again as the method drew them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise._version import __version__
from equipoise.design.allocation_measures import AllocationAsked
from equipoise.design.characteristics import Tally, tally_of
from equipoise.design.operating import check_arguments, kind_of_patients
from equipoise.design.planned_analysis import plan_analysis
from equipoise.design.runner import CHUNK, HowToRun, Progress, TrialRun
from equipoise.design.settings import make_settings
from equipoise.faults import EquipoiseError, Fault, nearest
from equipoise.protocol.plan import AllocationMethod

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.design.settings import Setting
    from equipoise.protocol import Protocol
    from equipoise.protocol.changes import Value

FIELD = "randomisation.method"

#: Lists drawn again for each test: ten p-values are at most 5 %.
DRAWS = 199

#: With fewer no p-value is at most 5 %.
_FEWEST_DRAWS = 19

#: Methods in the order in which they are shown, from free to restricted.
METHODS = tuple(
    method.value
    for method in (
        AllocationMethod.SIMPLE,
        AllocationMethod.URN,
        AllocationMethod.BIASED_COIN,
        AllocationMethod.MINIMISATION,
        AllocationMethod.PERMUTED_BLOCKS,
    )
)


@dataclass(frozen=True, slots=True)
class Imbalance:
    """How far the arms are from their ratio at the end, in participants.

    Attributes
    ----------
    label
        Of the whole trial, or of the worst level of a covariate.
    mean, high
        Mean over trials, and the 95th percentile.
    """

    label: str
    mean: float
    high: float


@dataclass(frozen=True, slots=True)
class MethodPower:
    """What a method's trials show of the first active arm in a scenario.

    Attributes
    ----------
    scenario, label
    model
        Trials in which the model's p is at most the level.
    redrawn
        The same of the re-randomisation test.
    se
        Mean standard error of the model's estimate, and its Monte-Carlo error.
    """

    scenario: str
    label: str
    model: Tally
    redrawn: Tally
    se: float
    se_error: float


@dataclass(frozen=True, slots=True)
class MethodCompared:
    """One method.

    Attributes
    ----------
    method
    described
        The allocation in words, as the analysis says it.
    own
        Whether it is the protocol's.
    guessed, guessed_error
        Mean share of allocations that the best guess gets right, knowing the scheme and every arm
        before; its Monte-Carlo error.
    certain
        Mean share of allocations that are certain beforehand, knowing the same.
    imbalance : tuple of Imbalance
    power : tuple of MethodPower
        Of each scenario.
    """

    method: str
    described: str
    own: bool
    guessed: float
    guessed_error: float
    certain: float
    imbalance: tuple[Imbalance, ...]
    power: tuple[MethodPower, ...]


@dataclass(frozen=True, slots=True)
class RandomisationCompared:
    """Methods of randomisation for a protocol's trial.

    Attributes
    ----------
    study, title, protocol_hash, seed, software, patients, trials, alpha
        As of `DesignMap`.
    estimand, question
        Key and words.
    draws
        Lists drawn again for each test.
    chance
        Share of allocations that the best guess gets right without knowing anything but the ratio.
    methods : tuple of MethodCompared
    """

    study: str
    title: str
    protocol_hash: str
    seed: int
    software: str
    patients: str
    trials: int
    alpha: float
    estimand: str
    question: str
    draws: int
    chance: float
    methods: tuple[MethodCompared, ...]

    @property
    def simulated(self) -> bool:
        """Always: every trial was drawn by a program."""
        return True

    @property
    def table(self) -> pl.DataFrame:
        """One row a method and scenario."""
        import polars as pl

        rows: list[dict[str, object]] = []
        for one in self.methods:
            for power in one.power:
                row: dict[str, object] = {
                    "method": one.method,
                    "own": one.own,
                    "scenario": power.scenario,
                    "guessed": one.guessed,
                    "guessed_error": one.guessed_error,
                    "certain": one.certain,
                    "imbalance": one.imbalance[0].mean,
                    "imbalance_high": one.imbalance[0].high,
                    "imbalance_worst_level": max(
                        (part.mean for part in one.imbalance[1:]), default=None
                    ),
                    "se": power.se,
                    "se_error": power.se_error,
                }
                for name, tally in (("model", power.model), ("redrawn", power.redrawn)):
                    row |= {
                        name: tally.proportion,
                        f"{name}_lower": tally.lower,
                        f"{name}_upper": tally.upper,
                        f"{name}_not_judged": tally.not_judged,
                    }
                rows.append(row)
        return pl.DataFrame(rows, infer_schema_length=None)


def compare_randomisation(
    protocol: Protocol,
    trials: int = 400,
    seed: int = 1,
    *,
    methods: Sequence[str] = METHODS,
    estimand: str | None = None,
    draws: int = DRAWS,
    scenarios: Sequence[str] = ("planned", "null"),
    patients: str | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    chunk: int = CHUNK,
    store: str | Path | None = None,
    cluster: str | None = None,
) -> RandomisationCompared:
    """Run a protocol's trial under several methods of randomisation.

    What a method needs besides comes with it (`change_protocol`): blocks of twice the ratio, a
    coin of 0.8, an urn that starts empty; the protocol's own method keeps its own.

    Parameters
    ----------
    methods
        Of ``simple`` (complete randomisation), ``permuted-blocks``, ``biased-coin``, ``urn`` and
        ``minimisation``. Minimisation needs `randomisation.strata`: it is left out without them
        where it is not asked for alone.
    estimand
        Key of a mean by a mixed model; the first in the order of testing when left out.
    draws
        Lists drawn again for the test of each trial, at least 19.
    trials, seed, scenarios, patients, workers, progress, chunk, store, cluster
        As for `operating_characteristics`.

    Raises
    ------
    EquipoiseError
        With every fault of the arguments.
    """
    names = tuple([scenarios] if isinstance(scenarios, str) else map(str, scenarios))
    if callable(patients):
        raise TypeError("patients: methods of randomisation are compared with virtual patients")
    # In trials of the planned size, which nothing else ends.
    alone = {"interim": None, "reestimation": None}
    analysis = protocol.analysis.model_copy(update=alone)
    if analysis != protocol.analysis:
        protocol = protocol.model_copy(update={"analysis": analysis})
    check_arguments(protocol, trials, seed, names, workers, chunk, patients)
    wanted = tuple([methods] if isinstance(methods, str) else map(str, methods))
    if wanted == METHODS and not protocol.randomisation.strata:
        wanted = tuple(method for method in METHODS if method != AllocationMethod.MINIMISATION)
    asked = check_comparison(protocol, wanted, estimand, draws)
    grid: dict[str, Sequence[Value]] = {FIELD: wanted}
    settings = [
        replace(one, allocation=asked) for one in make_settings(protocol, names, grid, patients)
    ]
    how = HowToRun(workers, chunk, progress, None if store is None else Path(store), cluster)
    with TrialRun(settings, seed, patients, how) as run:
        holders = run.trials(dict.fromkeys(range(len(settings)), trials))
        found: list[MethodCompared] = []
        for method in wanted:
            places = [k for k, one in enumerate(settings) if one.values[FIELD] == method]
            rows = [_Rows(run, place, holders[place].blocks(trials)) for place in places]
            found.append(_method(protocol, [settings[k] for k in places], rows, asked, trials))
        kind = next(holders[0].blocks(trials)).patients
    ratio = [arm.ratio for arm in protocol.arms.values()]
    return RandomisationCompared(
        study=protocol.trial.id,
        title=protocol.trial.short_title,
        protocol_hash=protocol.hash,
        seed=seed,
        software=__version__,
        patients=kind_of_patients(protocol, kind),
        trials=trials,
        alpha=protocol.analysis.alpha,
        estimand=asked.estimand,
        question=protocol.estimands[asked.estimand].question,
        draws=draws,
        chance=max(ratio) / sum(ratio),
        methods=tuple(found),
    )


def check_comparison(
    protocol: Protocol, methods: Sequence[str], estimand: str | None, draws: int
) -> AllocationAsked:
    """What is asked of the allocation.

    Raises
    ------
    EquipoiseError
        With every fault of it.
    """
    faults: list[Fault] = []
    known = list(METHODS)
    for method in dict.fromkeys(methods):
        if method not in known:
            faults.append(
                Fault(
                    "method-unknown", "", "method", method, "methods: " + ", ".join(known),
                    nearest(method, known),
                )
            )  # fmt: skip
    key = estimand or next(iter(protocol.estimands))
    plan = plan_analysis(protocol)
    means = [
        name
        for name, one in protocol.estimands.items()
        if name not in dict(plan.by_records) and protocol.endpoints[one.endpoint].scale.continuous
    ]
    if key not in means:
        faults.append(
            Fault(
                "comparison-estimand", "", "estimand", key,
                "methods of randomisation are compared at a mean by a mixed model, of everybody",
                nearest(key, means) if means else "add such an estimand",
            )
        )  # fmt: skip
    if isinstance(draws, bool) or not isinstance(draws, int) or draws < _FEWEST_DRAWS:
        faults.append(
            Fault(
                "comparison-draws", "", "draws", str(draws),
                f"a whole number of at least {_FEWEST_DRAWS}: with fewer no p-value is below 5 %",
                "leave it out for 199",
            )
        )  # fmt: skip
    if faults:
        raise EquipoiseError("Methods of randomisation are not compared", faults)
    return AllocationAsked(key, draws)


class _Rows:
    """Estimates, standard errors and degrees of freedom of a setting's trials, by quantity."""

    def __init__(self, run: TrialRun, place: int, blocks: object) -> None:
        import numpy as np

        rows = list(blocks)  # type: ignore[call-overload]
        keys = [made.quantity.key for made in run.bench.work(place).quantities]
        self._at = {key: column for column, key in enumerate(keys)}
        self._parts = {
            name: np.concatenate([getattr(block, name) for block in rows])
            for name in ("estimate", "se", "df")
        }

    def get(self, key: str, part: str = "estimate") -> np.ndarray:
        """(trials,)."""
        values: np.ndarray = self._parts[part][:, self._at[key]]
        return values


def _method(
    protocol: Protocol,
    settings: Sequence[Setting],
    rows: Sequence[_Rows],
    asked: AllocationAsked,
    trials: int,
) -> MethodCompared:
    import numpy as np

    from equipoise.analysis.planned import allocation_in_words

    changed = settings[0].protocol
    first = rows[0]
    guessed = first.get("allocation:guessed")
    labels = {"imbalance": "whole trial"} | {
        f"imbalance:{name}": protocol.population.covariates[name].label.lower()
        for name in protocol.randomisation.strata
    }
    imbalance = []
    for key, label in labels.items():
        values = first.get(f"allocation:{key}")
        high = float(np.quantile(values, 0.95, method="inverted_cdf"))
        imbalance.append(Imbalance(label, float(values.mean()), high))
    power = tuple(
        _power(one, part, asked, protocol.analysis.alpha, trials)
        for one, part in zip(settings, rows, strict=True)
    )
    return MethodCompared(
        method=changed.randomisation.method.value,
        described=allocation_in_words(changed),
        own=changed.hash == protocol.hash,
        guessed=float(guessed.mean()),
        guessed_error=float(guessed.std()) / trials**0.5,
        certain=float(first.get("allocation:certain").mean()),
        imbalance=tuple(imbalance),
        power=power,
    )


def _power(
    setting: Setting, rows: _Rows, asked: AllocationAsked, alpha: float, trials: int
) -> MethodPower:
    import numpy as np
    from scipy.special import stdtr

    arm = setting.protocol.active_arms[0]
    key = f"estimand:{asked.estimand}:{arm}"
    estimate, se, df = (rows.get(key, part) for part in ("estimate", "se", "df"))
    p = 2.0 * stdtr(df, -np.abs(estimate / se))
    redrawn = rows.get(f"allocation:redrawn:{arm}")
    tallies = [
        tally_of(trials, int((values <= alpha).sum()), int(np.isnan(values).sum()))
        for values in (p, redrawn)
    ]
    known = se[np.isfinite(se)]
    return MethodPower(
        setting.scenario.key,
        setting.scenario.label,
        tallies[0],
        tallies[1],
        float(known.mean()) if len(known) else float("nan"),
        float(known.std()) / max(1, len(known)) ** 0.5 if len(known) else float("nan"),
    )
