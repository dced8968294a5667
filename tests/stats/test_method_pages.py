"""The derivation pages exist, link to one another, and their examples run."""

from __future__ import annotations

import re

import pytest
from stats_reference import PROJECT

from equipoise.stats.vocabulary import Adjustment, Comparison, Family, MeanWeights

METHODS = PROJECT / "docs" / "methods"
PAGES = [
    "mmrm.md", "kenward-roger.md", "satterthwaite.md", "least-squares-means.md",
    "exact-and-score-intervals.md", "stratified-risk-difference.md", "time-to-event.md",
    "win-probability.md", "stopping-rules.md", "event-rates.md",
    "exact-risk-difference.md", "graphical-procedure.md", "estimands.md",
    "response-and-remission.md", "sandwich.md", "between-within.md", "after-the-fit.md",
    "re-randomisation.md", "multiple-comparisons.md", "tests-of-terms.md",
    "covariance-structures.md", "reference-based-imputation.md",
]  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_links_and_references(name: str) -> None:
    text = (METHODS / name).read_text(encoding="utf-8")
    assert "**Assumptions.**" in text
    assert "## References" in text
    for target in re.findall(r"\]\(([^)#]+\.md)\)", text):
        assert (METHODS / target).exists(), target


@pytest.mark.parametrize("name", PAGES)
def test_examples_run(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (METHODS / name).read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL):
        exec(compile(block, name, "exec"), {})
        printed = capsys.readouterr().out
        if "fit" not in block:
            assert printed.strip()
            continue
        title = "Pooled analyses" if "imputation" in name else "Mixed model for repeated measures"
        assert title in printed
        assert "il2 - placebo" in printed


def test_every_page_that_the_sources_name_is_there() -> None:
    for path in (PROJECT / "src" / "equipoise" / "stats").rglob("*.py"):
        for target in re.findall(r"docs/methods/[\w-]+\.md", path.read_text(encoding="utf-8")):
            assert (PROJECT / target).exists(), f"{path.name} names {target}"


def test_every_word_of_comparisons_is_explained() -> None:
    comparisons = (METHODS / "multiple-comparisons.md").read_text(encoding="utf-8")
    for word in [m.word for m in Comparison] + [m.word for m in Family]:
        assert f'"{word}"' in comparisons
    for adjustment in Adjustment:
        assert adjustment is Adjustment.NONE or f"`{adjustment.word}`" in comparisons
    means = (METHODS / "least-squares-means.md").read_text(encoding="utf-8")
    for weights in MeanWeights:
        assert f'`"{weights.word}"`' in means
