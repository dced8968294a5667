"""All early changes together in the report: the answer, its caution, figure and table."""

from __future__ import annotations

import html
import re
from types import SimpleNamespace

import pytest
from tests.analysis.test_joint_markers import PLAN, table_of

from equipoise.analysis.prediction.multivariate import joint_analysis
from equipoise.report import multivariate_words as words
from equipoise.report.multivariate_figures import multivariate_figures
from equipoise.report.page import environment
from equipoise.report.tables.multivariate import together_table, tuning_table


@pytest.fixture(scope="module")
def joint():
    return joint_analysis(table_of(missing=4), PLAN, people=True)


def results_of(joint, *, simulated=True):
    """What the words and figures read of the results."""
    prediction = SimpleNamespace(
        multivariate=joint,
        landmark="week8",
        outcome_label="HDRS-17 total",
        outcome_scale="change",
        outcome_unit="points",
    )
    return SimpleNamespace(
        prediction=prediction,
        visits=(("week8", "Week 8"),),
        compared=True,
        confidence=0.95,
        simulated=simulated,
        origin_label="SIMULATED" if simulated else "Observed",
        groups=(
            SimpleNamespace(key="placebo", label="Placebo"),
            SimpleNamespace(key="il2", label="Aldesleukin"),
        ),
    )


def with_test(joint, **update):
    test = joint.test("partial-least-squares").model_copy(update=update)
    return joint.model_copy(update={"tests": (test, joint.tests[1])})


def said(joint):
    results = results_of(joint)
    return words.answer(results, results.prediction, joint)


def test_the_answer_follows_p_and_choice(joint):
    assert "say more than chance does" in said(with_test(joint, p=0.01, chosen=True, q2=0.2))
    assert "Q² 20 %; permutation p = 0.010" in said(with_test(joint, p=0.01, chosen=True, q2=0.2))
    none = with_test(joint, p=0.2, chosen=False, q2=-0.1)
    assert "are not shown to say more than chance does about HDRS-17 total at Week 8" in said(none)
    assert "Q² −10 %" in said(none)
    caution = words.caution(results_of(none), none)
    assert "The data support no component" in caution
    assert "does not show that nothing is there" in caution
    assert "nobody was randomised to an early change" in caution
    odd = with_test(joint, p=0.01, chosen=False, q2=-0.02)
    assert "still no better than the covariates alone" in said(odd)
    assert "no component was chosen; shown is the best with at least one" in words.components(none)


def test_a_failure_is_said():
    few = joint_analysis(table_of(n=12), PLAN, people=True)
    assert said(few) == (
        "Whether all early changes together say something cannot be told: 12 people have every "
        "early change and the outcome, too few beside their covariates for 4 folds."
    )
    assert multivariate_figures(results_of(few)) == {}


def test_the_caution_stands_beside_the_claim_and_every_number_in_the_page(joint):
    results = results_of(joint)
    from equipoise.report import tables

    source = environment().get_template("early_change/multivariate.html.j2")
    text = source.render(
        results=results, together=words, tables=tables, drawings=multivariate_figures(results),
        table_files=frozenset(), paper=True, svg_address=lambda _: "", file_name=lambda *_: "",
        marks="", origin="SIMULATED", results_file="results.json",
    )  # fmt: skip
    first = html.unescape(text[: text.index("</p>")])
    assert said(joint) in first
    assert words.caution(results, joint) in first
    assert words.net(results, results.prediction, joint) in html.unescape(text)
    assert words.imputed(joint) in html.unescape(text)
    assert not re.search(r"\bproves?\b|\bpredicts\b|\bsafe\b", text, re.I)


def test_tables_hold_what_was_found(joint):
    results = results_of(joint)
    table = html.unescape(together_table(results, results.prediction, joint))
    for marker in joint.markers:
        assert marker.label in table
        assert words.importance_text(marker) in table
        assert words.coefficient_text(marker) in table
    assert "VIP, imputed" in table
    whole = joint.model_copy(update={"imputed": None})
    assert "imputed" not in together_table(results, results.prediction, whole)
    assert "the covariates alone" in tuning_table(joint)
    gone = joint.markers[1].model_copy(update={"dropped": "it does not vary"})
    left = joint.model_copy(update={"markers": (joint.markers[0], gone)})
    assert "left out" in together_table(results, results.prediction, left)


def test_shrunken_coefficients_have_no_interval(joint):
    results = results_of(joint)
    assert "no valid interval, and none is given" in words.net(results, results.prediction, joint)
    assert not any(
        name.startswith("net_coefficient_") for name in type(joint.markers[0]).model_fields
    )


def test_people_are_drawn_only_where_they_are_there(joint):
    shown = multivariate_figures(results_of(joint))["early-change-together"]
    assert "Score on the first component" in shown.inline
    assert "SIMULATED" in shown.inline
    assert "no test" in shown.caption
    hidden = joint.model_copy(update={"points": ()})
    drawn = multivariate_figures(results_of(hidden, simulated=False))["early-change-together"]
    assert "Score on the first component" not in drawn.inline
    assert "one mark a participant" not in drawn.caption
    assert "SIMULATED" not in drawn.inline
    assert "The protocol allows single people" in (
        multivariate_figures(results_of(joint, simulated=False))["early-change-together"].caption
    )
