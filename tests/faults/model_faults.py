"""What the statistical methods refuse: every message of `stats`, provoked.

A fault of a method has no code; it is known by what it says is wrong. To add one, add a line to
CALLS. The sites in the source are found by their text, so that none can be forgotten.
"""

from __future__ import annotations

import ast
import dataclasses
import re
from collections.abc import Callable
from unittest import mock

import numpy as np
import pandas as pd
import polars as pl
from tests.conftest import ROOT
from tests.faults.early_change_faults import EARLY_CHANGE_CALLS, EARLY_CHANGE_ELSEWHERE
from tests.faults.imputation_faults import IMPUTATION_CALLS

from equipoise import stats
from equipoise.stats import StatsError
from equipoise.stats.design_grid import design_plan
from equipoise.stats.early_change import associate, landmark_data, permute_residuals
from equipoise.stats.group_sequential import (
    crossing_probabilities,
    efficacy_boundaries,
    futility_boundaries,
    inflation,
    spent,
    stagewise_inference,
)
from equipoise.stats.multivariate_t import maximum_t
from equipoise.stats.participant_arrays import flag_row
from equipoise.stats.stopping import stopping_boundary, stopping_characteristics

STATS = ROOT / "src" / "equipoise" / "stats"
ERRORS = {"StatsError", "ArgumentError", "FormulaError", "DesignError", "ConvergenceError"}

#: Said by a site, and provoked elsewhere: what it says → where, and why not on the page.
ELSEWHERE = {
    "the fit did not converge: …": "tests/stats/test_mmrm_refusals.py; its numbers differ by machine",
    "the model cannot be fitted to these data: …": "tests/stats/test_mmrm_refusals.py: a list",
    "the column … is a linear combination of the columns before it, to rounding": (
        "tests/stats/test_compressed_rows.py; rounding decides which message is said"
    ),
    "the iterated weights did not settle": "tests/stats/test_stratified_risk_difference.py; a guard",
    **EARLY_CHANGE_ELSEWHERE,
}


def trial(n: int = 12, visits: int = 3) -> pl.DataFrame:
    """A small trial; its values stand in no message."""
    noise = np.random.default_rng(1).normal(size=(n, visits))
    rows = [
        {"id": f"P{i:02d}", "week": f"W{j}", "arm": ("control", "drug")[i % 2],
         "age": 40.0 + (7 * i) % 11, "dose": 0.5 + (3 * i + j) % 4,
         "y": 10.0 - j + noise[i, 0] + noise[i, j]}
        for i in range(n) for j in range(visits)
    ]  # fmt: skip
    return pl.DataFrame(rows)


def fit(data=None, formula="y ~ age + arm*week", **options):
    data = trial() if data is None else data
    return stats.mmrm(
        formula, data, **{"df": "satterthwaite", "subject": "id", "visit": "week", **options}
    )


def odd(column, value, rows=1):
    """The trial with some values of a column replaced."""
    return trial().with_columns(
        pl.when(pl.int_range(pl.len()) < rows).then(value).otherwise(pl.col(column)).alias(column)
    )


def lists():
    return trial().with_columns(pl.concat_list("age").alias("age"))


def twice():
    frame = pd.DataFrame({name: trial()[name].to_list() for name in trial().columns})
    return pd.concat([frame, frame[["y"]]], axis=1)


def apart():
    late = pl.int_range(pl.len()) // 3 >= 6
    return trial().filter(
        ((pl.col("week") != "W0") & late) | ((pl.col("week") != "W2") & late.not_())
    )


def flat():
    return trial().with_columns(
        pl.when(pl.col("week") == "W1").then(5.0).otherwise(pl.col("y")).alias("y")
    )


def late_drug():
    return (pl.col("week") == "W2") & (pl.col("arm") == "drug")


def nested():
    """No row of the control arm at W2, and no interaction in the model."""
    gone = (pl.col("week") == "W2") & (pl.col("arm") == "control")
    return fit(trial().filter(gone.not_()), "y ~ arm + week")


WEIGHTS = [0.5, 0.5]
EVEN = [[0.0, 1.0], [1.0, 0.0]]
TIMES = ([1.0, 2.0, 3.0, 4.0], [True, False, True, True])
ARMS = [True, True, False, False]
APART = ["a", "a", "b", "b"]


#: Part of the page → calls, each of which is refused.
def contrast(data=None, formula="y ~ age + arm*week", **options):
    wanted = {"subject": "id", "visit": "week", "arm": "arm", "level": "drug"}
    wanted |= {"reference": "control", "at": {"week": "W2"}, **options}
    return stats.arm_contrast(formula, trial() if data is None else data, **wanted)


def redrawn(allocations=None, data=None, **options):
    made = contrast(data)
    given = made.observed[None] if allocations is None else allocations
    return stats.rerandomisation_test(made, given, **{"interval": False, **options})


def third_arm():
    late = pl.int_range(pl.len()) // 3 >= 9
    return trial().with_columns(pl.when(late).then(pl.lit("low")).otherwise("arm").alias("arm"))


def batch(responses=None, covariates=None, contrasts=0, **options):
    y = np.random.default_rng(2).normal(size=(2, 9, 3)) if responses is None else responses
    z = np.ones((9, 1)) if covariates is None else covariates
    return stats.mmrm_batch(y, z, contrasts, **options)


def holes(value):
    z = np.ones((9, 2))
    z[4, 1] = value
    return z


def predicted(change=None, formula="y ~ age + arm*week", **options):
    made = fit(formula=formula, **options)
    return made.predict(trial() if change is None else change)


def alone():
    """Only one participant has the third arm."""
    return trial().with_columns(
        pl.when(pl.col("id") == "P00").then(pl.lit("low")).otherwise("arm").alias("arm")
    )


def weighed():
    return trial().with_columns(pl.lit(2.0).alias("w"))


def _pairs(trials: int = 1):
    outcome, early = np.random.default_rng(1).standard_normal((2, trials, 12))
    return landmark_data(outcome, early, [], np.arange(12) % 2)


CALLS: dict[str, list[Callable[[], object]]] = {
    **EARLY_CHANGE_CALLS,
    "Batches of trials": [
        lambda: batch(np.zeros((3, 4))),
        lambda: batch("a"),
        lambda: batch(np.full((2, 9, 3), np.inf)),
        lambda: batch(np.zeros((1, 3, 41))),
        lambda: batch(covariates=np.ones((8, 1))),
        lambda: batch(covariates=holes(np.nan)),
        lambda: batch(crossed=[True, False]),
        lambda: batch(contrasts=1),
        lambda: batch(contrasts=np.ones((1, 2))),
        lambda: batch(df="between-within"),
        lambda: batch(covariance="sp_exp"),
        lambda: batch(covariance="sp_exp", coordinates=[0.0, 1.0]),
        lambda: batch(covariance="sp_exp", coordinates=[0.0, 1.0, 1.0]),
        lambda: batch(method="ml", df="kenward-roger"),
        lambda: batch(group=[-1] * 9),
        lambda: batch(threads=0),
    ],
    "Empirical covariance and between-within": [
        lambda: fit(vcov="cr2", df="kenward-roger"),
        lambda: fit(alone(), vcov="cr3"),
        lambda: fit(
            formula="y ~ id_ + week",
            data=trial().with_columns(id_=pl.col("id")),
            covariance="ar1",
            vcov="cr0",
        ),
        lambda: fit(trial(4), "y ~ age*arm + week", covariance="ar1", df="between-within"),
    ],
    "After the fit": [
        lambda: predicted(trial().head(0)),
        lambda: fit(odd("y", None), "y ~ dose + week").predict(),
        lambda: predicted(odd("arm", pl.lit("low"), 3)),
        lambda: predicted(trial().with_columns(pl.lit("old").alias("age"))),
        lambda: predicted(
            weighed().with_columns(pl.lit(0.0).alias("w")), data=weighed(), weights="w"
        ),
        lambda: predicted(odd("arm", pl.lit("drug")), "y ~ age + week", group="arm"),
        lambda: predicted(odd("age", 900.0, 3), "y ~ bs(age, df=4) + week"),
        lambda: fit().simulate(seed=-1),
    ],
    "Re-randomisation": [
        lambda: contrast(arm="age"),
        lambda: contrast(level="low"),
        lambda: contrast(level="control"),
        lambda: contrast(covariance=[]),
        lambda: contrast(at={"age": [40.0, 41.0]}),
        lambda: contrast(odd("arm", pl.lit("drug"))),
        lambda: redrawn(alpha=1.0),
        lambda: stats.rerandomisation_test(fit(), [[0]]),  # pyright: ignore[reportArgumentType]
        lambda: redrawn([[0, 1]]),
        lambda: redrawn([["low"] * 12]),
        lambda: redrawn(probabilities=[1.0]),
        lambda: redrawn(exact=True, probabilities=[0.5]),
        lambda: redrawn([[0, 1, 1] * 4], exact=True),
        lambda: redrawn(data=third_arm(), interval=True),
        lambda: stats.permuted_allocations([]),
        lambda: stats.permuted_allocations([0, 1] * 20),
        lambda: contrast(group="arm").effect(
            contrast().ladder[0], np.zeros(12, dtype=np.int64), trial()["y"].to_numpy()
        ),
    ],
    "Formulas": [
        lambda: stats.check_formula(3, ["y"]),  # pyright: ignore[reportArgumentType]
        lambda: stats.check_formula("y ~ " + "a+" * 3000 + "a", ["y", "a"]),
        lambda: stats.check_formula("ｙ ~ a", ["y", "a"]),
        lambda: stats.check_formula("y ~ agge", ["y", "age"]),
    ],
    "Data of a mixed model": [
        lambda: fit([1, 2, 3]),
        lambda: fit(twice()),
        lambda: fit(subject="patient"),
        lambda: fit(formula="y ~ id + week"),
        lambda: fit(trial().with_columns(pl.lit(None, pl.Float64).alias("y"))),
        lambda: fit(trial().filter(pl.col("arm") == "drug")),
        lambda: fit(formula="y ~ log(dose - 0.5) + week"),
        lambda: fit(trial().with_columns(pl.col("y") * 1e300)),
        lambda: fit(trial().with_columns(pl.col("y").cast(pl.String))),
        lambda: fit(formula="y ~ log(arm) + week"),
        lambda: fit(pl.concat([trial(), trial().head(1)])),
        lambda: fit(odd("age", None)),
        lambda: fit(odd("age", np.inf)),
        lambda: fit(lists()),
        lambda: fit(visit_levels=5),
        lambda: fit(visit_levels=["W0", "W1"]),
        lambda: fit(visit_levels=["W0", "W0", "W1", "W2"]),
        lambda: fit(odd("y", np.inf)),
        lambda: fit(visit="dose"),
    ],
    "Designs that cannot be fitted": [
        lambda: fit(trial(3, 2), "y ~ age + dose + arm*week"),
        lambda: fit(
            trial().with_columns((pl.col("age") * 2).alias("twice")), "y ~ age + twice + week"
        ),
        lambda: fit(trial().with_columns(pl.lit(3.0).alias("y"))),
        lambda: fit(flat(), "y ~ arm*week"),
        lambda: fit(apart(), "y ~ week"),
    ],
    "Covariance, groups and weights of a mixed model": [
        lambda: fit(apart(), "y ~ week", covariance="toep"),
        lambda: fit(trial().filter(pl.col("week") == "W1"), "y ~ age", covariance="ar1"),
        lambda: fit(trial(2), "y ~ 1"),
        lambda: fit(trial().filter(late_drug().not_()), "y ~ age", covariance="csh", group="arm"),
        lambda: fit(odd("arm", pl.lit("other"), 3), "y ~ week", group="arm"),
        lambda: fit(odd("arm", pl.lit("other")), "y ~ week", group="arm"),
        lambda: fit(odd("arm", None), "y ~ week", group="arm"),
        lambda: fit(trial().with_columns(pl.lit("one").alias("site")), group="site"),
        lambda: fit(odd("dose", 0.0, 2), weights="dose"),
        lambda: fit(odd("dose", None), weights="dose"),
        lambda: fit(weights="arm"),
        lambda: fit(covariance="sp_exp"),
        lambda: fit(covariance="sp_exp", coordinates="age"),
        lambda: fit(covariance="ar1", coordinates="dose"),
        lambda: fit(odd("dose", 1e160), covariance="sp_exp", coordinates="dose"),
        lambda: fit(method="ml", df="kenward-roger"),
    ],
    "Options": [
        lambda: fit(covariance="unstructured"),
        lambda: fit(alpha=0.0),
    ],
    "Least-squares means and tests": [
        lambda: fit().lsmeans("arm", at={"arm": "drug"}),
        lambda: fit().lsmeans("week", at={"arm": "placebo"}),
        lambda: fit().lsmeans("arm", at={"weight": 3.0}),
        lambda: fit().lsmeans("arm", at={"age": "old"}),
        lambda: fit(formula="y ~ log(dose) + week").lsmeans("week", at={"dose": -1.0}),
        lambda: fit().lsmeans("age"),
        lambda: fit().lsmeans("arm", by="arm"),
        lambda: fit().contrasts("arm", reference="placebo"),
        lambda: fit().test(np.eye(2, len(fit().terms)), labels=["one"]),
        lambda: fit().test([[1.0, 0.0]]),
        lambda: fit().test("L"),
        lambda: fit().test(np.full((1, len(fit().terms)), np.nan)),
        lambda: fit().test(np.zeros((1, len(fit().terms)))),
        lambda: fit().test(np.ones((2, len(fit().terms)))),
        lambda: fit().lsmeans([]),
        lambda: fit().lsmeans("arm", by=7),
        lambda: fit().lsmeans("arm", at="age"),
        lambda: fit().lsmeans("arm", at={"week": ["W1", "W1"]}),
        lambda: nested().lsmeans("arm", by="week", weights="cells"),
        lambda: fit().combination({}),
        lambda: fit().combination({"arm[T.drugs]": 1}),
        lambda: fit().combination({"arm[T.drug]": "one"}),
        lambda: fit().mean_at([]),
        lambda: fit().mean_at({"arm": "drug", "week": "W1"}),
    ],
    "Comparisons of levels": [
        lambda: fit().contrasts("week", kind="helmert"),
        lambda: fit().contrasts("week", "W0", kind="pairwise"),
        lambda: fit().contrasts("week", at={"week": ["W1"]}),
        lambda: fit().contrasts("week", kind={}),
        lambda: fit().contrasts("week", kind={"late": [0.5, 0.5]}),
        lambda: fit().contrasts("week", kind={"late": {"W1": 0.5, "W7": 0.5}}),
        lambda: fit().contrasts("week", kind={"late": {"W1": 0.5, ("W1",): 0.5}}),
        lambda: fit().contrasts("week", kind={"late": 1.0}),
        lambda: fit().contrasts("week", kind={"late": {"W1": 0.0}}),
        lambda: fit().contrasts(["arm", "week"], kind=["reference"]),
        lambda: fit().contrasts(["arm", "week"], "control", kind=["reference", "pairwise"]),
        lambda: fit().contrasts("week", adjust="tukey"),
        lambda: fit().contrasts("week", kind="pairwise", adjust="dunnett"),
        lambda: maximum_t([[1.0, 2.0], [2.0, 1.0]]),
        lambda: maximum_t([[1.0, 0.5], [0.5, 1.0]], seed=-1),
    ],
    "Imputation": IMPUTATION_CALLS,
    "Interim looks": [
        lambda: spent("pocok", 0.05, 0.5),
        lambda: spent("power", 0.05, 0.5),
        lambda: spent("pocock", 0.0, 0.5),
        lambda: spent("pocock", 0.05, -0.5),
        lambda: efficacy_boundaries([0.5, 0.5], 0.05),
        lambda: efficacy_boundaries([0.5, 1.0], 1.5),
        lambda: futility_boundaries([0.5, 1.0], [2.0], 0.1, 3.0),
        lambda: crossing_probabilities([0.5, 1.0], [2.0, 2.0], [2.5, 2.0]),
        lambda: inflation([1.0], [float("inf")], 0.9, 0.05),
        lambda: stagewise_inference([1.0], [2.0], float("nan")),
    ],
    "Counts, rates and proportions": [
        lambda: stats.clopper_pearson(1.5, 10),  # pyright: ignore[reportArgumentType]
        lambda: stats.clopper_pearson(11, 10),
        lambda: stats.clopper_pearson(1, 10, alpha=2.0),
        lambda: stats.event_rate(-1, 10.0),
        lambda: stats.event_rate(1, 0.0),
        lambda: stats.exact_risk_difference(1, 10**6, 1, 10**6),
        lambda: stats.miettinen_nurminen_stratified([1], [10], [1], [10], weights="equal"),  # pyright: ignore[reportArgumentType]
        lambda: stats.miettinen_nurminen_stratified([0], [0], [1], [10]),
        lambda: stats.miettinen_nurminen_stratified([1, 2], [10], [1], [10]),
        lambda: stats.miettinen_nurminen_stratified([1.5], [10], [1], [10]),
        lambda: stats.miettinen_nurminen_stratified([11], [10], [1], [10]),
        lambda: stats.standardised_difference_mean(0.0, -1.0, 0.0, 1.0),
        lambda: stats.standardised_difference_proportions([0.5, 0.5], [1.0]),
        lambda: stats.standardised_difference_proportions([0.5, 0.6], [0.5, 0.5]),
    ],
    "Several tests": [
        lambda: stats.holm([[0.1]]),
        lambda: stats.holm([1.5]),
        lambda: stats.graphical_procedure_p([0.1, 0.2], [1.0], EVEN),
        lambda: stats.graphical_procedure_p([0.1, 0.2], [0.8, 0.8], EVEN),
        lambda: stats.graphical_procedure_p([0.1, 0.2], WEIGHTS, [[0.0, 1.0]]),
        lambda: stats.graphical_procedure_p([0.1, 0.2], WEIGHTS, [[1.0, 0.0], [0.0, 1.0]]),
    ],
    "Times and orders": [
        lambda: stats.log_rank(*TIMES, ARMS, APART),
        lambda: stats.win_probability(TIMES[0], ARMS, APART),
        lambda: stats.restricted_mean_difference(*TIMES, ARMS, 2.0, APART),
        lambda: stats.restricted_mean([1.0, 2.0], [True, False], 5.0),
        lambda: stats.restricted_mean(*TIMES, -1.0),
        lambda: stats.win_probability([], []),
        lambda: stats.win_probability([np.nan, 1.0], [True, False]),
        lambda: stats.win_probability([1.0, 2.0], [True]),
        lambda: stats.win_probability([1.0, 2.0], [True, False], ["a"]),
        lambda: stats.win_probability([1.0, 2.0], [True, False], ["a", None]),
        lambda: stats.win_probability([1.0, 2.0], [True, True]),
        lambda: flag_row(["yes", "no"], "treated", 2),
    ],
    "Stopping rules": [
        lambda: stopping_boundary([5, 10], 1.5, 0.05),
        lambda: stopping_characteristics([5, 10], [2, 3], [1.5]),
        lambda: stopping_boundary([10, 5], 0.1, 0.05),
        lambda: stopping_characteristics([5, 10], [2], [0.1]),
        lambda: stopping_boundary([5.5], 0.1, 0.05),  # pyright: ignore[reportArgumentType]
        lambda: stopping_characteristics([5, 10], [0, 3], [0.1]),
    ],
    "Early change and later outcome": [
        lambda: landmark_data([], [], [], []),
        lambda: landmark_data([1.0, 2.0], [1.0], [[1.0, 2.0, 3.0]], [0, 1]),
        lambda: landmark_data([1.0, np.inf], [1.0, 2.0], [], [0, 1]),
        lambda: associate(_pairs(), "everybody"),  # pyright: ignore[reportArgumentType]
        lambda: permute_residuals(_pairs(), draws=5, generator=np.random.default_rng(1)),
        lambda: permute_residuals(
            _pairs(), draws=19, generator=np.random.default_rng(1), among="all-arms"
        ),
        lambda: permute_residuals(_pairs(2), draws=19, generator=np.random.default_rng(1)),
    ],
}


def too_many_points() -> object:
    """Two million points would take too long: the limit is lowered."""
    with mock.patch("equipoise.stats.least_squares_means._LARGEST_GRID", 1):
        return fit().lsmeans("arm", by="week")


def too_many_combinations() -> object:
    """Likewise for the type III tests."""
    with mock.patch("equipoise.stats.tests_of_terms._LARGEST_TABLE", 1):
        return fit().type3()


def unplanned() -> object:
    """A design whose columns are not what the plan says: no formula makes one."""
    model = fit()
    plan = design_plan(model.data)
    model.data.cache["plan"] = dataclasses.replace(plan, names_agree=False)
    return model.type3()


#: Provoked, and not shown on the page.
HIDDEN = {"Not shown": [too_many_points, too_many_combinations, unplanned]}


def refused(call: Callable[[], object]) -> StatsError:
    """The error of a call."""
    try:
        call()
    except StatsError as error:
        return error
    raise AssertionError("nothing was refused")


def sites() -> dict[str, str]:
    """What each error of `stats` says is wrong, with ``…`` for what it fills in → its place."""
    found: dict[str, str] = {}
    for path in sorted(STATS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = getattr(getattr(node, "func", None), "id", "")
            if isinstance(node, ast.Call) and name in ERRORS and node.args:
                for text in _texts(node.args[0]):
                    found.setdefault(text, f"{path.name}:{node.lineno}")
    return found


def _texts(node: ast.expr) -> list[str]:
    if isinstance(node, ast.IfExp):
        return [*_texts(node.body), *_texts(node.orelse)]
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.BinOp):
        return [left + "…" for left in _texts(node.left)]
    if isinstance(node, ast.JoinedStr):
        text = "".join(
            "…" if isinstance(v, ast.FormattedValue) else str(v.value) for v in node.values
        )
        return [re.sub(r": ….*", ": …", text)]
    return []  # an error that hands on what another one says


def says(text: str, what: str) -> bool:
    """Whether an error's words are those of a site."""
    return re.fullmatch(".*".join(map(re.escape, text.split("…"))), what, re.S) is not None


def model_fault_page() -> str:
    """The page of these faults, as Markdown; every message was provoked."""
    lines = [
        "# What a method refuses",
        "",
        "A statistical method does what was asked or says why it cannot; it never does something",
        "else instead. Each message says what is wrong, the value, the rule and what to do. In an",
        "analysis it stands in the report where the estimate would. The page is written from the",
        "program that provokes them; faults in files stand in [Every fault](faults.md).",
        "",
    ]
    for title, calls in CALLS.items():
        lines += [f"## {title}", "", "```text"]
        for call in calls:
            message = str(refused(call))
            lines.append(message if len(message) < 400 else message[:397] + "…")
        lines += ["```", ""]
    return "\n".join(lines)
