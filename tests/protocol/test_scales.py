"""Rating scales in a protocol: in use, of a user's own, and their parts as endpoints."""

from __future__ import annotations

import pytest
from tests.conftest import protocol_text

import equipoise as eq
from equipoise.protocol import Protocol

MINE = """\
label = "Mine"
title = "A scale of my own"
source = "Nobody"
certainty = "recalled"
rater = "clinician"
better = "lower"
scoring = "sum"
total = [0, 6]
items = [
  { label = "one", range = [0, 4] },
  { label = "two", range = [0, 2] },
]

[subscales.first]
label = "The first alone"
items = [1]
total = [0, 4]
"""

INLINE = "[scales.mine]\n" + MINE.replace("[subscales.first]", "[scales.mine.subscales.first]")

#: The twin also rates the scale `mine`.
USES_MINE = (
    "[cells.treg]\n",
    '[instruments.own]\nscale = "mine"\nvisits = ["baseline", "week8"]\n\n[cells.treg]\n',
)
ASSUMED = (
    "[assumptions.statistical.cells.treg]\n",
    "[assumptions.statistical.scores.own]\nbaseline_mean = 3\ncorrelation = 0.5\n"
    "sd = { baseline = 1, week8 = 1 }\n"
    "change = { placebo = { week8 = 0 }, il2 = { week8 = 0 } }\n\n"
    "[assumptions.statistical.cells.treg]\n",
)


def with_inline(*changes):
    """Changes to the twin that put the scale into the protocol itself."""
    text = INLINE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return [USES_MINE, ASSUMED, ("[safety.suicidality]", text + "\n[safety.suicidality]")]


@pytest.fixture
def with_file(tmp_path, write_protocol):
    """A study whose scale stands in instruments/mine.toml."""

    def write(text=MINE, *changes, name="mine"):
        (tmp_path / "instruments").mkdir(exist_ok=True)
        (tmp_path / "instruments" / f"{name}.toml").write_text(text, encoding="utf-8")
        return write_protocol(USES_MINE, ASSUMED, *changes)

    return write


def faults(path):
    with pytest.raises(eq.EquipoiseError, match="is refused") as info:
        eq.load_protocol(path)
    return info.value.faults


def test_a_scale_of_ones_own_is_one_plan_in_the_protocol_or_beside_it(
    tmp_path, with_file, write_protocol
):
    beside = eq.load_protocol(with_file())
    (tmp_path / "instruments" / "mine.toml").unlink()
    inline = eq.load_protocol(write_protocol(*with_inline()))
    assert beside.scale("own").label == inline.scale("own").label == "Mine"
    assert beside.hash == inline.hash
    assert beside.scale("hdrs").label == "HDRS-17"
    assert Protocol.model_validate(beside.model_dump()).hash == beside.hash


def test_a_changed_scale_is_a_changed_plan(with_file, il2):
    plan = eq.load_protocol(with_file())
    other = eq.load_protocol(with_file(MINE.replace('label = "two"', 'label = "second"')))
    assert len({il2.hash, plan.hash, other.hash}) == 3


def test_files_that_no_instrument_names_are_left_alone(tmp_path, write_protocol, il2):
    (tmp_path / "instruments").mkdir()
    (tmp_path / "instruments" / "unused.toml").write_text("this is no TOML", encoding="utf-8")
    assert eq.load_protocol(write_protocol()).hash == il2.hash


def test_faults_of_a_scale_file_name_that_file_and_those_of_the_protocol_come_too(with_file):
    path = with_file(
        MINE.replace("total = [0, 6]", "total = [0, 9]").replace("rater", "ratre"),
        ("size = 36", 'size = "36"'),
    )
    found = {(f.where, f.field): f for f in faults(path)}
    assert {field for _, field in found} == {"population.size", "ratre", "rater"}
    assert (
        "`ratre` is not a field of `a scale`"
        in found["instruments/mine.toml, line 5", "ratre"].rule
    )
    assert found["instruments/mine.toml", "rater"].code == "field-missing"
    path = with_file(MINE.replace("total = [0, 6]", "total = [0, 9]"), ("size = 36", 'size = "36"'))
    first, second = faults(path)
    assert first.field == "population.size"
    assert (second.where, second.field) == ("instruments/mine.toml, line 8", "total")
    assert second.rule == "the items give scores from 0 to 6"


def test_faults_of_an_inline_scale_are_on_their_lines(write_protocol):
    path = write_protocol(*with_inline(("total = [0, 4]", "total = [0, 5]")))
    (fault,) = faults(path)
    line = int(fault.where.removeprefix("protocol.toml, line "))
    assert path.read_text(encoding="utf-8").splitlines()[line - 1] == "total = [0, 5]"
    assert fault.field == "scales.mine.subscales.first.total"
    assert fault.code == "scale-inconsistent"


def test_syntax_of_a_scale_file(with_file):
    found = faults(with_file(MINE.replace("total = [0, 6]", "total = 0 to 6")))
    assert [(f.code, f.where) for f in found] == [("scale-syntax", "instruments/mine.toml, line 8")]


def test_a_scale_in_both_places_is_refused(tmp_path, with_file, write_protocol):
    with_file()
    (fault, *_) = faults(write_protocol(*with_inline()))
    assert (fault.code, fault.where) == ("scale-twice", "instruments/mine.toml")
    assert "not in both" in fault.rule


def test_a_scale_that_takes_a_name_of_the_library_is_refused(tmp_path, write_protocol):
    (tmp_path / "instruments").mkdir()
    (tmp_path / "instruments" / "ymrs.toml").write_text(
        MINE.replace("[0, 6]", "[0, 60]").replace("[0, 4] }", "[0, 58] }")
        .replace("[subscales.first]", "[subscales.first]").replace("total = [0, 4]", "total = [0, 58]"),
        encoding="utf-8",
    )  # fmt: skip
    (fault,) = faults(write_protocol())
    assert (fault.code, fault.where) == ("scale-shadows-library", "instruments/ymrs.toml")
    assert "rename it, for example `my-ymrs`" in fault.remedy


#: what is wrong → (changes, field, rule, remedy)
CASES = {
    "a scale that nobody has": (
        [('scale = "hdrs-17"', 'scale = "hdrs-71"')],
        "instruments.hdrs.scale", "is no scale of the library or this plan",
        "`hdrs-17`? Else add instruments/hdrs-71.toml beside the protocol",
    ),
    "an item that the scale has not": (
        [('items = "all"', "items = [3, 18]")],
        "instruments.hdrs.items.1", "HDRS-17 has items 1 to 17", "correct the number",
    ),
    "an item twice": (
        [('items = "all"', "items = [3, 3]")],
        "instruments.hdrs.items", "each item once", "drop",
    ),
    "another word for items": (
        [('items = "all"', 'items = "every"')],
        "instruments.hdrs.items", "list", 'their numbers, or "all"',
    ),
    "a subscale that the scale has not": (
        [('items = "all"', 'items = [3]\nsubscales = ["core"]')],
        "instruments.hdrs.subscales.0", "`core` is no subscale of HDRS-17", "valid:",
    ),
    "a subscale recorded beside all its items": (
        [('scale = "hdrs-17"', 'scale = "hdrs-21"'),
         ('items = "all"', 'items = "all"\nsubscales = ["hdrs-17"]')],
        "instruments.hdrs.subscales.0", "computed from them", "take it out of `subscales`",
    ),
    "a missing-item rule that tolerates everything": (
        [('items = "all"', 'items = [3]\nmissing_items = { rule = "prorate", at_most = 17 }')],
        "instruments.hdrs.missing_items.at_most", "fewer than all 17 components", "say how many",
    ),
    "a rating of change at baseline": (
        [('scale = "ymrs"', 'scale = "cgi-i"'), ("threshold = 12", "threshold = 5")],
        "instruments.ymrs.visits", "CGI-I rates a change: it is not rated at the baseline",
        'take "baseline" out',
    ),
    "a scale that is not rated at baseline": (
        [('[instruments.ymrs]\nscale = "ymrs"\nvisits = ["baseline", ',
          '[instruments.ymrs]\nscale = "ymrs"\nvisits = [')],
        "instruments.ymrs.visits", "taken at the baseline visit `baseline` too", 'add "baseline"',
    ),
    "an endpoint on a part that is not recorded": (
        [('instrument = "hdrs"\nscale', 'instrument = "hdrs"\npart = "4"\nscale'),
         ('items = "all"', "items = [3]")],
        "endpoints.hdrs_change.part", "`4` is no part of `hdrs` as it is recorded", "`total`, `3`",
    ),
    "a part of cells": (
        [('cells = "treg"', 'cells = "treg"\npart = "3"')],
        "endpoints.treg_percent.part", "only an instrument has parts", "take it out",
    ),
    "a suicidality item of another scale": (
        [('scale = "hdrs-17"', 'scale = "madrs"')],
        "safety.suicidality.item", "the item on suicidality of MADRS is 10", "write `item = 10`",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_each_fault_is_named(write_protocol, case):
    changes, field, rule, remedy = CASES[case]
    found = [f for f in faults(write_protocol(*changes)) if f.field == field and rule in f.rule]
    assert found
    assert remedy in found[0].remedy
    assert found[0].code in ("protocol-inconsistent", "value-invalid")


def test_a_rating_of_change_has_no_change_from_baseline(write_protocol):
    found = faults(
        write_protocol(
            ('[instruments.ymrs]\nscale = "ymrs"\nvisits = ["baseline", ',
             '[instruments.ymrs]\nscale = "cgi-i"\nvisits = ['),
            ("threshold = 12", "threshold = 5"),
            ('instrument = "hdrs"\nscale', 'instrument = "ymrs"\nscale'),
        )
    )  # fmt: skip
    (fault,) = [f for f in found if f.field == "endpoints.hdrs_change.scale"]
    assert fault.rule == "CGI-I rates a change and has no baseline to be compared with"


def test_all_items_are_written_out_so_that_both_ways_are_one_plan(write_protocol):
    word = eq.load_protocol(write_protocol())
    numbers = ", ".join(map(str, range(1, 18)))
    listed = eq.load_protocol(write_protocol(('items = "all"', f"items = [{numbers}]")))
    assert word.instruments["hdrs"].items == tuple(range(1, 18))
    assert word.hash == listed.hash
    assert word.parts("hdrs") == ("total", *map(str, range(1, 18)))


def test_parts_are_the_total_the_items_and_the_subscales(with_file):
    plan = eq.load_protocol(with_file())
    assert plan.parts("own") == ("total",)
    assert plan.parts("hdrs") == ("total", *map(str, range(1, 18)))
    items = (
        '[instruments.own]\nscale = "mine"',
        '[instruments.own]\nscale = "mine"\nitems = "all"',
    )
    assert eq.load_protocol(with_file(MINE, items)).parts("own") == ("total", "1", "2", "first")
    given = (items[0], '[instruments.own]\nscale = "mine"\nsubscales = ["first"]')
    assert eq.load_protocol(with_file(MINE, given)).parts("own") == ("total", "first")


def test_the_hashes_of_the_built_in_plans_do_not_know_of_own_scales(il2):
    assert '"scales"' not in il2.canonical()
    assert "part" not in il2.canonical().split('"endpoints"')[1].split('"estimands"')[0].split('"')
    assert protocol_text("il2-depression").count("[scales") == 0
