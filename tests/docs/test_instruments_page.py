"""The pages of the rating scales: the library as it is, and the example that a reader copies."""

from __future__ import annotations

import re

import numpy as np
from tests.conftest import ROOT
from tests.docs.pages import hold

import equipoise as eq
from equipoise.analysis.groups import make_groups
from equipoise.analysis.monitoring import _completeness
from equipoise.instruments import load_scale, score_items
from equipoise.instruments.description import scale_page

PAGE = ROOT / "docs" / "instruments.md"


def blocks(language):
    text = PAGE.read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.M | re.S)


def test_the_page_of_the_library_is_the_library():
    hold("reference/instruments.md", scale_page())


def test_the_example_of_a_scale_of_ones_own_works_as_the_page_says(tmp_path, write_protocol):
    (tmp_path / "instruments").mkdir()
    file = tmp_path / "instruments" / "rest.toml"
    (example,) = blocks("toml")
    file.write_text(example, encoding="utf-8")
    scale = load_scale(file)
    # 4 + 1 + (4 - 1) + (4 - 0) = 12; nights 4 + 3 = 7.
    found = score_items(scale, np.array([[4.0, 1.0, 1.0, 0.0]]))
    assert found.total.score.tolist() == [12]
    assert found.subscales["nights"].score.tolist() == [7]
    path = write_protocol(
        ("[cells.treg]\n", '[instruments.rest]\nscale = "rest"\nvisits = ["baseline"]\n'
         'items = "all"\n\n[cells.treg]\n'),
        ("[assumptions.statistical.cells.treg]\n", "[assumptions.statistical.scores.rest]\n"
         "baseline_mean = 8\ncorrelation = 0.5\nsd = { baseline = 3 }\n"
         "change = { placebo = {}, il2 = {} }\n\n[assumptions.statistical.cells.treg]\n"),
    )  # fmt: skip
    protocol = eq.load_protocol(path)
    assert protocol.parts("rest") == ("total", "1", "2", "3", "4", "nights")
    records = eq.simulate(protocol, seed=1)
    results = eq.analyse(protocol, records)
    labels = {row.variable: row.label for row in results.baseline.rows}
    assert labels["rest"] == "Rest total"
    assert labels["rest:nights"] == "Rest Nights"
    measured = {measure.label for measure in results.plan.measures}
    assert "Rest" in measured
    seen = {row.label for row in _completeness(protocol, records, make_groups(protocol, records))}
    assert "Rest" in seen


def test_the_instruments_that_the_page_shows_are_accepted(write_protocol):
    ctq, abuse, hdrs = blocks("text")
    assert 'part = "emotional-abuse"' in abuse
    spread = "sd = { baseline = 12 }\nchange = { placebo = {}, il2 = {} }\n"
    path = write_protocol(
        ("[cells.treg]\n", f"{ctq}\n[cells.treg]\n"),
        ("[assumptions.statistical.cells.treg]\n", "[assumptions.statistical.scores.ctq]\n"
         f"baseline_mean = 45\ncorrelation = 0.5\n{spread}\n[assumptions.statistical.cells.treg]\n"),
        ('items = "all"\n', "\n".join(hdrs.splitlines()[3:]) + "\n"),
    )  # fmt: skip
    protocol = eq.load_protocol(path)
    assert protocol.instruments["hdrs"].missing_items.at_most == 2
    assert "emotional-abuse" in protocol.parts("ctq")
