"""Words, figures and page of single forecasts; the fan and the rules of enrichment in a report."""

from __future__ import annotations

import re

import pytest
from tests.forecasts import observed, patient_toml, trained

from equipoise.analysis.stratification.forecast_fans import example_fans
from equipoise.analysis.stratification.patient_file import forecast_patient
from equipoise.report import enrichment_words, forecast_fan
from equipoise.report.outlook_page import outlook_files, write_outlook
from equipoise.report.outlook_words import cautions, outlook_sentence, plain_outlooks, setting_of
from equipoise.report.tables import enrichment_table, forecast_fan_table


def asked(tmp_path, model, **changes):
    path = tmp_path / "patient.toml"
    path.write_text(patient_toml(**changes))
    return forecast_patient(model, path)


EARLY = {"arm": "il2", "treg_percent_day5": 7.0, "th2_percent_day5": 10.0, "hdrs_day5": 20}


def test_every_output_of_a_simulated_model_says_so(tmp_path):
    person, outlooks = asked(tmp_path, trained(), **EARLY)
    text = plain_outlooks(trained(), outlooks, None, None)
    assert text.startswith("SIMULATED: a demonstration")
    files = outlook_files(trained(), person, outlooks)
    page = files["forecast.html"].decode()
    assert page.count("SIMULATED") > 5
    assert "demonstration" in page
    assert "SIMULATED" in files["figures/forecast.svg"].decode()
    assert all("SIMULATED" in line for line in files["forecast.csv"].decode().splitlines()[1:])
    for content in files.values():
        assert "not for clinical decisions" in content.decode() or b"<svg" in content


def test_a_model_of_people_says_research_only(tmp_path):
    person, outlooks = asked(tmp_path, observed())
    files = outlook_files(observed(), person, outlooks)
    page = files["forecast.html"].decode()
    assert "SIMULATED" not in page
    assert "RESEARCH USE ONLY" in page
    assert "SIMULATED" not in plain_outlooks(observed(), outlooks, None, None)


def test_the_page_is_whole_and_the_same_again(tmp_path):
    person, outlooks = asked(tmp_path, trained(), participant="<b>A & B</b>", **EARLY)
    path = write_outlook(
        trained(), person, outlooks, tmp_path / "out", command="equipoise forecast"
    )
    page = path.read_text(encoding="utf-8")
    assert "<b>A" not in page
    assert "&lt;b&gt;A &amp; B" in page
    assert not re.search(r'(src|href)="https?:', page)
    again = outlook_files(trained(), person, outlooks, command="equipoise forecast")
    assert {n: c for n, c in again.items() if n.endswith(".html")}["forecast.html"].decode() == page
    ids = re.findall(r'\bid="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert "<title>SIMULATED" in page
    for one in outlooks:
        assert outlook_sentence(setting_of(trained()), one) in page


def test_cautions_say_what_a_model_without_interactions_cannot(tmp_path):
    _, outlooks = asked(tmp_path, trained(), th2_percent_baseline=None)
    said = " ".join(cautions(trained(), outlooks, "the plan is another"))
    assert "not who benefits" in said
    assert "th2_percent_baseline" in said
    assert said.endswith("The plan is another.")
    bent = trained(interactions=True)
    _, outlooks = asked(tmp_path, bent)
    said = " ".join(cautions(bent, outlooks, None))
    assert "not who benefits" not in said
    assert "only one of the arms will ever be seen" in said


def test_three_constructed_people_differ_in_the_first_marker_alone():
    model = trained()
    low, typical, high = example_fans(model)
    assert (low.title, typical.title, high.title) == ("1 SD below", "Typical", "1 SD above")
    assert low.value < typical.value < high.value
    assert low.value * high.value == pytest.approx(typical.value**2)
    assert low.before == typical.before == high.before
    assert [one.arm for one in typical.outlooks] == ["placebo", "il2"]
    ridge = model.forecasts["baseline"].ridge
    columns = [c.key for c in model.forecasts["baseline"].design.columns]
    marker = columns.index("treg_percent")
    # What goes with it moves by the regression on it.
    sd = ridge.joint_covariance[marker, marker] ** 0.5
    gain = ridge.joint_covariance[marker] @ ridge.coefficients / sd
    moved = [columns.index(c) for c in ("arm il2", "diagnosis BD", "hdrs_change")]
    fixed = sum(ridge.joint_covariance[marker, m] * ridge.coefficients[m] for m in moved) / sd
    difference = high.outlooks[0].expected - low.outlooks[0].expected
    assert difference == pytest.approx(2 * (gain - fixed), abs=0.6)


def test_the_report_draws_them_and_says_the_rules(il2_results):
    found, rules = il2_results.forecast, il2_results.enrichment
    drawing = forecast_fan.fan_figures(il2_results)["forecast-fan"]
    assert "SIMULATED" in drawing.standalone
    assert "nobody real" in drawing.caption
    for fan in found.fans:
        assert fan.title in drawing.alternative
    sentence = forecast_fan.fan_sentence(il2_results, found)
    typical = next(fan for fan in found.fans if fan.title == "Typical")
    assert f"{typical.outlooks[-1].expected:.1f}" in sentence
    assert forecast_fan_table(il2_results, found).count("<tr") == 1 + 3 + 6
    table = enrichment_table(rules)
    assert "Forecast probability of response" in table
    assert "too few people" in table
    answer = enrichment_words.enrichment_answer(il2_results, rules)
    first = rules.rules[0]
    assert f"{100 * first.share:.0f} %" in answer
    assert "no randomised groups" in enrichment_words.enrichment_caution(rules)


def test_hidden_rules_are_said_to_be_hidden(il2_results):
    rules = il2_results.enrichment
    hidden = tuple(
        rule.model_copy(
            update={"suppressed": True, "kept": None, "share": None, "among_kept": (),
                    "among_others": ()}
        )
        for rule in rules.rules
    )  # fmt: skip
    rules = rules.model_copy(update={"rules": hidden})
    assert enrichment_table(rules).count("too few people to show") == len(hidden)
    assert "No rule keeps" in enrichment_words.enrichment_answer(il2_results, rules)
