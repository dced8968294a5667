"""The study of the whole procedure, with few trials here and all under EQUIPOISE_VALIDATE=1."""

from __future__ import annotations

import os

import pytest
from tests.conftest import ROOT
from tests.validate.multivariate_study import (
    COMPONENTS,
    DRAWS,
    FOLDS,
    MARKERS,
    SCENARIOS,
    Found,
    study,
)

FULL = os.environ.get("EQUIPOISE_VALIDATE") == "1"
PAGE = ROOT / "docs" / "reference" / "multivariate-study.md"


def test_size_is_near_nominal_with_the_link_off():
    found = study(SCENARIOS[0], 600 if FULL else 60, net=FULL)
    assert abs(found.pls - 5.0) <= 4.0 * found.error
    # Noise predicts worse than the covariates, and is mostly not chosen.
    assert found.q2 < 0.0
    assert found.none > 60.0


@pytest.mark.skipif(not FULL, reason="only under EQUIPOISE_VALIDATE=1, by `make validate`")
def test_the_page_of_the_study():
    rows = [
        (one, study(one, 1000 if one.n == 36 else 300)) for one in SCENARIOS
    ]  # fmt: skip
    for one, found in rows:
        if one.link == 0.0:
            assert abs(found.pls - 5.0) <= 4.0 * found.error
            assert abs(found.net - 5.0) <= 4.0 * found.error
    assert rows[-1][1].pls > 95.0
    PAGE.write_text(page(rows), encoding="utf-8")


def page(rows: list[tuple[object, Found]]) -> str:
    lines = [
        "# The pattern of all early changes: size and power",
        "",
        "**SIMULATED.** Written by `make validate` (tests/validate/test_multivariate_study.py). How often the "
        "permutation p of the [whole procedure](../methods/multivariate.md) is at most 0.05: "
        f"{MARKERS} markers whose early changes correlate by 0.5, 2 : 1 in two strata, each early "
        "change falls with its own baseline, the arm moves markers and outcome alike; the link is "
        "that of one marker, in residual SDs of the outcome per SD of its early change. "
        f"{FOLDS} folds once, at most {COMPONENTS} components, {DRAWS} permutations; ridge and "
        "elastic net (mixing 0.5) of three strengths.",
        "",
        "| people | scenario | trials | PLS, p ≤ 0.05 | net, p ≤ 0.05 | Monte-Carlo error of 5 % | "
        "covariates alone preferred | mean Q² |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for one, found in rows:
        lines.append(
            f"| {one.n} | {one.name} | {found.trials} | {found.pls:.1f} % | {found.net:.1f} % | "
            f"{found.error:.1f} | {found.none:.0f} % | {found.q2:.0f} % |"
        )
    lines += [
        "",
        "What is found with a link follows from the link that was put in: it is no evidence that "
        "there is one.",
        "",
    ]
    return "\n".join(lines)
