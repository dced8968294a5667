"""Interim looks: levels by information, what earlier looks spent, inference that allows for them."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import get_args

import polars as pl
import pytest
from scipy.stats import norm, t
from tests.light_study import light_text
from typer.testing import CliRunner

import equipoise as eq
from equipoise.analysis.interim import futility_bounds, nominal_levels, take_look
from equipoise.analysis.model_results import Contrast
from equipoise.cli.commands import app
from equipoise.protocol.interim_plan import WITH_PARAMETER, SpendingFunction
from equipoise.records import write_records
from equipoise.report import write_report
from equipoise.stats.group_sequential import Spending, crossing_probabilities, efficacy_boundaries

PLAN = """[analysis.interim]
shares = [0.5]
information = 1.2
spending = "pocock"
futility = "hwang-shih-decani"
futility_parameter = -2.0

"""


def with_looks(plan=PLAN):
    text = light_text("antidepressant-example")
    at = text.index("[assumptions.statistical]")
    return text[:at] + plan + text[at:]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("looks") / "protocol.toml"
    path.write_text(with_looks(), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def planned(study):
    return eq.load_protocol(study)


def of_first(records, n):
    names = records.participants["participant"].to_list()[:n]
    return dataclasses.replace(
        records,
        **{
            field.name: table.filter(pl.col("participant").is_in(names))
            for field in dataclasses.fields(records)
            if isinstance(table := getattr(records, field.name), pl.DataFrame)
            and "participant" in table.columns
        },
    )


@pytest.fixture(scope="module")
def looks(planned):
    """An interim look at half of a simulated trial, and the whole."""
    records = eq.simulate(planned, seed=3)
    first = eq.analyse(planned, of_first(records, 86), interim=True)
    return first, eq.analyse(planned, records, after=first.interim)


def contrast(estimate, se, df=60.0):
    return Contrast(
        arm="drug", reference="placebo", visit="week6", estimate=estimate, se=se, df=df,
        t=estimate / se, p=2 * t.sf(abs(estimate / se), df), lower=estimate - 2 * se,
        upper=estimate + 2 * se,
    )  # fmt: skip


def look(planned, found, earlier=None, *, interim):
    return take_look(
        planned, [found] if found else [], earlier, interim=interim, participants=10, data_hash="x"
    )


def test_the_words_of_the_plan_are_those_of_the_statistics():
    assert {*get_args(SpendingFunction)} == set(Spending)
    assert set(WITH_PARAMETER) == {"power", "hwang-shih-decani"}


def test_a_look_has_the_level_of_its_information(planned, looks):
    first, whole = looks
    one, last = whole.interim.looks
    assert one == first.interim.looks[0]
    for row in (one, last):
        assert row.information == pytest.approx(1 / row.se**2)
        assert row.share == pytest.approx(row.information / 1.2, abs=6e-4)
    bounds = efficacy_boundaries([one.share, last.share], 0.05, "pocock").upper
    assert one.nominal == pytest.approx(2 * norm.sf(bounds[0]), rel=1e-9)
    assert last.nominal == pytest.approx(2 * norm.sf(bounds[1]), rel=1e-9)
    assert one.nominal < 0.05
    assert one.crossed == (one.p < one.nominal)
    # Together they spend the level, whatever the shares were.
    both = [norm.isf(row.nominal / 2) for row in (one, last)]
    crossing = crossing_probabilities([one.share, last.share], both, [-b for b in both])
    assert crossing.upper.sum() == pytest.approx(0.025, abs=1e-7)


def test_the_answer_is_decided_at_the_level_of_the_look(planned):
    """Just above the final level of two looks, and below the protocol's 5 %."""
    first = look(planned, contrast(-1.0, 1.3), interim=True)
    level = nominal_levels([first.looks[0].share, 1.0], 0.05, planned.analysis.interim, final=True)
    between = 0.5 * (level[1] + 0.05)
    found = contrast(-norm.isf(between / 2) / math.sqrt(1.2), 1 / math.sqrt(1.2), df=1e9)
    last = look(planned, found, first, interim=False)
    assert last.looks[-1].nominal < last.looks[-1].p < 0.05
    assert not last.looks[-1].crossed
    assert last.adjusted.p > 0.05
    assert last.adjusted.lower < 0 < last.adjusted.upper
    alone = look(planned, found, None, interim=False)  # no look was taken: nothing is spent
    assert alone.looks[-1].nominal == pytest.approx(0.05, rel=1e-6)
    assert alone.looks[-1].crossed


def test_results_of_a_trial_answer_by_its_look(planned, looks):
    _, whole = looks
    last = whole.interim.looks[-1]
    assert whole.answers[0].significant == (last.p < last.nominal)
    assert whole.interim.adjusted.look == 2
    c = whole.answers[0].contrasts[0]
    assert last.estimate == c.estimate
    # Who could have stopped early and did not saw less there: the estimate is drawn in a little.
    adjusted = whole.interim.adjusted.estimate
    assert 0.6 < adjusted / c.estimate < 1.0
    assert abs(adjusted - c.estimate) < 0.3 * c.se


def test_what_an_earlier_look_showed_stays_shown(planned):
    strong = look(planned, contrast(-8.0, 1.3), interim=True)
    assert strong.crossed is not None
    assert strong.adjusted.look == 1
    after = look(planned, contrast(0.0, 0.9), strong, interim=False)
    assert after.crossed.number == 1
    assert after.adjusted == strong.adjusted
    records = eq.simulate(planned, seed=3, scenario="null")
    whole = eq.analyse(planned, records, after=strong)
    assert whole.answers[0].significant is True


def test_a_look_without_an_estimate_spends_nothing(planned):
    nothing = look(planned, None, interim=True)
    assert nothing.looks[0].nominal is None
    assert not nothing.looks[0].crossed
    assert nothing.level == 0.0
    last = look(planned, contrast(-3.0, 0.9), nothing, interim=False)
    assert last.looks[-1].nominal == pytest.approx(0.05, rel=1e-6)


def test_information_that_does_not_rise_adds_next_to_none(planned):
    first = look(planned, contrast(-1.0, 1.0), interim=True)
    last = look(planned, contrast(-2.0, 1.1), first, interim=False)
    assert last.looks[1].share == pytest.approx(last.looks[0].share + 0.001)


def test_futility_is_seen_and_does_not_bind(planned):
    bound = futility_bounds(planned.analysis.interim, 0.05)[0]
    worse = look(planned, contrast(+2.0, 1.3), interim=True)  # lower is better
    assert worse.looks[0].futile is True
    assert worse.looks[0].futility == bound
    better = look(planned, contrast(-2.0, 1.3), interim=True)
    assert better.looks[0].futile is False
    final = look(planned, contrast(-3.0, 0.9), worse, interim=False)
    assert final.looks[-1].crossed
    assert final.looks[-1].futile is None


def test_looks_are_those_of_the_plan(planned, looks, antidepressant):
    first, whole = looks
    records = eq.simulate(planned, seed=3)
    for protocol, arguments, code in (
        (antidepressant, {"interim": True}, "looks-not-planned"),
        (antidepressant, {"after": first.interim}, "looks-not-planned"),
        (planned, {"interim": True, "after": first.interim}, "looks-used-up"),
        (planned, {"after": whole.interim}, "look-after-the-last"),
    ):
        own = eq.simulate(protocol, seed=3)
        with pytest.raises(eq.EquipoiseError) as info:
            eq.analyse(protocol, own, **arguments)
        assert code in [fault.code for fault in info.value.faults]
    with pytest.raises(eq.EquipoiseError, match="needs the allocation"):
        eq.analyse(planned, records.without_allocation(), interim=True)
    other = first.interim.model_copy(
        update={
            "estimand": "other",
            "looks": (first.interim.looks[0].model_copy(update={"protocol_hash": "0" * 64}),),
        }
    )
    with pytest.raises(eq.EquipoiseError) as info:
        eq.analyse(planned, records, after=other)
    codes = [fault.code for fault in info.value.faults]
    assert codes == ["looks-of-another", "looks-of-another-plan"]


def test_blinded_results_of_a_trial_with_looks_have_none(planned):
    found = eq.analyse(planned, eq.simulate(planned, seed=3).without_allocation())
    assert found.interim is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("shares = [0.5]", "shares = [0.7, 0.5]", "shares rise"),
        ("shares = [0.5]", "shares = [0.01]", "at least 8"),
        ('spending = "pocock"', 'spending = "power"', "parameter above 0"),
        ('spending = "pocock"', 'spending = "pocock"\nparameter = 1.0', "others none"),
        ("futility_parameter = -2.0\n", "", "futility_parameter"),
        ("information = 1.2\n", "", "information"),
    ],
)
def test_a_plan_of_looks_is_checked(tmp_path, old, new, said):
    path = tmp_path / "protocol.toml"
    path.write_text(with_looks(PLAN.replace(old, new)), encoding="utf-8")
    with pytest.raises(eq.EquipoiseError, match=said):
        eq.load_protocol(path)


def test_the_report_tells_the_looks(looks, tmp_path):
    first, whole = looks
    page = write_report(first, tmp_path / "first").read_text(encoding="utf-8")
    assert "This is interim look 1 of 1" in page
    assert "must not see it" in page
    page = write_report(whole, tmp_path / "whole").read_text(encoding="utf-8")
    assert "This is the final look, of 172 participants" in page
    assert "median-unbiased difference" in page
    assert "nominal level of this look" in page
    table = page.split('id="table-interim-looks"')[1].split("</table>")[0]
    assert table.count("<tr") == 3
    assert "38.9 %" in table


def test_the_command_takes_a_look_and_goes_on_from_it(study, planned, tmp_path):
    records = eq.simulate(planned, seed=3)
    write_records(of_first(records, 86), tmp_path / "cut")
    write_records(records, tmp_path / "final")

    def run(*words):
        return CliRunner().invoke(
            app, ["analyse", str(study), *map(str, words)], catch_exceptions=False
        )

    one, two = tmp_path / "one", tmp_path / "two"
    assert run("--data", tmp_path / "cut", "--interim", "--out", one).exit_code == 0
    done = run("--data", tmp_path / "final", "--after", one, "--out", two)
    assert done.exit_code == 0
    found = json.loads((two / "results.json").read_text(encoding="utf-8"))
    assert [row["final"] for row in found["interim"]["looks"]] == [False, True]
    assert "--after RESULTS" in found["provenance"]["command"]
    table = pl.read_csv(two / "tables" / "interim_looks.csv")
    assert table["participants"].to_list() == [86, 172]
    blind = tmp_path / "blind"
    write_records(records.without_allocation(), tmp_path / "unknown")
    assert run("--data", tmp_path / "unknown", "--out", blind).exit_code == 0
    with pytest.raises(eq.EquipoiseError, match="results of an interim look"):
        run("--data", tmp_path / "final", "--after", blind, "--out", tmp_path / "three")
