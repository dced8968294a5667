"""Totals from items, against totals added by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from equipoise.instruments import Instrument, MissingItems, get_scale, score_items

#: scale → (items as on the form, total by hand, subscales by hand)
BY_HAND = {
    # 3+2+1+1+2+1+3+2+1+3+2+1+2+1+2+0+1 = 28
    "hdrs-17": ([3, 2, 1, 1, 2, 1, 3, 2, 1, 3, 2, 1, 2, 1, 2, 0, 1], 28, {}),
    # the same 28, and 2+1+3+0 = 6
    "hdrs-21": (
        [3, 2, 1, 1, 2, 1, 3, 2, 1, 3, 2, 1, 2, 1, 2, 0, 1, 2, 1, 3, 0], 34, {"hdrs-17": 28},
    ),
    # 4+4+3+5+2+3+4+3+2+1 = 31
    "madrs": ([4, 4, 3, 5, 2, 3, 4, 3, 2, 1], 31, {}),
    # seven triples 0+1+2 and so on: 7 * 3 = 21, with the last item raised by one
    "bdi": ([0, 1, 2] * 6 + [0, 1, 3], 22, {}),
    # 2+3+1+4+6+8+2+4+2+0+1 = 33
    "ymrs": ([2, 3, 1, 4, 6, 8, 2, 4, 2, 0, 1], 33, {}),
    # items 1-10 all 1 = 10; appetite 2 against 3 counts 3; weight 1 against 0 counts 1;
    # items 15-30 all 2 = 32; 10 + 3 + 1 + 32 = 46
    "ids-sr": ([1] * 10 + [2, 3, 1, 0] + [2] * 16, 46, {}),
    # sleep max(1,3,0,2) = 3; mood 2; appetite and weight max(0,1,2,0) = 2; 1; 0; 1; 2; 3;
    # psychomotor max(1,0) = 1; 3+2+2+1+0+1+2+3+1 = 15
    "qids-sr": ([1, 3, 0, 2, 2, 0, 1, 2, 0, 1, 0, 1, 2, 3, 1, 0], 15, {}),
}  # fmt: skip


def scored(name, items, **rule):
    missing = MissingItems(**rule) if rule else None
    return score_items(get_scale(name), np.array([items], dtype=float), missing)


@pytest.mark.parametrize("name", BY_HAND)
def test_a_full_form_gives_the_total_added_by_hand(name):
    items, total, subscales = BY_HAND[name]
    found = scored(name, items)
    assert (
        found.total.score.tolist()
        == found.total.lowest.tolist()
        == found.total.highest.tolist()
        == [total]
    )
    assert {key: value.score[0] for key, value in found.subscales.items()} == subscales
    assert (found.total.missing[0], found.total.n_prorated) == (0, 0)


def ctq_form(**answers):
    """Everything 1 on the form, but for the items given by number."""
    items = [1.0] * 28
    for key, value in answers.items():
        items[int(key[1:]) - 1] = value
    return items


def test_the_reversed_items_of_the_ctq_by_hand():
    """All 1: eighteen plain items give 18, seven reversed ones give 7 * 5 = 35, in sum 53."""
    found = scored("ctq", ctq_form())
    assert found.total.score[0] == 53
    assert {key: value.score[0] for key, value in found.subscales.items()} == {
        "emotional-abuse": 5, "physical-abuse": 5, "sexual-abuse": 5,
        "emotional-neglect": 25,  # five reversed items
        "physical-neglect": 13,  # 1, 4, 6 plain: 3; 2 and 26 reversed: 10
    }  # fmt: skip
    # The least trauma: reversed items 5, plain ones 1. The most: the other way round.
    turned = {f"i{n}": 5.0 for n in (2, 5, 7, 13, 19, 26, 28)}
    assert scored("ctq", ctq_form(**turned)).total.score[0] == 25
    most = [6 - score for score in ctq_form(**turned)]
    assert scored("ctq", most).total.score[0] == 125


def test_minimisation_counts_in_nothing():
    without = scored("ctq", ctq_form())
    with_it = scored("ctq", ctq_form(i10=5, i16=5, i22=5))
    missing = scored("ctq", ctq_form(i10=math.nan, i16=math.nan, i22=math.nan))
    assert without.total.score[0] == with_it.total.score[0] == missing.total.score[0] == 53
    assert missing.total.missing[0] == 0


@pytest.mark.parametrize("name", [*BY_HAND, "ctq"])
@pytest.mark.parametrize("end", [0, 1])
def test_the_ends_of_the_items_give_the_ends_of_the_total(name, end):
    scale = get_scale(name)
    items = [item.range[1 - end if item.reversed else end] for item in scale.items]
    found = scored(name, items)
    assert found.total.score[0] == scale.total[end]
    for key, part in scale.subscales.items():
        assert found.subscales[key].score[0] == part.total[end]


@pytest.mark.parametrize("name", [*BY_HAND, "ctq"])
def test_an_empty_form_has_no_total_and_leaves_the_whole_range_possible(name):
    scale = get_scale(name)
    found = scored(name, [math.nan] * len(scale.items))
    assert np.isnan(found.total.score[0])
    assert all(np.isnan(value.score[0]) for value in found.subscales.values())
    assert (found.total.lowest[0], found.total.highest[0]) == scale.total


def test_without_a_rule_one_missing_item_takes_the_total():
    items = [*BY_HAND["madrs"][0][:-1], math.nan]
    found = scored("madrs", items)
    assert np.isnan(found.total.score[0])
    assert found.total.missing[0] == 1
    assert (found.total.lowest[0], found.total.highest[0]) == (30, 36)


def test_of_alternatives_one_rated_item_is_enough():
    items, total, _ = BY_HAND["ids-sr"]
    one = list(items)
    one[10] = math.nan  # less appetite: the 3 of more appetite counted anyway
    one[13] = math.nan
    assert scored("ids-sr", one).total.score[0] == total
    one[11] = math.nan
    found = scored("ids-sr", one)
    assert np.isnan(found.total.score[0])
    assert (found.total.lowest[0], found.total.highest[0]) == (total - 3, total)


def test_a_domain_with_an_item_missing_has_no_value_but_bounds():
    items, total, _ = BY_HAND["qids-sr"]
    first = list(items)
    first[0] = math.nan
    found = scored("qids-sr", first)
    assert np.isnan(found.total.score[0])
    # Item 2 is 3 already: whatever item 1 was, the domain is 3.
    assert (found.total.lowest[0], found.total.highest[0]) == (total, total)
    first[1] = math.nan  # left: 0 and 2
    found = scored("qids-sr", first)
    assert (found.total.lowest[0], found.total.highest[0]) == (total - 1, total)
    pair = list(items)
    pair[5] = math.nan  # one of appetite is rated
    assert scored("qids-sr", pair).total.score[0] == total


def test_proration_gives_missing_items_the_share_of_the_others():
    """MADRS: nine items sum to 27 of 54, one half, so the total is 30 of 60."""
    items = [3.0] * 9 + [math.nan]
    found = scored("madrs", items, rule="prorate", at_most=1)
    assert found.total.score[0] == 30
    assert found.total.prorated.tolist() == [True]
    assert found.total.n_prorated == 1
    two = [3.0] * 8 + [math.nan] * 2
    assert np.isnan(scored("madrs", two, rule="prorate", at_most=1).total.score[0])
    # HDRS: item 4 (0 to 2) is missing, the others reach 25 of 50: 26 of 52.
    hdrs = [2, 2, 2, math.nan, 1, 1, 2, 2, 2, 2, 2, 1, 1, 1, 2, 1, 1]
    assert scored("hdrs-17", hdrs, rule="prorate", at_most=2).total.score[0] == 26


def test_proration_starts_at_the_lowest_score_not_at_zero():
    """CTQ: item 1 is missing; the other 24 reach 24 of 24..120, their floor, as in 25 of 25..125."""
    turned = {f"i{n}": 5.0 for n in (2, 5, 7, 13, 19, 26, 28)}
    form = ctq_form(**turned, i1=math.nan)
    found = scored("ctq", form, rule="prorate", at_most=1)
    assert found.total.score[0] == 25
    assert np.isnan(found.subscales["physical-neglect"].score[0])
    found = scored("ctq", form, rule="prorate", at_most=1, at_most_in_subscale=1)
    assert found.subscales["physical-neglect"].score[0] == 5


@pytest.mark.parametrize(("rounding", "total"), [("none", 10 * 28 / 9), ("nearest", 31)])
def test_a_prorated_total_is_rounded_as_the_rule_says(rounding, total):
    items = [4, 4, 3, 5, 2, 3, 4, 3, 0, math.nan]  # 28 of 54
    found = scored("madrs", items, rule="prorate", at_most=1, rounding=rounding)
    assert found.total.score[0] == pytest.approx(total, rel=1e-12)  # one rounding of a quotient


def test_halves_are_rounded_up():
    scale = Instrument.model_validate({
        "label": "x", "title": "x", "source": "x", "certainty": "recalled", "rater": "clinician",
        "better": "lower", "scoring": "sum", "total": [0, 6],
        "items": [{"label": "a", "range": [0, 2]}, {"label": "b", "range": [0, 2]},
                  {"label": "c", "range": [0, 2]}],
        "missing_items": {"rule": "prorate", "at_most": 1, "rounding": "nearest"},
    })  # fmt: skip
    # 1 of 4 is 1.5 of 6, 3 of 4 is 4.5 of 6.
    forms = np.array([[1, 0, math.nan], [2, 1, math.nan]])
    assert score_items(scale, forms).total.score.tolist() == [2, 5]


def test_many_forms_at_once_keep_their_order():
    rng = np.random.default_rng(3)
    scale = get_scale("hdrs-17")
    forms = np.column_stack([rng.integers(0, i.range[1] + 1, 200) for i in scale.items]).astype(
        float
    )
    forms[7, 2] = math.nan
    found = score_items(scale, forms)
    by_hand = [sum(form) for form in forms.tolist()]
    assert np.isnan(found.total.score[7])
    assert math.isnan(by_hand[7])
    keep = np.arange(200) != 7
    assert found.total.score[keep].tolist() == [t for i, t in enumerate(by_hand) if i != 7]


def test_what_is_no_form_is_refused():
    with pytest.raises(ValueError, match="CGI-S is a single rating"):
        score_items(get_scale("cgi-s"), np.zeros((1, 0)))
    with pytest.raises(ValueError, match=r"items of MADRS: \(n, 10\), not \(1, 9\)"):
        score_items(get_scale("madrs"), np.zeros((1, 9)))


#: The author's scoring key: subscale → its items, with those that are reversed.
CTQ_KEY = {
    "emotional-abuse": ({3, 8, 14, 18, 25}, set()),
    "physical-abuse": ({9, 11, 12, 15, 17}, set()),
    "sexual-abuse": ({20, 21, 23, 24, 27}, set()),
    "emotional-neglect": ({5, 7, 13, 19, 28}, {5, 7, 13, 19, 28}),
    "physical-neglect": ({1, 2, 4, 6, 26}, {2, 26}),
}  # fmt: skip


@pytest.mark.parametrize("name", CTQ_KEY)
def test_each_subscale_of_the_ctq_follows_its_key(name):
    """The items of one subscale at their worst, all others at their best: 25, and 5 elsewhere."""
    worst, turned = CTQ_KEY[name][0], set().union(*(key[1] for key in CTQ_KEY.values()))
    form = [5.0 if (n in worst) != (n in turned) else 1.0 for n in range(1, 29)]
    found = scored("ctq", form)
    scores = {key: value.score[0] for key, value in found.subscales.items()}
    assert scores == {key: 25 if key == name else 5 for key in CTQ_KEY}
    assert found.total.score[0] == 45
