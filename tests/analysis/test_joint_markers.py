"""All early changes together as a protocol plans it: people, reasons, blinding, order."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from equipoise.analysis.prediction.marker_table import Marker, MarkerTable
from equipoise.analysis.prediction.multivariate import joint_analysis
from equipoise.analysis.prediction.multivariate_storage import multivariate_tables
from equipoise.protocol.multivariate_plan import MultivariatePlan

PLAN = MultivariatePlan(components=3, folds=4, repeats=1, bootstrap=99, permutations=39, seed=3)


def table_of(n=36, p=5, link=1.0, seed=1, missing=0):
    """A table of markers of which the first goes with the outcome; a composite stands last."""
    rng = np.random.default_rng(seed)
    arm, stratum = np.repeat([0, 1], [n // 3, n - n // 3]), np.arange(n) % 2
    baseline, start = rng.normal(size=(n, p)), rng.normal(size=n)
    early = rng.normal(size=(n, p)) - 0.3 * baseline + arm[:, None]
    outcome = -0.5 * start - arm + link * (early[:, 0] + 0.3 * baseline[:, 0]) + rng.normal(size=n)
    early[:missing, 1] = np.nan
    markers = [Marker(f"m{j}", f"Marker {j}", "endpoint", True, "%") for j in range(p)]
    markers.append(Marker("sum", "Sum", "composite", False, "SD"))
    return MarkerTable(
        markers=tuple(markers),
        groups=("placebo", "il2"),
        group_labels=("Placebo", "Aldesleukin"),
        strata=2,
        arm=arm,
        stratum=stratum,
        early=np.column_stack([early, early[:, :2].sum(axis=1)]),
        baseline=np.column_stack([baseline, baseline[:, :2].sum(axis=1)]),
        outcome=outcome,
        outcome_baseline=start,
        early_outcome=np.full(n, np.nan),
        visits=("week8",),
        outcomes=outcome[:, None],
        characteristics=(),
        characteristic_values=np.empty((n, 0)),
    )


@pytest.fixture(scope="module")
def found():
    return joint_analysis(table_of(), PLAN, people=True)


def test_what_was_put_in_leads_and_composites_are_no_predictors(found):
    assert [m.key for m in found.markers] == ["m0", "m1", "m2", "m3", "m4"]
    pls, net = found.tests
    assert pls.chosen
    assert pls.p == net.p == 1 / 40
    first = max(found.markers, key=lambda m: m.importance)
    assert first.key == "m0"
    assert first.importance_lower > 1.0
    assert first.coefficient_lower > 0.0
    assert first.above_one == 1.0
    assert first.kept == 1.0
    assert 0.0 < first.net_coefficient < first.coefficient
    squares = [m.importance**2 for m in found.markers]
    assert np.mean(squares) == pytest.approx(1.0)
    assert sum(found.bootstrap_components) == 99
    assert found.steps[0].q2 == 0.0
    assert found.imputed is None
    assert len(found.points) == found.n == 36


def test_without_a_link_little_is_claimed():
    none = joint_analysis(table_of(link=0.0, seed=4), PLAN, people=False)
    test = none.test("partial-least-squares")
    assert not test.chosen
    assert test.q2 < 0.0
    assert test.p > 0.05
    assert test.components >= 1
    assert none.points == ()


def test_the_same_seed_gives_the_same_answer(found):
    assert joint_analysis(table_of(), PLAN, people=True) == found
    other = joint_analysis(table_of(), PLAN.model_copy(update={"seed": 4}), people=True)
    assert other.markers != found.markers


def test_missing_early_changes_are_left_out_and_imputed_beside_it(found):
    gaps = joint_analysis(table_of(missing=5), PLAN, people=True)
    assert gaps.n == 31
    assert [c.used for c in gaps.counts] == [7, 24]
    assert (gaps.imputed.n, gaps.imputed.imputations) == (36, 20)
    assert all(m.imputed_importance is not None for m in gaps.markers)
    whole = {m.key: m.coefficient for m in found.markers}
    same = gaps.test("partial-least-squares").components
    assert same >= 1
    # Observed markers of all 36 are near to what they are without gaps.
    assert gaps.markers[0].imputed_coefficient == pytest.approx(whole["m0"], abs=0.25)
    assert any("Placebo has 7 people" in text for text in gaps.remarks)


def test_a_marker_that_does_not_vary_or_was_not_measured_is_left_out_and_named():
    table = table_of()
    early = table.early.copy()
    early[:, 1], early[:, 2] = 0.3, np.nan
    found = joint_analysis(dataclasses.replace(table, early=early), PLAN, people=False)
    why = {m.key: m.dropped for m in found.markers}
    assert why["m1"] == "it does not vary beyond its baseline, the arm and the strata"
    assert why["m2"] == "no early change was measured"
    assert found.n == 36
    assert [m.key for m in found.markers if m.dropped is None] == ["m0", "m3", "m4"]
    assert "Marker 1 is left out: it does not vary" in found.remarks[0] + found.remarks[1]
    # A change that its own baseline explains whole is nothing beyond it.
    early[:, 2] = -table.baseline[:, 2]
    again = joint_analysis(dataclasses.replace(table, early=early), PLAN, people=False)
    assert [m.dropped is None for m in again.markers] == [True, False, False, True, True]


def test_too_few_people_and_nothing_that_varies_are_answered():
    few = joint_analysis(table_of(n=12), PLAN, people=True)
    assert few.failure.startswith("12 people have every early change and the outcome, too few")
    assert few.tests == few.markers == few.points == ()
    table = table_of()
    flat = dataclasses.replace(table, outcome=-table.outcome_baseline)
    assert joint_analysis(flat, PLAN, people=False).failure.startswith("the outcome does not vary")
    still = dataclasses.replace(table, early=np.ones_like(table.early))
    assert joint_analysis(still, PLAN, people=False).failure.startswith("no early change varies")
    nobody = dataclasses.replace(table, outcome=np.full(36, np.nan))
    assert joint_analysis(nobody, PLAN, people=False).n == 0


def test_what_the_plan_asks_beyond_the_people_is_said():
    plan = PLAN.model_copy(update={"components": 9, "folds": 10, "mixing": (0.0,)})
    found = joint_analysis(table_of(), plan, people=False)
    assert any("at most 5 components" in text for text in found.remarks)
    assert any("6 people for 10 folds" in text for text in found.remarks)
    # Ridge leaves no marker out: nothing is kept or not kept.
    assert found.kept_by is None
    assert found.markers[0].kept is None


def test_nobody_stands_in_the_tables(found):
    tables = multivariate_tables(found)
    assert set(tables) == {
        "early_change_together",
        "early_change_together_markers",
        "early_change_together_tuning",
        "early_change_together_components",
    }
    assert all(len(rows) < 36 for rows in tables.values())
    assert multivariate_tables(None) == {}
