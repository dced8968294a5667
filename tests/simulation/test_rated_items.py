"""Items of simulated forms score to their totals, and each takes its share."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.instruments import Instrument, get_scale, score_items
from equipoise.simulation.rated_items import apportioned_items
from equipoise.streams import stream

WITH_ITEMS = ["bdi", "ctq", "hdrs-17", "hdrs-21", "ids-sr", "madrs", "qids-sr", "ymrs"]


def forms(scale, totals, seed=1):
    drawn = apportioned_items(scale, totals, stream(seed, "test"))
    array = np.full((len(totals), len(scale.items)), np.nan)
    for number, scores in drawn.items():
        array[:, number - 1] = scores
    return array


@pytest.mark.parametrize("name", WITH_ITEMS)
def test_every_total_is_given_back_by_items_within_their_ranges(name):
    scale = get_scale(name)
    totals = np.arange(scale.total[0], scale.total[1] + 1)
    array = forms(scale, totals)
    assert score_items(scale, array).total.score.tolist() == totals.tolist()
    for item, column in zip(scale.items, array.T, strict=True):
        if item.counted:
            assert column.min() >= item.range[0]
            assert column.max() <= item.range[1]
        else:
            assert np.isnan(column).all()


def test_each_item_expects_the_share_of_the_total():
    """HDRS of 26 of 52: every item expects half of its range. Mean of 40,000: SE below 0.005."""
    scale = get_scale("hdrs-17")
    means = forms(scale, np.full(40_000, 26)).mean(axis=0)
    for item, mean in zip(scale.items, means, strict=True):
        assert mean == pytest.approx(item.range[1] / 2, abs=0.025)  # five standard errors


def test_an_item_with_a_weight_expects_less_and_the_total_stands():
    """Item 3 with weight 0.4 at half the total: a mean of 0.8 of 4, not 2; the others the rest."""
    scale = get_scale("hdrs-17")
    drawn = apportioned_items(scale, np.full(40_000, 26), stream(1, "test"), {3: 0.4})
    assert (sum(drawn.values()) == 26).all()
    assert drawn[3].mean() == pytest.approx(0.8, abs=0.02)  # five standard errors
    assert drawn[1].mean() == pytest.approx(4 * (26 - 0.8) / 48, abs=0.03)
    for total in (0, 1, 51, 52):
        form = apportioned_items(scale, np.full(200, total), stream(2, "test"), {3: 0.4, 1: 0.0})
        assert (sum(form.values()) == total).all()
        assert all(v.min() >= 0 and v.max() <= scale.items[n - 1].range[1]
                   for n, v in form.items())  # fmt: skip


def test_of_alternatives_one_is_at_its_lowest():
    scale = get_scale("ids-sr")
    array = forms(scale, np.full(500, 60))
    assert (array[:, [10, 11]].min(axis=1) == 0).all()
    assert (array[:, 10] > 0).any()
    assert (array[:, 11] > 0).any()


def test_a_domain_of_unequal_ranges_is_carried_by_an_item_that_can():
    scale = Instrument.model_validate({
        "label": "x", "title": "x", "source": "x", "certainty": "recalled", "rater": "clinician",
        "better": "lower", "scoring": "sum-of-domain-maxima", "total": [0, 3],
        "items": [{"label": "a", "range": [0, 3]}, {"label": "b", "range": [0, 1]}],
        "domains": [{"label": "d", "items": [1, 2]}],
    })  # fmt: skip
    totals = np.repeat([0, 1, 2, 3], 50)
    array = forms(scale, totals)
    assert score_items(scale, array).total.score.tolist() == totals.tolist()
    assert array[:, 1].max() == 1


def test_the_same_stream_gives_the_same_items():
    scale, totals = get_scale("qids-sr"), np.arange(28)
    assert (forms(scale, totals) == forms(scale, totals)).all()
    assert (forms(scale, totals, seed=2) != forms(scale, totals)).any()
