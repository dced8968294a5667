"""Every scale of the library against a table of its own, kept by hand."""

from __future__ import annotations

import pytest

from equipoise.instruments import Instrument, Scoring, get_scale, scale_names

#: name → number of items, counted items, total, better, suicidality item, scoring, rated before?
FACTS = {
    "bdi": (21, 21, (0, 63), "lower", 9, "sum", True),
    "cgi-i": (0, 0, (1, 7), "lower", None, "single-rating", False),
    "cgi-s": (0, 0, (1, 7), "lower", None, "single-rating", True),
    "ctq": (28, 25, (25, 125), "lower", None, "sum", True),
    "gaf": (0, 0, (1, 100), "higher", None, "single-rating", True),
    "hdrs-17": (17, 17, (0, 52), "lower", 3, "sum", True),
    "hdrs-21": (21, 21, (0, 64), "lower", 3, "sum", True),
    "ids-sr": (30, 30, (0, 84), "lower", 18, "sum", True),
    "madrs": (10, 10, (0, 60), "lower", 10, "sum", True),
    "qids-sr": (16, 16, (0, 27), "lower", 12, "sum-of-domain-maxima", True),
    "ymrs": (11, 11, (0, 60), "lower", None, "sum", True),
}

#: name → (response as a reduction, response at most, remission below)
RULES = {
    "bdi": (0.5, None, None),
    "cgi-i": (None, 2, None),
    "cgi-s": (None, None, None),
    "ctq": (None, None, None),
    "gaf": (None, None, None),
    "hdrs-17": (0.5, None, 8),
    "hdrs-21": (0.5, None, None),
    "ids-sr": (0.5, None, 14),
    "madrs": (0.5, None, 10),
    "qids-sr": (0.5, None, 6),
    "ymrs": (0.5, None, 13),
}


def test_the_library_holds_these_scales():
    assert scale_names() == tuple(sorted(FACTS)) == tuple(sorted(RULES))
    with pytest.raises(KeyError, match="phq-9"):
        get_scale("phq-9")


@pytest.mark.parametrize("name", FACTS)
def test_each_scale_is_what_the_table_says(name):
    scale = get_scale(name)
    assert FACTS[name] == (
        len(scale.items), len(scale.counted), scale.total, scale.better,
        scale.suicidality_item, scale.scoring, scale.baseline,
    )  # fmt: skip
    rules = (scale.response_reduction, scale.response_at_most, scale.remission_below)
    assert rules == RULES[name]


@pytest.mark.parametrize("name", FACTS)
def test_each_rule_says_where_it_comes_from_and_how_sure_it_is(name):
    scale = get_scale(name)
    for field in ("response_reduction", "response_at_most", "remission_below"):
        if getattr(scale, field) is not None:
            assert field in scale.provenance, field
    if scale.items:
        assert "missing_items" in scale.provenance


@pytest.mark.parametrize("name", FACTS)
def test_labels_are_short_words_of_our_own(name):
    """A wording would be a sentence: no label has more than five words or a question mark."""
    scale = get_scale(name)
    for label in [item.label for item in scale.items] + list(scale.levels.values()):
        assert len(label.split()) <= 5
        assert "?" not in label
        assert " I " not in f" {label} "
    assert len({item.label for item in scale.items}) == len(scale.items)


def test_suicidality_items_are_labelled_as_such():
    for name, (_, _, _, _, item, _, _) in FACTS.items():
        if item is not None:
            assert get_scale(name).items[item - 1].label == "suicidality"


def test_parts_have_ranges_and_labels():
    ctq, hdrs = get_scale("ctq"), get_scale("hdrs-17")
    assert hdrs.range_of(None) == hdrs.range_of("total") == (0, 52)
    assert hdrs.range_of(4) == hdrs.range_of("4") == (0, 2)
    assert ctq.range_of("emotional-abuse") == (5, 25)
    assert ctq.label_of("emotional-abuse") == "Emotional abuse"
    assert hdrs.label_of(3) == "item 3 (suicidality)"
    assert hdrs.label_of(None) == "total"
    for scale, part in ((hdrs, 18), (hdrs, 0), (hdrs, "0"), (ctq, "abuse")):
        with pytest.raises(KeyError, match=str(part)):
            scale.range_of(part)


def test_every_field_of_a_scale_is_described():
    for name, field in Instrument.model_fields.items():
        assert field.description, name
    assert {s.value for s in Scoring} == {"sum", "sum-of-domain-maxima", "single-rating"}


def test_ranges_of_items_as_the_forms_have_them():
    """HDRS: nine items of 0-4 among seventeen; YMRS: four count double; the others are even."""
    highest = {name: [item.range[1] for item in get_scale(name).items] for name in FACTS}
    lowest = {name: {item.range[0] for item in get_scale(name).items} for name in FACTS}
    wide = {1, 2, 3, 7, 8, 9, 10, 11, 15}
    hdrs = [4 if n in wide else 2 for n in range(1, 18)]
    assert highest["hdrs-17"] == hdrs
    assert highest["hdrs-21"] == [*hdrs, 2, 4, 4, 2]
    assert highest["ymrs"] == [8 if n in {5, 6, 8, 9} else 4 for n in range(1, 12)]
    for name, top in (("madrs", 6), ("bdi", 3), ("ids-sr", 3), ("qids-sr", 3), ("ctq", 5)):
        assert set(highest[name]) == {top}
    assert {name: ends for name, ends in lowest.items() if ends not in (set(), {0})} == {"ctq": {1}}


def test_reversed_uncounted_and_alternative_items_and_domains():
    ctq, ids, qids = get_scale("ctq"), get_scale("ids-sr"), get_scale("qids-sr")
    assert [n for n in ctq.item_numbers if ctq.items[n - 1].reversed] == [2, 5, 7, 13, 19, 26, 28]
    assert [n for n in ctq.item_numbers if n not in ctq.counted] == [10, 16, 22]
    assert ids.alternatives == ((11, 12), (13, 14))
    assert qids.alternatives == ((6, 7), (8, 9))
    assert [d.items for d in qids.domains] == [
        (1, 2, 3, 4), (5,), (6, 7, 8, 9), (10,), (11,), (12,), (13,), (14,), (15, 16),
    ]  # fmt: skip
    others = [get_scale(n) for n in FACTS if n not in ("ctq", "ids-sr", "qids-sr")]
    assert not any(s.alternatives or s.domains for s in others)
    assert not any(item.reversed or not item.counted for s in others for item in s.items)
