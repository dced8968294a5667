"""Mediation from the marker table: what is estimated, withheld, refused and said."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from tests.analysis.mediation_arrays import PLAN, table

from equipoise.analysis.prediction.mediation import analyse_mediation
from equipoise.analysis.prediction.mediation_storage import mediation_tables
from equipoise.protocol.prediction_plan import PredictionPlan


def analysed(given, plan=PLAN, fewest=1):
    return analyse_mediation(given, plan, 0.05, "Score", fewest)


def test_joint_first_then_single_and_total_is_their_sum():
    found = analysed(table())
    assert [row.joint for row in found.sets] == [True, False, False]
    assert found.sets[0].mediators == ("m1", "m2", "early_outcome")
    for row in found.sets:
        value = {e.effect: e.estimate for e in row.effects}
        assert value["total"] == pytest.approx(value["indirect"] + value["direct"])
        assert value["total"] == pytest.approx(value["indirect_control"] + value["direct_treated"])
    single = found.singles[0]
    at_zero = next(p for p in single.plain.rho if p.rho == 0.0)
    assert at_zero.indirect == pytest.approx(single.plain.indirect)
    assert single.plain.assay[0].indirect == pytest.approx(single.plain.indirect)
    assert abs(single.plain.assay[1].indirect) > abs(single.plain.indirect)
    assert set(mediation_tables(found)) >= {"mediation_effects", "mediation_assay_error"}


def test_what_was_put_in_is_found_in_400_people():
    """The path through m1 is real (0.8 x -2), that through m2 is none."""
    found = analysed(table(n=400))
    one, two = found.singles
    assert one.effect("indirect").lower < -1.6 < one.effect("indirect").upper
    assert one.effect("indirect").upper < 0
    assert two.effect("indirect").lower < 0 < two.effect("indirect").upper
    assert one.effect("proportion").lower > 0


def test_no_proportion_while_the_total_may_be_0():
    given = table(direct=0.0)
    given = dataclasses.replace(given, outcome=np.random.default_rng(5).normal(size=36))
    for row in analysed(given).sets:
        share = row.effect("proportion")
        assert share.estimate is None
        assert share.lower is None
        assert "holds 0" in share.withheld


def test_the_same_seed_gives_the_same_and_missing_values_are_imputed_beside():
    given = table()
    early = given.early.copy()
    early[[3, 20], 0] = np.nan
    given = dataclasses.replace(given, early=early)
    found = analysed(given)
    assert found == analysed(given)
    single = found.singles[0]
    assert (single.n, single.imputed.n) == (34, 36)
    assert single.imputed.lower < single.imputed.indirect < single.imputed.upper
    assert found.singles[1].imputed is None


def test_one_arm_is_refused_and_small_cells_and_no_spread_are_said():
    given = table()
    alone = dataclasses.replace(
        given, groups=("a",), group_labels=("A",), arm=np.zeros_like(given.arm)
    )
    found = analysed(alone)
    assert found.sets == ()
    assert "one arm" in found.failure
    early = given.early.copy()
    early[:, 1] = 1.0
    flat = analysed(dataclasses.replace(given, early=early)).singles[1]
    assert "does not vary" in flat.failure
    few = given.outcome.copy()
    few[np.flatnonzero(given.arm == 0)[2:]] = np.nan
    hidden = analysed(dataclasses.replace(given, outcome=few), fewest=3)
    assert all("may be shown" in row.failure for row in hidden.sets)


def test_nothing_planned_nothing_found():
    bare = PredictionPlan.model_validate({**PLAN.model_dump(), "mediation": None})
    assert analysed(table(), bare) is None
