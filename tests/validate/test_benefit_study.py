"""The studies of profiles and heterogeneity, few trials here, all under EQUIPOISE_VALIDATE=1."""

from __future__ import annotations

import os

import pytest
from tests.conftest import ROOT
from tests.validate import heterogeneity_study as benefit
from tests.validate import profiles_study as profiles

FULL = os.environ.get("EQUIPOISE_VALIDATE") == "1"
PAGE = ROOT / "docs" / "reference" / "benefit-study.md"


@pytest.mark.parametrize("n", [36, 200])
def test_the_joint_test_keeps_its_level_and_intervals_cover(n):
    none = next(s for s in benefit.SCENARIOS if s.n == n and s.width == 0.0)
    found = benefit.study(none, 2000 if FULL else 100)
    assert abs(found.joint - 5.0) <= found.slack
    assert abs(found.own_coverage - 95.0) <= found.slack
    assert found.shrunken_coverage >= 95.0
    assert found.shrunken_error < 0.5 * found.own_error


def test_one_group_is_not_split_and_two_far_apart_are_found():
    unrelated, _, _, apart = (s for s in profiles.SCENARIOS if s.n == 200)
    assert profiles.study(unrelated, 30 if FULL else 5).supported <= 10.0
    assert profiles.study(apart, 30 if FULL else 5).supported == 100.0


@pytest.mark.skipif(not FULL, reason="only under EQUIPOISE_VALIDATE=1, by `make validate`")
def test_the_page_of_the_study():
    PAGE.write_text(page(), encoding="utf-8")


def page() -> str:
    lines = [
        "# Who benefits: level, coverage and what is found",
        "",
        "**SIMULATED.** Written by `make validate` (tests/validate/test_benefit_study.py). What is "
        "found follows from what was put in: it is no evidence that people differ.",
        "",
        "## Interactions",
        "",
        "Five [modifiers](../methods/heterogeneity.md), 2 : 1 in two strata; interactions drawn "
        "anew in each trial with the SD named, in residual standard deviations; prior scale "
        f"{benefit.PRIOR_SCALE}. Coverage and root mean squared error over all five, of least "
        "squares and shrunk.",
        "",
        "| people | interactions | trials | joint p < 0.05 | coverage, least squares | coverage, "
        "shrunk | error, least squares | error, shrunk |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one in benefit.SCENARIOS:
        found = benefit.study(one, 1000)
        lines.append(
            f"| {one.n} | {one.name} | {found.trials} | {found.joint:.1f} % | "
            f"{found.own_coverage:.1f} % | {found.shrunken_coverage:.1f} % | "
            f"{found.own_error:.2f} | {found.shrunken_error:.2f} |"
        )
    lines += [
        "",
        "Shrunken intervals are those of the prior: they cover more often than they say where "
        "interactions are small and, at 36 people, less often where they are large. Half and twice "
        "the prior's scale stand in the report for that reason.",
        "",
        "## Profiles",
        "",
        f"{profiles.MARKERS} markers, up to {profiles.MOST} [profiles](../methods/"
        "immune-profiles.md), none with fewer than five members. *Several*: the BIC prefers more "
        "than one. *Supported*: it is also smaller than that of one group along a line.",
        "",
        "| people | planted | trials | several | supported |",
        "|---|---|---|---|---|",
    ]
    for one in profiles.SCENARIOS:
        found = profiles.study(one, 200)
        lines.append(
            f"| {one.n} | {one.name} | {found.trials} | {found.several:.0f} % | "
            f"{found.supported:.0f} % |"
        )
    return "\n".join(lines) + "\n"
