"""What a trial gains or loses that goes on with some people only: many simulated trials.

A rule at baseline: people are screened in the order in which they come, those who are not kept are
not randomised, and enrolment goes on until the planned number is. A rule at the early visit:
everybody is randomised, and who is not kept gets no more study drug. All of it is a consequence of
the protocol's assumptions. Method: docs/methods/enrichment.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.design.enriched_trial import TrialOutcome, enlarged, enrol_kept, outcome_of
from equipoise.design.enrichment_results import EnrichmentComparison, summarise
from equipoise.design.trial_markers import markers_of_trial
from equipoise.faults import EquipoiseError, Fault, single

if TYPE_CHECKING:
    import numpy as np

    from equipoise.analysis.prediction.marker_table import MarkerTable
    from equipoise.analysis.stratification.enrichment_rule import EnrichmentRule
    from equipoise.protocol import Protocol
    from equipoise.protocol.prediction_plan import PredictionPlan
    from equipoise.simulation import TrialArrays

_HEADING = "Rules of enrichment are not compared"

#: Most people screened for each who is planned.
_MOST_SCREENED = 8


@dataclass(frozen=True, slots=True)
class Kept:
    """Who of a trial a rule keeps.

    Attributes
    ----------
    kept
        (n,) True or False, in the order of enrolment.
    measure
        (n,) the number that the rule looks at; NaN: not known, and then not kept.
    """

    kept: np.ndarray
    measure: np.ndarray

    @property
    def share(self) -> float:
        """Share of those that are kept."""
        return float(self.kept.mean())


def enrich(trial: TrialArrays, rule: EnrichmentRule) -> Kept:
    """Apply a rule to a simulated trial.

    Raises
    ------
    EquipoiseError
        When the protocol plans no `analysis.prediction`, or the rule does not fit the trial.
    """
    protocol = trial.plan.protocol
    table = _table(protocol, trial)
    _refuse_rules(table, [rule])
    return Kept(rule.kept(table), rule.measure.of(table))


def compare_enrichment(
    protocol: Protocol,
    rules: Sequence[EnrichmentRule],
    trials: int = 200,
    seed: int = 1,
    *,
    scenario: str = "planned",
    patients: str | None = None,
    progress: Callable[[int, int], object] | None = None,
) -> EnrichmentComparison:
    """Simulate a protocol's trial under rules of enrichment, and without any.

    What comes out is a consequence of the protocol's assumptions, never evidence.

    Parameters
    ----------
    protocol
        With `analysis.prediction`, assumptions for simulation, and a control arm.
    rules
        At baseline or at the early visit, at one threshold each (`rules_on_grid`).
    trials
        At least 2. Trial k has the streams of (seed, k), whatever the rules: they are compared
        on the same people.
    scenario
        ``planned``, ``link-off`` or ``null``.
    patients
        ``mechanistic`` or ``statistical``; left out, mechanistic where the protocol says how.
        A rule at the early visit needs mechanistic patients: their course follows the doses.
    progress
        Called with trials done and trials in all.

    Raises
    ------
    EquipoiseError
        With every fault of the arguments.
    """
    import numpy as np

    from equipoise.simulation.array_trial import refuse_bad_input, simulate_arrays

    refuse_bad_input(protocol, seed, scenario, patients)
    plan = _planned(protocol)
    rules = tuple(dict.fromkeys(rules))
    first = simulate_arrays(protocol, seed, scenario=scenario, patients=patients)
    faults: list[Fault] = []
    if trials < 2:
        faults.append(
            Fault("enrichment-trials", "", "trials", str(trials), "at least 2 trials",
                  "200 give a first look, 1000 a table")
        )  # fmt: skip
    if str(first.patients) != "mechanistic" and any(rule.when == "early" for rule in rules):
        faults.append(
            Fault(
                "enrichment-needs-doses",
                "",
                "patients",
                str(first.patients),
                "stopping study drug changes the course of mechanistic patients alone: that of "
                "statistical ones follows the arm and not the doses",
                "take mechanistic patients, or a rule at baseline",
            )
        )
    faults += _faults_of_rules(_table(protocol, first), rules)
    if faults:
        raise EquipoiseError(_HEADING, faults)
    pool_of = enlarged(protocol, _MOST_SCREENED if any(r.when == "baseline" for r in rules) else 1)
    stop_day = protocol.visit(plan.early_visit).day
    collected: dict[EnrichmentRule | None, list[TrialOutcome]] = {r: [] for r in (None, *rules)}
    for trial in range(trials):
        pool = simulate_arrays(pool_of, seed, scenario=scenario, trial=trial, patients=patients)
        table = _table(protocol, pool)
        anybody = np.ones(pool.size, dtype=bool)
        all_in = enrol_kept(protocol, pool, anybody, seed, trial)
        collected[None].append(outcome_of(pool, table, anybody, all_in, early=False))
        for rule in rules:
            kept = rule.kept(table)
            if rule.when == "baseline":
                entered = enrol_kept(protocol, pool, kept, seed, trial)
                collected[rule].append(outcome_of(pool, table, kept, entered, early=False))
                continue
            after = simulate_arrays(
                pool_of, seed, scenario=scenario, trial=trial, patients=patients,
                dosed_until=np.where(kept, np.inf, stop_day),
            )  # fmt: skip
            seen = _table(protocol, after)
            collected[rule].append(outcome_of(after, seen, kept, all_in, early=True))
        if progress is not None:
            progress(trial + 1, trials)
    rows = summarise(protocol, collected)
    from equipoise._version import __version__

    return EnrichmentComparison(
        study=protocol.trial.id,
        protocol_hash=protocol.hash,
        scenario=scenario,
        patients=str(first.patients),
        trials=trials,
        seed=seed,
        software=f"equipoise {__version__}",
        outcome=protocol.endpoints[plan.outcome].label,
        unit=protocol.unit_of(plan.outcome),
        landmark=protocol.visit(plan.landmark).label,
        early_visit=protocol.visit(plan.early_visit).label,
        rows=rows,
        notes=_notes(rules),
    )


def _planned(protocol: Protocol) -> PredictionPlan:
    plan = protocol.analysis.prediction
    if plan is None or protocol.single_arm:
        what = "a control arm" if plan is not None else "an early visit, markers and an outcome"
        raise single(
            _HEADING,
            code="enrichment-not-planned",
            field="trial.design" if plan is not None else "analysis.prediction",
            rule=f"rules of enrichment need {what}",
            remedy="take a protocol that has them; `il2-depression` is an example",
        )
    return plan


def _table(protocol: Protocol, trial: TrialArrays) -> MarkerTable:
    """The markers of a trial, with the protocol that was asked for."""
    return markers_of_trial(protocol, trial, _planned(protocol))


def _faults_of_rules(table: MarkerTable, rules: Sequence[EnrichmentRule]) -> list[Fault]:
    if not rules:
        return [
            Fault("enrichment-no-rules", "", "rules", "", "at least one rule is compared",
                  "give an EnrichmentRule, or a grid of them")
        ]  # fmt: skip
    return list(dict.fromkeys(fault for rule in rules for fault in rule.faults(table)))


def _refuse_rules(table: MarkerTable, rules: Sequence[EnrichmentRule]) -> None:
    faults = _faults_of_rules(table, rules)
    if faults:
        raise EquipoiseError(_HEADING, faults)


def _notes(rules: Sequence[EnrichmentRule]) -> tuple[str, ...]:
    found = ["SIMULATED: a consequence of the protocol's assumptions, not evidence."]
    if any(rule.when == "early" for rule in rules):
        found.append(
            "After a rule at the early visit only the comparison of everybody as randomised is "
            "protected by randomisation: the early change is itself an effect of treatment."
        )
    learned = list(dict.fromkeys(rule.measure.learned for rule in rules if rule.measure.learned))
    found += [f"The rule was learned: {text}." for text in learned]
    return tuple(found)
