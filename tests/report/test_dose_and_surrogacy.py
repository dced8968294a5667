"""What the report says of the spline and of surrogacy: each shape of a set, each reason."""

from __future__ import annotations

import pytest
import statsmodels.api as sm
from tests.analysis.test_early_change import by_hand, predicted, tiny, with_prediction

import equipoise as eq
from equipoise.analysis import result_tables
from equipoise.analysis.prediction.prediction_results import SurrogacyRow
from equipoise.report import surrogacy_words, tables
from equipoise.report.dose_figure import dose_figures


def test_the_composite_is_drawn_with_its_participants(il2_results):
    found = il2_results.prediction
    marker = surrogacy_words.dose_marker(found)
    assert (marker.endpoint, marker.kind) == ("stimulation", "composite")
    assert len(marker.dose.marks) == marker.dose.n == marker.headline.n
    drawing = dose_figures(il2_results)["early-change-dose"]
    assert drawing.inline.count('class="point"') == marker.dose.n
    assert "SIMULATED" in drawing.inline
    assert "One mark a participant" in drawing.caption
    # No curve is kept of a marker that is not drawn.
    assert found.markers[1].dose.curve == ()
    assert found.markers[1].dose.p is not None


def test_people_who_may_not_be_shown_are_not(il2, il2_records, il2_results):
    observed = eq.records_from_tables(il2, il2_records.frames(), origin="observed")
    plan = with_prediction(il2, predictors=("treg_percent",), permutations=19, imputations=2)
    real = predicted(plan, observed)
    assert real.markers[0].dose.marks == ()
    assert real.markers[0].dose.curve
    results = il2_results.model_copy(update={"prediction": real})
    drawing = dose_figures(results)["early-change-dose"]
    assert 'class="point"' not in drawing.inline
    assert "Single people are not shown" in drawing.caption
    small = predicted(plan, tiny(il2, observed=True))
    assert small.markers[0].dose is None
    assert small.markers[0].surrogacy == ()
    results = il2_results.model_copy(update={"prediction": small})
    assert dose_figures(results) == {}
    assert surrogacy_words.dose(results, small).endswith("too few people may be shown.")
    assert tables.surrogacy_table(results, small) is None
    assert tables.linearity_table(small) is None


def test_effects_equal_least_squares_from_the_records(il2_records, il2_results):
    marker = il2_results.prediction.markers[0]
    row = marker.surrogacy[0]
    fit, design = by_hand(il2_records, "treg", "%CD4", among="within-arms")
    rest = design[:, 1:]
    total = sm.OLS(fit.model.endog, rest).fit()
    on_marker = sm.OLS(design[:, 0] / marker.headline.sd, rest).fit()
    assert row.outcome_effect == pytest.approx(total.params[4])
    assert row.marker_effect == pytest.approx(on_marker.params[4])
    assert row.relative_effect == pytest.approx(total.params[4] / on_marker.params[4])
    # The adjusted association is the partial correlation within arms.
    assert row.association == pytest.approx(marker.headline.correlation)
    low, high = total.conf_int()[4]
    assert (row.proportion is None) == (low <= 0 <= high)


def test_what_is_said_has_the_caution_behind_it(il2_results):
    found = il2_results.prediction
    (said,) = surrogacy_words.surrogacy(il2_results, found, found.markers[0])
    assert "One small trial cannot validate a surrogate" in said
    assert "Aldesleukin against Placebo: for each standard deviation" in said
    page = tables.surrogacy_table(il2_results, found)
    assert "T-cell stimulation" in page
    assert "Proportion explained" in page
    assert "spline with 3 knots" in surrogacy_words.dose(il2_results, found)
    rows = result_tables(il2_results)
    assert rows["early_change_surrogacy"].height == 11
    assert rows["early_change_bend"].height == 11


@pytest.mark.parametrize(
    ("shape", "limits", "words"),
    [
        ("interval", (-3.2, -1.1), "−3.20 to −1.10"),
        ("interval", (None, -1.1), "up to −1.10"),
        ("interval", (2.0, None), "from 2.00"),
        (
            "two rays",
            (-1.0, 6.0),
            "up to −1.00, or from 6.00 on: the effect on the marker may be 0",
        ),
        ("whole line", (None, None), "every value: nothing is excluded"),
    ],
)
def test_each_shape_of_a_set_is_said(shape, limits, words):
    row = SurrogacyRow(
        arm="il2",
        n=30,
        relative_effect=-2.0,
        relative_effect_lower=limits[0],
        relative_effect_upper=limits[1],
        shape=shape,
    )
    assert surrogacy_words.set_text(row) == words
    assert surrogacy_words.proportion_text(row) == (
        "not given: the interval of the effect on the outcome holds 0"
    )


def test_where_it_cannot_be_had_the_reason_is_said(il2_results):
    found = il2_results.prediction
    failed = SurrogacyRow(arm="il2", n=3, failure="too few people in either arm")
    marker = found.markers[0].model_copy(update={"surrogacy": (failed,)})
    (said,) = surrogacy_words.surrogacy(il2_results, found, marker)
    assert "cannot be set against" in said
    assert "too few people in either arm" in said
    assert "cannot validate" in said
    lead = found.model_copy(update={"markers": (marker,)})
    assert "not estimable" in tables.surrogacy_table(il2_results, lead)
