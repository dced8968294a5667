"""Every fault of a scale file: its line, field, value, rule and remedy, all at once."""

from __future__ import annotations

import pytest

from equipoise import EquipoiseError
from equipoise.instruments import load_scale

SCALE = """\
label = "Mine"
title = "A scale of my own"
source = "Nobody"
certainty = "recalled"
rater = "clinician"
better = "lower"
scoring = "sum"
total = [0, 7]
suicidality_item = 2
response_reduction = 0.5
remission_below = 3
missing_items = { rule = "prorate", at_most = 1 }
alternatives = [[3, 4]]
items = [
  { label = "one", range = [0, 3] },
  { label = "two", range = [0, 2] },
  { label = "less", range = [0, 2] },
  { label = "more", range = [0, 2] },
]

[subscales.both]
label = "One and two"
items = [1, 2]
total = [0, 5]

[provenance]
remission_below = { assumed = "For this test" }
"""


@pytest.fixture
def refused(tmp_path):
    """Write the scale changed, and return the faults of reading it."""

    def read(*changes):
        text = SCALE
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new, 1)
        path = tmp_path / "mine.toml"
        path.write_text(text, encoding="utf-8")
        with pytest.raises(EquipoiseError, match="is refused") as info:
            load_scale(path)
        return text, info.value.faults

    return read


def test_the_scale_itself_is_accepted(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(SCALE, encoding="utf-8")
    assert load_scale(path).total == (0, 7)


SINGLE = [
    ('missing_items = { rule = "prorate", at_most = 1 }\nalternatives = [[3, 4]]\n', ""),
    (SCALE[SCALE.index("items = [") : SCALE.index("[provenance]")], ""),
    ("suicidality_item = 2\n", ""),
    ('scoring = "sum"', 'scoring = "single-rating"'),
]

#: what is wrong → (changes, code, field, rule, remedy, text on the line that is named)
CASES = {
    "a field that scales do not have": (
        [('rater = "clinician"', 'ratre = "clinician"')],
        "field-unknown", "ratre", "`ratre` is not a field of `a scale`", "did you mean `rater`?",
        "ratre",
    ),
    "a field that is missing": (
        [('title = "A scale of my own"\n', "")],
        "field-missing", "title", "`title` is required (Full name)", "add `title = …`", None,
    ),
    "an unknown scoring": (
        [('scoring = "sum"', 'scoring = "mean"')],
        "value-invalid", "scoring", "'sum', 'sum-of-domain-maxima' or 'single-rating'",
        "give: sum, sum-of-domain-maxima or single-rating", "scoring",
    ),
    "an unknown missing-item rule": (
        [('rule = "prorate"', 'rule = "locf"')],
        "value-invalid", "missing_items.rule", "'none' or 'prorate'", "none or prorate",
        "missing_items",
    ),
    "a range of text": (
        [("range = [0, 3]", 'range = ["0", 3]')],
        "value-invalid", "items.0.range.0", "whole number", "", '"0"',
    ),
    "an item without a range": (
        [('{ label = "one", range = [0, 3] }', '{ label = "one" }')],
        "field-missing", "items.0.range", "`range` is required", "add `range = …`", '"one"',
    ),
    "an empty range": (
        [("range = [0, 3]", "range = [3, 3]")],
        "scale-inconsistent", "items.0.range", "lowest < highest", "[lowest, highest]", "[3, 3]",
    ),
    "a total that the items do not reach": (
        [("total = [0, 7]", "total = [0, 9]")],
        "scale-inconsistent", "total", "the items give scores from 0 to 7", "write [0, 7]",
        "total = [0, 9]",
    ),
    "a subscale's total that its items do not reach": (
        [("total = [0, 5]", "total = [1, 5]")],
        "scale-inconsistent", "subscales.both.total", "from 0 to 5", "write [0, 5]",
        "total = [1, 5]",
    ),
    "a suicidality item that is not there": (
        [("suicidality_item = 2", "suicidality_item = 5")],
        "scale-inconsistent", "suicidality_item", "items 1 to 4", "correct the number",
        "suicidality_item",
    ),
    "a subscale with an item that is not there": (
        [("items = [1, 2]", "items = [1, 9]")],
        "scale-inconsistent", "subscales.both.items.1", "items 1 to 4", "correct", "[1, 9]",
    ),
    "a subscale with an item twice": (
        [("items = [1, 2]", "items = [1, 1]")],
        "scale-inconsistent", "subscales.both.items", "stands once in a subscale", "repetition",
        "[1, 1]",
    ),
    "a subscale called total": (
        [("[subscales.both]", "[subscales.total]")],
        "scale-inconsistent", "subscales.total", "`total` is the whole scale's score", "rename",
        "[subscales.total]",
    ),
    "an alternative alone": (
        [("[[3, 4]]", "[[3]]")],
        "scale-inconsistent", "alternatives.0", "two or more items of one range", "correct",
        "alternatives",
    ),
    "alternatives of two ranges": (
        [("[[3, 4]]", "[[1, 3]]")],
        "scale-inconsistent", "alternatives.0", "two or more items of one range", "correct",
        "alternatives",
    ),
    "an item in two groups of alternatives": (
        [("[[3, 4]]", "[[3, 4], [4, 3]]")],
        "scale-inconsistent", "alternatives", "in one group of alternatives", "take it out",
        "alternatives",
    ),
    "items of a single rating": (
        [('scoring = "sum"', 'scoring = "single-rating"')],
        "scale-inconsistent", "items", "a single rating has no items", "correct `scoring`",
        "items = [",
    ),
    "domain maxima without domains": (
        [('scoring = "sum"', 'scoring = "sum-of-domain-maxima"')],
        "scale-inconsistent", "domains", "domains come with", "both or neither", None,
    ),
    "an item in no domain": (
        [('scoring = "sum"', 'scoring = "sum-of-domain-maxima"\n'
          'domains = [{ label = "a", items = [1, 2, 3] }]')],
        "scale-inconsistent", "domains", "exactly one domain", "correct the lists", "domains",
    ),
    "nothing counted": (
        [(f"range = [0, {high}] }}", f"range = [0, {high}], counted = false  }}")
         for high in (3, 2, 2, 2)],
        "scale-inconsistent", "items", "an item counts", "counted = false", "items = [",
    ),
    "a rule that tolerates with none": (
        [('rule = "prorate"', 'rule = "none"')],
        "scale-inconsistent", "missing_items", "tolerates no missing item", 'rule = "prorate"',
        "missing_items",
    ),
    "proration of everything": (
        [("at_most = 1", "at_most = 3")],
        "scale-inconsistent", "missing_items.at_most", "fewer than all 3 components",
        "say how many", "at_most",
    ),
    "proration of a whole subscale": (
        [("at_most = 1", "at_most = 1, at_most_in_subscale = 2")],
        "scale-inconsistent", "missing_items.at_most_in_subscale",
        "fewer than all items of the shortest subscale (2)", "correct", "at_most_in_subscale",
    ),
    "proration of a single rating": (
        [*SINGLE[1:], ("alternatives = [[3, 4]]\n", "")],
        "scale-inconsistent", "missing_items", "no items to prorate", "take it out",
        "missing_items",
    ),
    "levels that skip a rating": (
        [*SINGLE, ("[provenance]", '[levels]\n0 = "none"\n7 = "all"\n\n[provenance]')],
        "scale-inconsistent", "levels", "0 to 7, in order", "name each of them once", "[levels]",
    ),
    "a response by reduction without a baseline": (
        [('better = "lower"', 'better = "lower"\nbaseline = false')],
        "scale-inconsistent", "response_reduction", "needs a baseline", "`response_at_most`",
        "response_reduction",
    ),
    "a response by rating with a baseline": (
        [("response_reduction = 0.5", "response_at_most = 2")],
        "scale-inconsistent", "response_at_most", "only where the rating is one of change",
        "`response_reduction`", "response_at_most",
    ),
    "remission in the wrong direction": (
        [("remission_below = 3", "remission_at_least = 3")],
        "scale-inconsistent", "remission_at_least", "where higher is better", "other rule",
        "remission_at_least",
    ),
    "remission outside the total": (
        [("remission_below = 3", "remission_below = 30")],
        "scale-inconsistent", "remission_below", "between 0 and 7", "correct it",
        "remission_below",
    ),
    "provenance of nothing": (
        [("[provenance]\nremission_below", "[provenance]\nremision_below")],
        "scale-inconsistent", "provenance.remision_below", "no field of a scale",
        "did you mean `remission_below`", "remision_below",
    ),
    "a source without its certainty": (
        [('{ assumed = "For this test" }', '{ source = "A paper" }')],
        "scale-inconsistent", "provenance.remission_below", "`source` with its `certainty`",
        "exactly one", "A paper",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_fault_is_named_with_its_line(refused, case):
    changes, code, field, rule, remedy, on_line = CASES[case]
    text, faults = refused(*changes)
    found = [f for f in faults if f.code == code and f.field == field]
    assert found, [str(f) for f in faults]
    assert rule in found[0].rule
    assert remedy in found[0].remedy
    assert found[0].where.startswith("mine.toml")
    if on_line is not None:
        number = int(found[0].where.removeprefix("mine.toml, line "))
        assert on_line in text.splitlines()[number - 1]


def test_all_faults_come_together_in_the_order_of_the_file(refused):
    _, faults = refused(
        ('rater = "clinician"', 'rater = "nurse"'),
        ("range = [0, 3]", "range = [0.5, 3]"),
        ('label = "One and two"', "label = 3"),
    )
    assert [f.field for f in faults] == ["rater", "items.0.range.0", "subscales.both.label"]
    _, faults = refused(
        ("total = [0, 7]", "total = [0, 9]"),
        ("total = [0, 5]", "total = [0, 6]"),
        ("remission_below = 3", "remission_below = 30"),
    )
    assert [f.field for f in faults] == ["total", "remission_below", "subscales.both.total"]


def test_faults_of_syntax_are_faults_of_the_scale(refused):
    _, faults = refused(("total = [0, 7]", "total = [0, 7"))
    assert faults[0].code == "scale-syntax"
    assert faults[0].where == "mine.toml, line 8"


def test_a_scale_that_cannot_be_read(tmp_path):
    with pytest.raises(EquipoiseError, match="No such file") as info:
        load_scale(tmp_path / "none.toml")
    assert info.value.faults[0].code == "scale-unreadable"
    path = tmp_path / "latin.toml"
    path.write_bytes(b'label = "\xe9"\n')
    with pytest.raises(EquipoiseError, match="UTF-8") as info:
        load_scale(path)
    assert info.value.faults[0].code == "scale-encoding"
    path.write_bytes(b"#" * 4_000_001)
    with pytest.raises(EquipoiseError, match="a scale has at most 4000000 bytes") as info:
        load_scale(path)
    assert info.value.faults[0].code == "scale-too-large"
