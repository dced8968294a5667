"""Who benefits: profiles and heterogeneity from a plan and a table of people."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

from equipoise.analysis.prediction.marker_table import Characteristic, Marker, MarkerTable
from equipoise.analysis.stratification.benefit_results import Stratification
from equipoise.analysis.stratification.heterogeneity import analyse_heterogeneity
from equipoise.analysis.stratification.immune_profiles import analyse_profiles
from equipoise.protocol.heterogeneity_plan import HeterogeneityPlan
from equipoise.protocol.profiles_plan import ProfilesPlan
from equipoise.report import benefit_words as words

PLAN = HeterogeneityPlan(modifiers=("diagnosis", "age", "treg"))


def people(n=36, seed=1, interaction=0.0, profiles=0.0):
    """n people, 1 : 2, two diagnoses in strata; benefit by diagnosis, profiles in the markers."""
    g = np.random.default_rng(seed)
    arm = np.tile([0, 1, 1], n // 3)
    diagnosis = np.repeat([0, 1], [n // 2, n - n // 2])
    who = g.random(n) < 0.4
    baseline = g.normal(size=(n, 3)) + profiles * np.column_stack([who, who, ~who])
    outcome = -8 - 4 * arm - interaction * arm * diagnosis + g.normal(0, 5, n) - 2 * baseline[:, 0]
    keys = ("treg", "th2", "naive")
    return MarkerTable(
        markers=tuple(Marker(k, k.title(), "endpoint", True, "%CD4") for k in keys),
        groups=("placebo", "il2"),
        group_labels=("Placebo", "Aldesleukin"),
        strata=2,
        arm=arm,
        stratum=diagnosis,
        early=g.normal(size=(n, 3)),
        baseline=baseline,
        outcome=outcome,
        outcome_baseline=g.normal(22, 4, n),
        early_outcome=g.normal(size=n),
        visits=(),
        outcomes=np.empty((n, 0)),
        characteristics=(
            Characteristic("diagnosis", "Diagnosis", ("MDD", "BD"), None),
            Characteristic("age", "Age", (), "years"),
        ),
        characteristic_values=np.column_stack([diagnosis, g.normal(48, 10, n)]),
    )


def heterogeneity(table, plan=PLAN, *, smallest=1, show=True):
    return analyse_heterogeneity(table, plan, alpha=0.05, smallest=smallest, people=show)[0]


def profiles_of(il2, il2_records, table, smallest=1, **changes):
    plan = ProfilesPlan(
        markers=("treg", "th2", "naive"), related=("diagnosis", "age"), subsamples=20,
        permutations=99,
    ).model_copy(update=changes)  # fmt: skip
    return analyse_profiles(il2, il2_records, table, plan, smallest)


def test_four_hundred_people_show_what_was_put_in_and_nothing_else():
    found = heterogeneity(people(399, interaction=6.0))
    by = {(r.key, r.level): r for r in found.modifiers}
    assert found.joint_p < 0.001
    assert by["diagnosis", "BD"].lower < -6.0 < by["diagnosis", "BD"].upper
    assert by["diagnosis", "BD"].shrunken < -4.0
    assert by["age", None].shrunken_lower < 0.0 < by["age", None].shrunken_upper
    at = {(r.key, r.value): r for r in found.effects}
    gap = at["diagnosis", "BD"].own - at["diagnosis", "MDD"].own
    assert gap == pytest.approx(by["diagnosis", "BD"].estimate, rel=1e-9)
    shrunken_gap = at["diagnosis", "BD"].shrunken - at["diagnosis", "MDD"].shrunken
    assert shrunken_gap == pytest.approx(by["diagnosis", "BD"].shrunken, rel=1e-6)
    assert found.benefit_tenth < -8.0
    assert found.benefit_ninetieth > -6.5
    none = heterogeneity(people(399))
    assert none.joint_p > 0.05
    assert none.benefit_ninetieth - none.benefit_tenth < 2.0


def test_thirty_six_people_are_shrunk_to_nearly_one_effect():
    found = heterogeneity(people())
    spread = [abs(r.shrunken) for r in found.modifiers]
    assert max(spread) < max(abs(r.estimate) for r in found.modifiers)
    half, own, twice = found.priors
    assert half.spread < own.spread < twice.spread
    assert half.between_people < own.between_people < twice.between_people
    effects = [p.effect for p in found.people]
    assert effects == sorted(effects)
    assert len(effects) == found.n == 36


def test_single_people_and_small_levels_are_not_shown_where_they_may_not_be():
    table = people()
    assert heterogeneity(table, show=False).people == ()
    few = dataclasses.replace(
        table, characteristic_values=table.characteristic_values * np.array([[1.0, 1.0]])
    )
    few.characteristic_values[:, 0] = 0.0
    few.characteristic_values[[0, 1, 2], 0] = 1.0
    hidden = heterogeneity(few, smallest=5)
    assert {r.key for r in hidden.modifiers} == {"age", "treg"}
    assert hidden.remarks == (
        "Diagnosis: BD has too few people in an arm to be shown and was left out",
    )


def test_what_cannot_be_answered_says_why():
    table = people()
    alone = dataclasses.replace(table, groups=("il2",), arm=np.zeros(36, dtype=int))
    assert "single-arm trial has no control" in heterogeneity(alone).failure
    flat = dataclasses.replace(table, baseline=np.ones((36, 3)))
    found = heterogeneity(flat)
    assert found.remarks == ("Treg at baseline does not vary within each arm and was left out",)
    assert found.failure is None
    only = heterogeneity(flat, HeterogeneityPlan(modifiers=("treg",)))
    assert only.failure == "no modifier is left that can be looked at"
    missing = table.outcome.copy()
    missing[4:] = np.nan
    assert (
        "too few people have all values"
        in heterogeneity(
            dataclasses.replace(table, outcome=missing),
            HeterogeneityPlan(modifiers=("age", "treg")),
        ).failure
    )
    missing = table.outcome.copy()
    missing[np.flatnonzero(table.arm == 0)[:4]] = np.nan
    said = heterogeneity(dataclasses.replace(table, outcome=missing)).remarks
    assert said == (
        "fewer than 10 people of an arm are in this model (8 and 24): it can hardly tell one "
        "modifier from another",
    )


def test_two_planted_profiles_are_found_and_one_is_not_split(il2, il2_records):
    found = profiles_of(il2, il2_records, people(399, profiles=3.0))
    assert found.chosen == 2
    assert found.supported
    assert sum(p.share for p in found.profiles) == pytest.approx(1.0)
    assert found.profiles[1].lower < 0.4 < found.profiles[1].upper
    assert {r.characteristic for r in found.relations} == {"diagnosis", "age"}
    assert min(r.p for r in found.relations) > 0.01
    one = profiles_of(il2, il2_records, people(399))
    assert one.chosen == 1
    assert not one.supported
    assert one.relations == ()


def test_a_profile_of_few_is_none_and_people_allow_so_many(il2, il2_records):
    table = people()
    table.baseline[:2] = 9.0
    found = profiles_of(il2, il2_records, table, most=6)
    assert {c.profiles for c in found.choices} == {1, 2, 3}
    assert min(c.bic for c in found.choices) < found.choices[0].bic
    assert found.choices[found.chosen - 1].smallest >= 5
    assert "36 people allow 3, 10 to each" in found.remarks[0]
    few = dataclasses.replace(
        table, baseline=np.where(np.arange(36)[:, None] < 18, np.nan, np.ones((36, 3)))
    )
    assert "18 people have all markers" in profiles_of(il2, il2_records, few).failure
    flat = dataclasses.replace(table, baseline=np.ones((36, 3)))
    assert "does not vary at baseline" in profiles_of(il2, il2_records, flat).failure


def test_inflammation_counts_are_those_of_the_records(il2, il2_records):
    found = analyse_profiles(
        il2, il2_records, None, il2.analysis.stratification.profiles, smallest=1
    )
    crp = il2_records.labs.filter(
        (pl.col("analyte") == "crp") & (pl.col("visit").cast(pl.String) == "baseline")
    )["value"]
    for row in found.inflammation:
        assert row.events == int((crp > row.above).sum())
        assert row.n == len(crp)
        assert row.lower < row.percent < row.upper
    assert [row.published for row in found.inflammation] == [58.0, 27.0]
    hidden = analyse_profiles(
        il2, il2_records, None, il2.analysis.stratification.profiles, smallest=30
    )
    assert all(row.events is None and row.percent is None for row in hidden.inflammation)


def test_answers_say_as_much_as_the_data_allow(il2, il2_records, il2_results):
    found = il2_results.stratification
    assert isinstance(found, Stratification)
    said = words.benefit_answer(il2_results, found, found.heterogeneity[0])
    assert said.startswith("These data do not show that the effect of Aldesleukin")
    strong = heterogeneity(people(399, interaction=9.0))
    assert "is suggested by these data" in words.benefit_answer(il2_results, found, strong)
    caution = words.benefit_caution(found, strong)
    assert caution.startswith("Nobody is to be treated, or left untreated")
    assert "cannot be told: a single-arm" in words.benefit_answer(
        il2_results,
        found,
        heterogeneity(dataclasses.replace(people(), groups=("il2",), arm=np.zeros(36, dtype=int))),
    )
    two = profiles_of(il2, il2_records, people(399, profiles=3.0))
    assert words.profiles_answer(two).startswith("By the BIC 2 immune profiles")
    assert words.shows_profiles(two)
    one = profiles_of(il2, il2_records, people(399))
    assert "do not support more than one immune profile" in words.profiles_answer(one)
    assert not words.shows_profiles(one)
    choices = tuple(c.model_copy(update={"stability": 0.2}) for c in two.choices)
    shaky = two.model_copy(update={"choices": choices})
    assert "not found again" in words.profiles_answer(shaky)
    assert not words.shows_profiles(shaky)
    line = two.model_copy(update={"correlated_bic": 0.0})
    assert "rise and fall together" in words.profiles_answer(line)


def test_nothing_of_it_while_blinded(blinded_results):
    assert blinded_results.stratification is None
