"""Simulated power and level beside closed forms, through `operating_characteristics` alone.

A log-normal value gives exact normal theory on its logarithm: the t-test of changes and the
analysis of covariance have a closed form at any size, the mixed model one for known covariance.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from scipy.special import stdtr

import equipoise as eq
from equipoise.protocol.changes import change_protocol
from equipoise.stats import clopper_pearson
from equipoise.stats.power import ancova_power, mmrm_power, two_sample_t_power

TRIAL = Path(__file__).with_name("closed_form_trial.toml")

LEVEL = 0.05

#: SD of the logarithm between people, and of one measurement: from their CVs.
BETWEEN, WITHIN = (math.sqrt(math.log1p(cv**2)) for cv in (0.8, 0.5))

#: Test → formula of the model, visits of the value.
TESTS = {
    "t": ("log_fold ~ arm", '["baseline", "week8"]'),
    "ancova": ("log_fold ~ log_baseline + arm", '["baseline", "week8"]'),
    "mmrm": (
        "log_fold ~ log_baseline*visit + arm*visit",
        '["baseline", "week2", "week4", "week8"]',
    ),
}

NAMES = {
    "t": "two-sample t of changes",
    "ancova": "analysis of covariance",
    "mmrm": "mixed model, 20 % lost by the end",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A trial of n participants, `ratio` on the drug for each on placebo; the drug's fold."""

    test: str
    n: int
    ratio: int
    fold: float
    trials: int

    @property
    def lost(self) -> float:
        """Share that leaves before the end, at random."""
        return 0.2 if self.test == "mmrm" else 0.0

    @property
    def sizes(self) -> tuple[int, int]:
        """Placebo and drug."""
        return self.n // (1 + self.ratio), self.n - self.n // (1 + self.ratio)


@dataclass(frozen=True, slots=True)
class Found:
    """Shares of trials with p at most 5 %, and what the formula says."""

    case: Case
    simulated: float
    lower: float
    upper: float
    formula: float

    @property
    def held(self) -> bool:
        """Whether the formula lies within the exact 99.9 % limits of the simulation."""
        return self.lower <= self.formula <= self.upper


@cache
def protocol_of(case: Case, folder: Path) -> eq.Protocol:
    """The trial of a case."""
    formula, visits = TESTS[case.test]
    text = TRIAL.read_text(encoding="utf-8")
    for name, value in (("VISITS", visits), ("FORMULA", formula), ("FOLD", f"{case.fold:.8f}"),
                        ("LOST", str(case.lost))):  # fmt: skip
        text = text.replace(name, value)
    if case.test != "mmrm":  # a fold for visits at which nothing is measured is refused
        for arm in ("placebo = { ", "active = { "):
            at = text.index("fold]") + text[text.index("fold]") :].index(arm) + len(arm)
            text = text[:at] + text[text.index("week8", at) :]
    path = folder / f"{case.test}.toml"
    path.write_text(text, encoding="utf-8")
    values = {"population.size": case.n, "arms.active.ratio": case.ratio}
    return change_protocol(eq.load_protocol(path), values).protocol


def closed_form(case: Case) -> float:
    """Power of the two-sided test at 5 %."""
    effect = math.log(case.fold)
    total = BETWEEN**2 + WITHIN**2
    if case.test == "t":
        return two_sample_t_power(effect, math.sqrt(2.0) * WITHIN, case.sizes)
    if case.test == "ancova":
        rho = BETWEEN**2 / total
        return ancova_power(effect, math.sqrt(total), case.sizes, correlation=rho)
    given = BETWEEN**2 - BETWEEN**4 / total  # between people, given the baseline
    covariance = given * np.ones((3, 3)) + WITHIN**2 * np.eye(3)
    kept = (1.0 - case.lost) ** (1.0 / 3.0)
    seen = [kept, kept**2, kept**3]
    return mmrm_power(effect, covariance, case.sizes, (seen, seen))


def study(case: Case, folder: Path, workers: int | None = None) -> Found:
    """One row."""
    found = eq.operating_characteristics(
        protocol_of(case, folder), case.trials, 1, scenarios=["planned"],
        patients="statistical", workers=workers,
    )  # fmt: skip
    place = [one.key for one in found.quantities].index("estimand:week8:active")
    estimate, se, df = (part[0, :, place] for part in (found.estimate, found.se, found.df))
    p = 2.0 * stdtr(df, -np.abs(estimate / se))
    made = int((p <= LEVEL).sum())
    lower, upper = clopper_pearson(made, case.trials, 0.001)
    return Found(case, made / case.trials, lower, upper, closed_form(case))


def null_cases(trials: int) -> list[Case]:
    """No effect: two exact tests, and the mixed model at a small size."""
    return [Case(test, 36, 2, 1.0, trials) for test in TESTS]


def power_cases(trials: int) -> list[Case]:
    """An effect; the fold is the weaker, the larger the trial."""
    sizes = ((12, 1, 0.4), (36, 2, 0.6), (198, 1, 0.8))
    found = [Case(test, *size, trials) for test in ("t", "ancova") for size in sizes]
    return found + [
        Case("mmrm", n, 1, fold, trials) for n, fold in ((36, 0.6), (198, 0.8), (1002, 0.9))
    ]


@dataclass(frozen=True, slots=True)
class Redrawn:
    """Shares of trials without effect that a re-randomisation test rejects at 5 %."""

    method: str
    trials: int
    rejected: float
    lower: float
    upper: float


def redrawn_level(folder: Path, methods: tuple[str, ...], trials: int) -> list[Redrawn]:
    """The test that draws as the method draws, 199 times, in 24 people at 2 : 1."""
    from equipoise.design import compare_randomisation

    protocol = protocol_of(Case("ancova", 24, 2, 1.0, trials), folder)
    found = compare_randomisation(
        protocol, trials, 1, methods=methods, scenarios=["planned"], patients="statistical"
    )
    return [
        Redrawn(
            one.method,
            trials,
            one.power[0].redrawn.proportion,
            *clopper_pearson(one.power[0].redrawn.made, trials, 0.001),
        )
        for one in found.methods
    ]


def page(rows: list[Found], redrawn: list[Redrawn]) -> str:
    """The page of the documentation."""
    lines = [
        "# Simulated power beside closed forms",
        "",
        "**SIMULATED.** Written by `make validate` (`tests/validate/power_study.py`); every figure "
        "goes through `equipoise.operating_characteristics`, with the limits of its own trials "
        "(99.9 %, exact). A log-normal laboratory value at CVs of 80 % between people and 50 % "
        "within makes the t-test of changes and the analysis of covariance exact on the logarithm "
        "at any size ([closed forms](../methods/power.md)); the mixed model's formula (Lu, Luo and "
        "Chen) takes its covariance as known, and is a limit.",
        "",
        "## Level without an effect",
        "",
        "| test | placebo : drug | trials | rejected | 99.9 % limits | formula |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(one) for one in rows if one.case.fold == 1.0]
    lines += [
        "",
        "The first two are exact. The mixed model with Kenward–Roger is held to 4.5 to 5.5 %.",
        "",
        "| re-randomisation test of 24 people, 199 draws | trials | rejected | 99.9 % limits |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {one.method.replace('-', ' ')} | {one.trials:,} | {100 * one.rejected:.2f} % | "
        f"{100 * one.lower:.2f} to {100 * one.upper:.2f} % |"
        for one in redrawn
    ]
    lines += [
        "",
        "## Power",
        "",
        "| test | placebo : drug | trials | simulated | 99.9 % limits | formula |",
        "|---|---|---|---|---|---|",
    ]
    lines += [_row(one) for one in rows if one.case.fold != 1.0]
    gaps = [one for one in rows if one.case.test == "mmrm" and one.case.fold != 1.0]
    said = "; ".join(
        f"{100 * (one.formula - one.simulated):.1f} points at {sum(one.case.sizes)}" for one in gaps
    )
    lines += [
        "",
        f"The formula of the mixed model promises more than a trial has: {said}. It knows the "
        "covariance and has no degrees of freedom.",
    ]
    return "\n".join(lines) + "\n"


def _row(one: Found) -> str:
    first, second = one.case.sizes
    return (
        f"| {NAMES[one.case.test]} | {first} : {second} | {one.case.trials:,} | "
        f"{100 * one.simulated:.2f} % | {100 * one.lower:.2f} to {100 * one.upper:.2f} % | "
        f"{100 * one.formula:.2f} % |"
    )
