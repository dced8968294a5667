"""Inference by design in a trial: drawn by the scheme, refused with a reason, shown as it was."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import polars as pl
import pytest

import equipoise as eq
from equipoise.analysis.dataset import Dataset, make_dataset
from equipoise.analysis.groups import make_groups
from equipoise.analysis.mixed_models import analyse_endpoint
from equipoise.analysis.rerandomised import cannot_redraw, draw_allocations, rerandomise
from equipoise.analysis.storage import result_tables
from equipoise.protocol.questions import (
    SENSITIVITY_FIELDS,
    DfMethod,
    Empirical,
    Model,
    SensitivityMethod,
    Structure,
)
from equipoise.report import write_report
from equipoise.report.references import REFERENCES, used
from equipoise.report.what_ran import limits
from equipoise.stats import CoefficientCovariance, CovarianceStructure, DegreesOfFreedom, mmrm


@pytest.fixture(scope="module")
def data(il2, il2_records) -> Dataset:
    return make_dataset(il2, il2_records, make_groups(il2, il2_records), "treg_percent")


def small(il2, **changes):
    """The planned test with few draws."""
    item = il2.analysis.sensitivity["treg-design"]
    return item.model_copy(update={"draws": 19, **changes})


def allocation(records, **columns):
    frame = records.allocation.with_columns(**columns)
    return replace(records, allocation=frame)


def test_the_words_of_the_protocol_are_those_of_the_statistics():
    spatial = {"sp_exp"}
    assert {*get_args(Structure)} == {s.word for s in CovarianceStructure} - spatial
    assert {*get_args(Empirical)} == {c.word for c in CoefficientCovariance} - {"model"}
    assert {*get_args(DfMethod)} == {d.word for d in DegreesOfFreedom}
    assert {*get_args(Model.model_fields["vcov"].annotation)} == {"model", *get_args(Empirical)}
    assert set(SENSITIVITY_FIELDS) == set(SensitivityMethod)


def test_the_test_is_the_model_fitted_to_redrawn_arms(il2, il2_records, data):
    """A plain twin: the list redrawn, the arm column replaced, the model fitted by its door."""
    (row,), failure = rerandomise(
        il2, il2_records, data, il2.estimands["treg_response"], small(il2), ("il2",)
    )
    assert failure is None
    drawn = draw_allocations(il2, il2_records, 19, 2024)
    model = il2.analysis.models["cells"]

    def t_of(frame: pl.DataFrame) -> float:
        fit = mmrm(model.formula, frame, subject="participant", visit="visit")
        found = fit.contrasts("arm", reference="placebo", by="visit").filter(visit="day5")
        return float(found["t"][0])

    own = t_of(data.frame)
    others = []
    for arms in drawn.arms:
        moved = {person: arms[i] for person, i in drawn.participants.items()}
        arm = pl.col("participant").replace_strict(moved, return_dtype=pl.String)
        others.append(t_of(data.frame.with_columns(arm.cast(data.frame["arm"].dtype).alias("arm"))))
    extreme = sum(abs(t) >= abs(own) for t in others)
    assert (row.extreme, row.draws, row.distinct, row.failed) == (extreme, 19, 19, 0)
    assert row.p == (extreme + 1) / 20
    assert row.t == pytest.approx(own, rel=1e-7)
    assert sum(row.counts) == 19
    wanted, _ = np.histogram(others, bins=row.edges)
    assert row.counts == tuple(wanted)
    assert row.steps == (("us", 19),)


def test_the_order_of_the_records_does_not_matter(il2, il2_records):
    shuffled = replace(
        il2_records, allocation=il2_records.allocation.sample(fraction=1.0, shuffle=True, seed=1)
    )
    first, second = (draw_allocations(il2, r, 5, 9) for r in (il2_records, shuffled))
    for person, column in first.participants.items():
        np.testing.assert_array_equal(
            first.arms[:, column], second.arms[:, second.participants[person]]
        )
    table = il2_records.allocation.join(il2_records.participants, on="participant")
    for stratum in il2.strata:
        people = table.filter(pl.col("stratum") == stratum)["participant"].to_list()
        columns = [first.participants[person] for person in people]
        assert ((first.arms[:, columns] == "il2").sum(axis=1) == 12).all()


def test_what_cannot_be_redrawn_is_said(il2, il2_records, data, antidepressant):
    assert cannot_redraw(il2, il2_records) is None
    without = allocation(il2_records, sequence=pl.lit(None, pl.Int64))
    assert "36 of 36 allocations have no sequence" in str(cannot_redraw(il2, without))
    rows, failure = rerandomise(
        il2, without, data, il2.estimands["treg_response"], small(il2), ("il2",)
    )
    assert rows == ()
    assert "blocks are drawn in the order of enrolment" in str(failure)
    empty = allocation(il2_records, stratum=pl.lit(None, pl.String))
    assert "36 allocations have no stratum" in str(cannot_redraw(il2, empty))
    zero = allocation(il2_records, sequence=pl.col("sequence") - 1)
    assert "counted from 1" in str(cannot_redraw(il2, zero))
    swapped = allocation(
        il2_records,
        arm=pl.when(pl.col("sequence") <= 3).then(pl.lit("placebo")).otherwise("arm"),
    )
    said = str(cannot_redraw(il2, swapped))
    assert "places 1 to 6 of the list: more people on Placebo than a block of 6 holds" in said
    assert "did not come from the protocol’s scheme" in said
    assert "no allocation" in str(cannot_redraw(il2, il2_records.without_allocation()))
    rows, failure = rerandomise(
        il2, il2_records, data, il2.estimands["treg_response"], small(il2), ()
    )
    assert (rows, failure) == ((), "the estimand has no comparison to test")
    # Simple randomisation has no order that could matter.
    records = eq.simulate(antidepressant, seed=1)
    unordered = allocation(records, sequence=pl.lit(None, pl.Int64))
    assert cannot_redraw(antidepressant, unordered) is None
    assert draw_allocations(antidepressant, unordered, 3, 1).arms.shape == (3, 172)


def test_the_other_models_are_those_of_the_door(il2, il2_results, data):
    found = {s.key: s for s in il2_results.estimands["treg_response"].sensitivity}
    formula = il2.analysis.models["cells"].formula
    for key, options in {
        "treg-arm-variances": {"group": "arm"},
        "treg-empirical": {"vcov": "cr2", "df": "satterthwaite"},
    }.items():
        fit = mmrm(formula, data.frame, subject="participant", visit="visit", **options)
        wanted = fit.contrasts("arm", reference="placebo", by="visit").filter(visit="day5")
        (row,) = found[key].contrasts
        for name in ("estimate", "se", "df", "p", "lower", "upper"):
            assert getattr(row, name) == pytest.approx(wanted[name][0], rel=1e-6), (key, name)
    grouped = found["treg-arm-variances"].fit
    assert grouped.group == "arm"
    assert [level for level, _ in grouped.covariance_by_group] == ["placebo", "il2"]
    assert grouped.covariance_matrix == ()
    assert found["treg-empirical"].fit.vcov == "cr2"


def test_the_ladder_is_walked_where_it_is_written_and_recorded(il2, il2_records, data):
    few = data.frame.filter(pl.col("participant").is_in(data.participants[:4]))
    groups = make_groups(il2, il2_records)
    change = {"formula": "log_fold ~ arm*visit", "subgroup": None}
    model = il2.analysis.models["cells"].model_copy(update=change)
    one = Dataset(few, (), (), 0)

    def fit_by(*ladder):
        walked = model.model_copy(update={"covariance": ladder})
        return analyse_endpoint(il2, groups, "treg_percent", one, subgroups=False, model=walked)

    stuck = fit_by("us")
    assert stuck.fit is None
    assert str(stuck.failure).startswith("us: ")
    taken = fit_by("us", "ar1", "cs").fit
    assert taken is not None
    assert (taken.tried, taken.covariance) == (("us", "ar1"), "ar1")
    ((word, why),) = taken.failures
    assert word == "us"
    assert why == str(stuck.failure).removeprefix("us: ")
    assert "ar1 takes visits for equally spaced; they lie at days" in taken.notes[0]


def test_what_is_not_tested_has_no_p_by_design(il2_results):
    found = next(s for s in il2_results.estimands["treg_response"].sensitivity if s.rerandomised)
    (row,) = found.rerandomised
    hidden = row.untested()
    assert (hidden.p, hidden.t, hidden.extreme, hidden.p_upper) == (None,) * 4
    assert hidden.counts == ()
    assert hidden.lower == row.lower


def test_the_report_shows_the_test_and_claims_what_ran(il2_results, blinded_results, tmp_path):
    page = write_report(il2_results, tmp_path).read_text(encoding="utf-8")
    assert "Inference by design: " in page
    assert 'id="table-rerandomisation-treg_response"' in page
    assert "redrawn allocations; observed" in page
    assert "999 allocations were drawn by the protocol’s own scheme" in page
    assert (tmp_path / "figures" / "treg_response-treg-design-il2.svg").is_file()
    said = " ".join(limits(il2_results))
    assert "A re-randomisation test, which needs no such approximation, stands beside" in said
    assert "A model with a covariance for each arm stands beside" in said
    assert REFERENCES["add-one"] in used(il2_results)
    assert REFERENCES["sandwich"] in used(il2_results)
    table = result_tables(il2_results)["estimand_treg_response_rerandomisation"]
    assert table["seed"].to_list() == [2024]
    assert set(table["origin"]) == {"SIMULATED"}
    # Neither claimed nor computed while blinded.
    assert blinded_results.estimands == {}
    assert REFERENCES["add-one"] not in used(blinded_results)
    assert "re-randomisation" not in " ".join(limits(blinded_results))


def test_limits_say_what_was_planned_and_could_not_be(il2_results):
    def with_tests(keep):
        changed = {
            key: e.model_copy(update={"sensitivity": tuple(keep(s) for s in e.sensitivity)})
            for key, e in il2_results.estimands.items()
        }
        return il2_results.model_copy(update={"estimands": changed})

    failed = with_tests(
        lambda s: s.model_copy(update={"rerandomised": (), "failure": "no sequence"})
    )
    assert "The planned re-randomisation test could not be made" in " ".join(limits(failed))
    unplanned = with_tests(
        lambda s: s.model_copy(update={"rerandomised": (), "method": "strategy"})
    )
    assert "The protocol plans no re-randomisation test" in " ".join(limits(unplanned))


DESIGN = 'method = "re-randomisation"\ndraws = 999\nseed = 2024'
MODEL = 'covariance = ["us"]\nmethod = "reml"\ndf = "kenward-roger"'


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (DESIGN, 'method = "re-randomisation"', "`re-randomisation` goes with `draws`; it may"),
        (DESIGN, DESIGN + '\nstrategy = "hypothetical"', "goes with `draws`; it may have `seed`"),
        (DESIGN, 'method = "re-randomisation"\ndraws = 9', "draws"),
        (DESIGN, 'method = "empirical"\ndraws = 99', "needs nothing further; it may have `vcov`"),
        (MODEL, MODEL.replace('["us"]', '["us", "cs", "us"]'), "structure is tried once"),
        (MODEL, MODEL.replace('["us"]', '["us", "sp_exp"]'), "covariance"),
        (MODEL, MODEL + '\nvcov = "cr2"', "does not go with an empirical one"),
        (MODEL, MODEL.replace("reml", "ml"), "corrects the covariance of restricted-likelihood"),
    ],
)
def test_plans_that_cannot_be_carried_out_are_refused(write_protocol, old, new, rule):
    with pytest.raises(eq.EquipoiseError) as info:
        eq.load_protocol(write_protocol((old, new)))
    assert rule in str(info.value)
    assert all(fault.remedy for fault in info.value.faults)


def test_a_rate_has_no_model_to_refit(write_protocol):
    change = (
        'endpoint = "hdrs_change"\nvisit = "week8"',
        'endpoint = "hdrs_response"\nvisit = "week8"',
    )
    with pytest.raises(eq.EquipoiseError, match="is for endpoints that a mixed model answers"):
        eq.load_protocol(write_protocol(change))
