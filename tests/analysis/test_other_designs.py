"""Designs that the built-in studies are not: three arms, two strata, laboratory endpoints."""

from __future__ import annotations

import re

import pytest
from tests.conftest import protocol_text
from tests.light_study import lighten

import equipoise as eq
from equipoise.report.words import answer_sentence


def changed(tmp_path, study, *changes):
    text = protocol_text(study)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = tmp_path / "protocol.toml"
    path.write_text(text, encoding="utf-8")
    return eq.load_protocol(lighten(path))


def test_three_arms_from_protocol_to_report(tmp_path):
    protocol = changed(
        tmp_path, "antidepressant-example",
        ("[randomisation]\n",
         '[arms.high]\nlabel = "High dose"\nrole = "active"\nratio = 2\n\n[randomisation]\n'),
        ("drug = { week1 = -2, week2 = -4, week4 = -6, week6 = -7.5 }",
         "drug = { week1 = -2, week2 = -4, week4 = -6, week6 = -7.5 }\n"
         "high = { week1 = -3, week2 = -6, week4 = -9, week6 = -12 }"),
        ("probability = { placebo = 0.25, drug = 0.25 }",
         "probability = { placebo = 0.25, drug = 0.25, high = 0.3 }"),
    )  # fmt: skip
    results = eq.analyse(protocol, eq.simulate(protocol, seed=3))
    assert [g.key for g in results.groups] == ["placebo", "drug", "high"]
    (answer,) = results.answers
    assert [c.arm for c in answer.contrasts] == ["drug", "high"]
    low, high = sorted(c.p for c in answer.contrasts)
    adjusted = sorted(c.adjusted_p for c in answer.contrasts)
    assert adjusted[0] == pytest.approx(min(1, 2 * low))
    assert adjusted[1] == pytest.approx(max(min(1, 2 * low), high))
    assert sum(c.randomised for c in results.flow.counts) == 172
    page = eq.write_report(results, tmp_path / "out").read_text(encoding="utf-8")
    for label in ("Drug vs Placebo", "High dose vs Placebo"):
        assert label in page
    said = answer_sentence(results, answer)
    for arm in answer.contrasts:
        rejected = "is" if arm.adjusted_p < 0.05 else "is not"
        label = {"drug": "Drug", "high": "High dose"}[arm.arm]
        assert re.search(
            rf"{label}: adjusted p [=<] [\d.]+, \u201cno difference\u201d {rejected} rej", said
        )
    assert "needs all arms" in said
    assert "adjusted over the arms by Holm" in page


def test_two_strata_and_a_stratum_without_planned_sizes(tmp_path):
    protocol = changed(
        tmp_path, "il2-depression",
        ('strata = ["diagnosis"]', 'strata = ["diagnosis", "sex"]'),
        ("stratum_sizes = { MDD = 18, BD = 18 }\n", ""),
        ('"randomisation.stratum_sizes" = { source = "il2reg", note = "18 and 18" }\n', ""),
        ('formula = "change ~ baseline*visit + diagnosis*visit + arm*visit"',
         'formula = "change ~ baseline*visit + diagnosis*visit + sex + arm*visit"'),
        ('subgroup_formula = "change ~ baseline*visit + arm*visit*diagnosis"',
         'subgroup_formula = "change ~ baseline*visit + sex + arm*visit*diagnosis"'),
        ('formula = "log_fold ~ log_baseline*visit + diagnosis*visit + arm*visit"',
         'formula = "log_fold ~ log_baseline*visit + diagnosis*visit + sex + arm*visit"'),
        ('subgroup_formula = "log_fold ~ log_baseline*visit + arm*visit*diagnosis"',
         'subgroup_formula = "log_fold ~ log_baseline*visit + sex + arm*visit*diagnosis"'),
        # A factor of the randomisation is in every forecast already.
        ('characteristics = ["sex", "age"]', 'characteristics = ["age"]'),
    )  # fmt: skip
    assert protocol.strata == ("MDD / female", "MDD / male", "BD / female", "BD / male")
    listed = eq.randomise(protocol, 1).frame
    # Nobody knows how many each will enrol: every list is as long as the trial, in whole blocks.
    assert listed.group_by("stratum").len()["len"].to_list() == [36] * 4
    records = eq.simulate(protocol, seed=1)
    eq.records_from_tables(protocol, records.frames(), manifest=records.manifest,
                           allocation_list=listed)  # fmt: skip
    results = eq.analyse(protocol, records)
    assert results.endpoints["hdrs_change"].failure is None


@pytest.mark.parametrize(("scale", "model"), [("log_fold", "cells"), ("change", "hdrs")])
def test_a_laboratory_value_as_an_endpoint(tmp_path, scale, model):
    protocol = changed(
        tmp_path, "il2-depression",
        ("[endpoints.hdrs_change]",
         f'[endpoints.crp]\nlabel = "CRP"\nlab = "crp"\nscale = "{scale}"\nbetter = "lower"\n'
         f'model = "{model}"\n\n[endpoints.hdrs_change]'),
    )  # fmt: skip
    results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    result = results.endpoints["crp"]
    assert result.kind == "laboratory"
    assert result.failure is None
    assert len(result.contrasts) == 3
    page = eq.write_report(results, tmp_path / "out").read_text(encoding="utf-8")
    assert page.index('id="endpoint-crp"') > page.index('id="cells"')


def test_simple_randomisation_and_an_arm_that_nobody_got(tmp_path):
    protocol = changed(tmp_path, "antidepressant-example")
    records = eq.simulate(protocol, seed=1)
    people = records.allocation.filter(arm="placebo")["participant"]
    frames = {
        name: frame.filter(frame["participant"].is_in(people.implode()))
        for name, frame in records.frames().items()
    }
    alone = eq.records_from_tables(protocol, frames, manifest=records.manifest)
    results = eq.analyse(protocol, alone)
    assert {g.key: g.n for g in results.groups}["drug"] == 0
    (answer,) = results.answers
    assert answer.status == "not estimable"
    page = eq.write_report(results, tmp_path / "out").read_text(encoding="utf-8")
    assert "cannot be estimated" in page
