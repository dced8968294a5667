"""`equipoise instruments`: the list, one scale, a file of one's own."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from equipoise import EquipoiseError
from equipoise.cli.commands import app
from equipoise.instruments import find_scale, scale_names


def said(*words):
    done = CliRunner().invoke(app, ["instruments", *words])
    assert done.exit_code == 0, done.output
    return done.output


def test_the_list_has_every_scale_with_its_range_and_name():
    lines = said().splitlines()
    assert [line.split()[0] for line in lines] == list(scale_names())
    assert "hdrs-17   0 to 52     Hamilton Depression Rating Scale, 17 items" in lines


def test_a_scale_is_printed_with_items_ranges_scoring_rules_and_sources():
    text = said("ctq")
    for part in (
        "ctq: CTQ, Childhood Trauma Questionnaire",
        "25 to 125; sum: the counted items are added",
        "  2  1 to 5  protection (reversed)",
        " 10  1 to 5  minimisation, first (not counted)",
        "emotional-abuse       5 to 25   items 3, 8, 14, 18, 25",
        "(public page)",
        "assumed: Sum of the five subscales",
    ):
        assert part in text
    assert "suicidality   item 3" in said("hdrs-17")
    assert "remission     total below 10" in said("madrs")
    assert "alternatives  11 or 12; 13 or 14" in said("ids-sr")
    assert "Sleep                 items 1, 2, 3, 4" in said("qids-sr")
    assert "response      a rating of 2 or less" in said("cgi-i")
    assert "   7  extreme" in said("cgi-s")
    assert "higher is better" in said("gaf")


def test_a_scale_that_nobody_has_and_a_file_of_ones_own(tmp_path):
    with pytest.raises(EquipoiseError, match="There is no scale `madr`") as info:
        find_scale("madr")
    (fault,) = info.value.faults
    assert fault.code == "scale-unknown"
    assert fault.rule == "a scale is one of the library, or a TOML file of your own"
    assert "did you mean `madrs`" in fault.remedy
    path = tmp_path / "mine.toml"
    path.write_text(
        'label = "Mine"\ntitle = "My own"\nsource = "x"\ncertainty = "recalled"\n'
        'rater = "clinician"\nbetter = "higher"\nscoring = "sum"\ntotal = [0, 8]\n'
        "remission_at_least = 6\nitems = [{ label = \"a\", range = [0, 4] },\n"
        '{ label = "b", range = [0, 4] }]\n'
        '[missing_items]\nrule = "prorate"\nat_most = 1\nrounding = "nearest"\n',
        encoding="utf-8",
    )  # fmt: skip
    text = said(str(path))
    assert "remission     total of at least 6" in text
    assert "total prorated with up to 1 missing, rounded to the nearest whole number" in text
