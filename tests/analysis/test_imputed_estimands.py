"""Sensitivity analyses that impute: the protocol's words, the results, the report."""

from __future__ import annotations

import json
import re

import polars as pl
import pytest
from tests.conftest import protocol_text

import equipoise as eq
from equipoise.analysis.imputed_estimands import at_one_visit
from equipoise.analysis.storage import result_tables
from equipoise.report import tables, what_ran
from equipoise.report.page import draw
from equipoise.report.tipping_figures import tipping_sentence
from equipoise.stats import imputation


def sensitivity(results: eq.Results, estimand: str = "depression_week8"):
    return {item.key: item for item in results.estimands[estimand].sensitivity}


def test_the_results_are_those_of_the_statistics(il2, il2_records, il2_results):
    """Rebuilt by hand: everybody with a baseline, the model's formula, the ANCOVA at week 8."""
    from equipoise.analysis.dataset import make_dataset
    from equipoise.analysis.groups import make_groups

    groups = make_groups(il2, il2_records)
    data = make_dataset(il2, il2_records, groups, "hdrs_change", everybody=True).frame
    visits = il2.endpoint_visits("hdrs_change")
    assert data.height == 36 * len(visits)
    assert data["change"].null_count() > 0
    draws = imputation.draw(
        "change ~ baseline*visit + diagnosis*visit + arm*visit", data, subject="participant",
        visit="visit", arm="arm", strategy="JR", imputations=100, seed=1,
    )  # fmt: skip
    pooled = imputation.pool(
        imputation.analyse(
            imputation.impute(draws, reference="placebo"),
            imputation.ancova("change ~ baseline + diagnosis + arm", visit="week8"),
        )
    )
    expected = pooled.row("il2 - placebo")
    found = sensitivity(il2_results)["hdrs-jump"]
    (contrast,) = found.contrasts
    for name in ("estimate", "se", "df", "t", "lower", "upper"):
        assert getattr(contrast, name) == pytest.approx(expected[name], rel=1e-9)
    answer = next(a for a in il2_results.answers if a.estimand == "depression_week8")
    tested = answer.significant is not None
    assert contrast.p == (pytest.approx(expected["p"], rel=1e-9) if tested else None)
    assert found.imputed.missing_information == pytest.approx(expected["missing_information"])
    assert found.imputed.monte_carlo_error == pytest.approx(expected["monte_carlo_error"])
    assert found.imputed.analysis == "change ~ baseline + diagnosis + arm"
    missing = data.filter(pl.col("visit") == "week8").group_by("arm").agg(
        pl.col("change").is_null().sum()
    )  # fmt: skip
    assert {m.group: m.missing for m in found.imputed.missing} == dict(missing.iter_rows())


def test_a_ratio_is_imputed_on_the_log_scale(il2_results):
    (contrast,) = sensitivity(il2_results, "treg_response")["treg-jump"].contrasts
    assert contrast.ratio is not None
    assert contrast.ratio > 1.0


def test_the_tipping_point_holds_every_combination(il2_results):
    found = sensitivity(il2_results)["hdrs-tipping"]
    (tipping,) = found.tipping
    assert tipping.shifted == ("il2", "placebo")
    assert len(tipping.rows) == 6 * 3
    (plain,) = [row for row in tipping.rows if not any(row.deltas)]
    assert plain.estimate == found.contrasts[0].estimate
    answer = next(a for a in il2_results.answers if a.estimand == "depression_week8")
    assert (tipping.significant is None) == (answer.significant is None)
    if tipping.tips:
        assert all(any(tip) for tip in tipping.tips)


def test_what_is_not_tested_has_no_tipping_point(il2_results):
    tipping = sensitivity(il2_results)["hdrs-tipping"].tipping[0].untested()
    assert {row.p for row in tipping.rows} == {None}
    assert (tipping.significant, tipping.tips, tipping.crossing) == (None, None, None)
    assert "was not tested" in tipping_sentence(il2_results, tipping)


def test_sentences_of_a_tipping_point(il2_results):
    tipping = sensitivity(il2_results)["hdrs-tipping"].tipping[0]
    some = tipping.model_copy(update={"significant": True, "tips": ((4.0, -2.0),), "crossing": 3.2})
    said = tipping_sentence(il2_results, some)
    assert "Without a shift the comparison is significant" in said
    assert "4.0, Placebo \u22122.0" in said
    assert "It changes at 3.20" in said
    none = tipping.model_copy(update={"significant": False, "tips": (), "crossing": None})
    assert "No shift that was tried changes that" in tipping_sentence(il2_results, none)


def test_the_report_shows_what_was_imputed(il2_results, tmp_path):
    page = eq.write_report(il2_results, tmp_path).read_text(encoding="utf-8")
    assert 'id="imputed-depression_week8"' in page
    assert 'id="table-imputation-depression_week8"' in page
    assert 'id="table-tipping-depression_week8"' in page
    assert "jump to reference (Placebo)" in page
    assert what_ran.IMPUTED in page
    assert "pooled by Rubin\u2019s rules" in page
    assert "this version offers no sensitivity analysis for values that are" not in page
    assert "Carpenter JR, Roger JH, Kenward MG" in page
    limits = page[page.index('id="limits"') :]
    assert "other assumptions stand under Estimands for" in limits
    item = re.search(r"Missing data</th>.*?</tr>", page, flags=re.DOTALL)
    assert item is not None
    assert 'href="#imputed-depression_week8"' in item.group(0)
    assert (tmp_path / "figures" / "tipping-depression_week8-1.svg").exists()
    stored = result_tables(il2_results)
    assert stored["estimand_depression_week8_imputed"].height == 2
    assert stored["estimand_depression_week8_tipping"].height == 18
    again = eq.read_results(tmp_path)
    assert again.estimands["depression_week8"] == il2_results.estimands["depression_week8"]
    assert json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))


def test_the_figure_says_its_numbers(il2_results):
    drawing = draw(il2_results)["tipping:depression_week8:1"]
    tipping = sensitivity(il2_results)["hdrs-tipping"].tipping[0]
    assert drawing.alternative.startswith("SIMULATED data.")
    first = [row for row in tipping.rows if not row.deltas[1]]
    assert len(first) == 6
    for row in first:
        assert f"{row.estimate:.2f}".replace("-", "\u2212") in drawing.alternative
    assert "SIMULATED" in drawing.caption


def test_small_counts_are_not_shown(il2_results):
    estimand = il2_results.estimands["depression_week8"]
    items = [
        item.model_copy(update={"imputed": item.imputed.model_copy(update={"missing": None})})
        for item in estimand.sensitivity
        if item.imputed is not None
    ]
    table = tables.imputation_table(
        il2_results, estimand.model_copy(update={"sensitivity": tuple(items)})
    )
    assert "small count, not shown" in table


def test_without_imputation_the_limits_say_so(il2_results):
    plain = {
        key: estimand.model_copy(update={"sensitivity": ()})
        for key, estimand in il2_results.estimands.items()
    }
    bare = il2_results.model_copy(update={"estimands": plain})
    assert "no sensitivity analysis was planned" in what_ran.limits(bare)[0]
    assert what_ran.imputation_methods(bare) is None
    assert tables.imputation_table(bare, plain["depression_week8"]) is None
    assert tables.tipping_table(bare, plain["depression_week8"]) is None


def test_while_blinded_nothing_is_imputed(blinded_results):
    assert blinded_results.estimands == {}
    assert "while the trial is blinded" in what_ran.limits(blinded_results)[0]


def test_what_cannot_be_imputed_says_why(write_protocol):
    path = write_protocol(
        (
            'imputation = { strategy = "jump-to-reference" }',
            'imputation = { strategy = "jump-to-reference", draws = "approximate-bayes", same_covariance = false }',
        ),
    )
    protocol = eq.load_protocol(path.parent)
    results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    found = sensitivity(results)["hdrs-jump"]
    assert (found.failure is None) == bool(found.contrasts)
    if found.failure is not None:
        assert "covariance" in found.failure or "fit" in found.failure


@pytest.mark.parametrize("draws", ["conditional-mean-jackknife", "approximate-bayes"])
def test_other_draws(write_protocol, draws):
    text = 'imputation = { strategy = "jump-to-reference" }'
    other = f'imputation = {{ strategy = "copy-increments", draws = "{draws}", imputations = 20 }}'
    path = write_protocol((text, other), study="antidepressant-example")
    protocol = eq.load_protocol(path.parent)
    results = eq.analyse(protocol, eq.simulate(protocol, seed=1))
    found = sensitivity(results, "depression_week6")["hdrs-jump"]
    assert found.imputed.strategy == "copy-increments"
    assert found.contrasts[0].se > 0
    said = what_ran.imputation_methods(results)
    if draws.startswith("conditional"):
        assert found.imputed.seed is None
        assert found.imputed.missing_information is None
        assert found.contrasts[0].df is None
        assert "long-run variation of the estimate" in said
        assert "normal limits" in tables.imputation_table(
            results, results.estimands["depression_week6"]
        )


def test_the_formula_at_one_visit():
    columns = ["change", "baseline", "visit", "arm", "sex"]
    assert at_one_visit("change ~ baseline*visit + arm*visit", columns) == (
        "change ~ baseline + arm"
    )
    assert at_one_visit("change ~ baseline + sex:visit + arm*visit*sex", columns) == (
        "change ~ baseline + arm + sex + arm:sex"
    )
    assert at_one_visit("change ~ baseline + arm", columns) == "change ~ baseline + arm"


JUMP = 'imputation = { strategy = "jump-to-reference" }'
TIP = "imputation = { deltas = { il2 = [0.0, 2.0, 4.0, 6.0, 8.0, 10.0], placebo = [0.0, -2.0, -4.0] } }"


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ([(JUMP, JUMP.replace("}", ', reference = "plazebo" }'))], "`plazebo` is no arm of arms"),
        ([(JUMP, 'imputation = { strategy = "mar", reference = "placebo" }')], "`mar` refers to no other arm"),
        ([(JUMP, "imputation = { deltas = { il2 = [1.0] } }")], "shifts imputed values by `deltas`, and no other method does"),
        ([(TIP, JUMP)], "shifts imputed values by `deltas`"),
        ([(TIP, "imputation = { deltas = { il3 = [1.0] } }")], "`il3` is no arm of arms"),
        ([(TIP, "imputation = { deltas = { il2 = [] } }")], "the shifts of an arm are different numbers, at least one"),
        ([(TIP, "imputation = { deltas = { il2 = [1.0, 1.0] } }")], "different numbers"),
        ([(TIP, f"imputation = {{ deltas = {{ il2 = {[float(i) for i in range(20)]}, placebo = {[float(i) for i in range(20)]} }} }}")], "at most 200 combinations"),
        ([('endpoint = "hdrs_change"\nvisit = "week8"', 'endpoint = "hdrs_response"\nvisit = "week8"')], "values of change and log_fold endpoints are imputed"),
        ([('method = "reference-based"\n' + JUMP, 'method = "reference-based"')], "goes with `imputation`"),
        ([(JUMP, 'imputation = { strategy = "jump" }')], "jump-to-reference"),
        ([(JUMP, 'imputation = { imputations = 1 }')], "2"),
    ],
)  # fmt: skip
def test_a_plan_that_does_not_hold_together_is_refused(write_protocol, changes, rule):
    with pytest.raises(eq.EquipoiseError) as caught:
        eq.load_protocol(write_protocol(*changes).parent)
    assert rule in str(caught.value)


def test_one_arm_has_nothing_to_compare(tmp_path):
    text = protocol_text("antidepressant-example")
    for old, new in (
        ('design = "parallel"', 'design = "single-arm"'),
        ('[arms.placebo]\nlabel = "Placebo"\nrole = "control"\nratio = 1\n', ""),
        ('[randomisation]\nmethod = "simple"', '[randomisation]\nmethod = "none"'),
        ("change ~ baseline*visit + arm*visit", "change ~ baseline*visit"),
        ("placebo = { week1 = -2, week2 = -3, week4 = -4, week6 = -5 }\n", ""),
        ("probability = { placebo = 0.25, drug = 0.25 }", "probability = { drug = 0.25 }"),
    ):
        text = text.replace(old, new, 1)
    (tmp_path / "protocol.toml").write_text(text, encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match="a single-arm trial has one"):
        eq.load_protocol(tmp_path)
