"""A single-arm trial: nobody is randomised, nothing is compared, nothing is tested."""

from __future__ import annotations

import re

import pytest
from tests.analysis.test_other_designs import changed
from tests.conftest import protocol_text

import equipoise as eq
from equipoise.report.words import answer_sentence

_TEXT = protocol_text("antidepressant-example")
#: Sensitivity analyses that compare arms: a single arm has none.
_COMPARED = _TEXT[_TEXT.index("[analysis.sensitivity.") : _TEXT.index("[analysis.models.hdrs]")]

SINGLE = (
    ('design = "parallel"', 'design = "single-arm"'),
    ('[arms.placebo]\nlabel = "Placebo"\nrole = "control"\nratio = 1\n', ""),
    ('[randomisation]\nmethod = "simple"', '[randomisation]\nmethod = "none"'),
    ("change ~ baseline*visit + arm*visit", "change ~ baseline*visit"),
    ("placebo = { week1 = -2, week2 = -3, week4 = -4, week6 = -5 }\n", ""),
    ("probability = { placebo = 0.25, drug = 0.25 }", "probability = { drug = 0.25 }"),
    (_COMPARED, ""),
)


@pytest.fixture(scope="module")
def protocol(tmp_path_factory):
    return changed(tmp_path_factory.mktemp("single"), "antidepressant-example", *SINGLE)


@pytest.fixture(scope="module")
def results(protocol):
    return eq.analyse(protocol, eq.simulate(protocol, seed=5))


def test_the_change_is_described_and_never_tested(results):
    assert not results.blinded
    assert results.control is None
    assert [g.key for g in results.groups] == ["drug"]
    (answer,) = results.answers
    assert answer.status == "not compared: a single-arm trial has no control"
    assert answer.significant is None
    assert answer.contrasts == ()
    (mean,) = answer.means
    assert mean.visit == "week6"
    endpoint = results.endpoints["hdrs_change"]
    assert endpoint.contrasts == ()
    assert endpoint.fit.formula == "change ~ baseline*visit"
    said = answer_sentence(results, answer)
    assert "cannot be attributed to the treatment" in said
    assert " p " not in said


def test_the_report_speaks_of_no_randomisation(results, tmp_path):
    page = eq.write_report(results, tmp_path / "out").read_text(encoding="utf-8")
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    text = re.sub(r"<[^>]+>", " ", body)
    for said in ("Standardised difference", "were randomised", "of all randomised", " vs "):
        assert said not in text, said
    assert "Nobody was randomised" in text
    assert "Enrolled" in text


def test_records_have_no_allocation_and_name_the_drug(protocol, tmp_path):
    records = eq.simulate(protocol, seed=5)
    assert records.allocation is None
    eq.write_records(records, tmp_path / "data")
    again = eq.read_records(tmp_path / "data", protocol)
    assert again.participants.equals(records.participants)
    assert not eq.analyse(protocol, again).blinded
    frames = records.frames()
    frames["allocation"] = records.participants.select("participant").with_columns(
        stratum=eq.simulate(protocol, seed=5)
        .participants["participant"]
        .replace_strict(
            records.participants["participant"].to_list(), ["all"] * records.participants.height
        ),
        arm=records.participants["participant"].replace_strict(
            records.participants["participant"].to_list(), ["drug"] * records.participants.height
        ),
    )
    with pytest.raises(eq.EquipoiseError, match="a single-arm trial has no `allocation`"):
        eq.records_from_tables(protocol, frames, manifest=records.manifest)


def test_nothing_is_drawn_and_no_null_scenario(protocol):
    with pytest.raises(eq.EquipoiseError, match="nobody is randomised in this trial"):
        eq.randomise(protocol, 1)
    with pytest.raises(eq.EquipoiseError, match="a single-arm trial has none"):
        eq.simulate(protocol, 1, scenario="null")


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ((0,), "nobody is randomised in a single-arm trial"),
        ((0, 2, 3), "a single-arm trial has one arm"),
        ((0, 1, 2, 4, 5), "'arm' is not allowed"),
        ((2,), "the arms of a parallel trial are randomised"),
        ((1, 4, 5), "a parallel trial has at least two arms"),
    ],
)
def test_a_design_that_is_half_single_arm_is_refused(tmp_path, change, rule):
    with pytest.raises(eq.EquipoiseError, match=rule):
        changed(tmp_path, "antidepressant-example", *(SINGLE[i] for i in change))


def test_one_visit_gives_the_mean_with_its_t_interval(tmp_path):
    import scipy.stats

    visits = 'visits = ["baseline", "week1", "week2", "week4", "week6"]'
    protocol = changed(
        tmp_path, "antidepressant-example", *SINGLE[:3],
        ("change ~ baseline*visit + arm*visit", "change ~ baseline"),
        (visits, 'visits = ["baseline", "week6"]'),
        ("sd = { baseline = 5.0, week1 = 5.5, week2 = 6.0, week4 = 6.5, week6 = 7.0 }",
         "sd = { baseline = 5.0, week6 = 7.0 }"),
        ("placebo = { week1 = -2, week2 = -3, week4 = -4, week6 = -5 }\n", ""),
        ("drug = { week1 = -2, week2 = -4, week4 = -6, week6 = -7.5 }", "drug = { week6 = -7.5 }"),
        *SINGLE[5:],
    )  # fmt: skip
    records = eq.simulate(protocol, seed=2)
    (mean,) = eq.analyse(protocol, records).answers[0].means
    wide = records.scores.pivot(on="visit", index="participant", values="score").drop_nulls()
    change = (wide["week6"] - wide["baseline"]).to_numpy()
    low, high = scipy.stats.t.interval(
        0.95, len(change) - 1, change.mean(), scipy.stats.sem(change)
    )
    assert mean.estimate == pytest.approx(change.mean(), abs=1e-12)
    assert (mean.lower, mean.upper) == pytest.approx((low, high), abs=1e-12)


def test_a_rate_in_one_arm_is_described(tmp_path):
    from equipoise.stats import clopper_pearson

    protocol = changed(
        tmp_path, "antidepressant-example", *SINGLE,
        ('[endpoints.hdrs_change]\nlabel = "HDRS-17 total"\ninstrument = "hdrs"\nscale = "change"\n'
         'better = "lower"\nmodel = "hdrs"',
         '[endpoints.hdrs_change]\nlabel = "HDRS-17 response"\ninstrument = "hdrs"\n'
         'scale = "response"\nbetter = "lower"'),
    )  # fmt: skip
    results = eq.analyse(protocol, eq.simulate(protocol, seed=5))
    (answer,) = results.answers
    assert answer.status == "not compared: a single-arm trial has no control"
    (row,) = answer.outcome
    assert (row.lower, row.upper) == pytest.approx(clopper_pearson(row.events, row.n))
    said = answer_sentence(results, answer)
    assert f"{row.events} of 172 participants on Drug were in response" in said
    assert "cannot be attributed" in said
