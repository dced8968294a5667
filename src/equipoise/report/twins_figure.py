"""How often each finding appears in simulated trials, scenario beside scenario."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from equipoise.report.drawing import (
    ARMS,
    INK,
    MARKERS,
    Drawing,
    Points,
    mark_simulated,
    style,
    svg_texts,
    tell,
)
from equipoise.report.twins_words import percent, scenario_words

if TYPE_CHECKING:
    from equipoise.design.characteristics import Characteristics, Claim

#: Arms' colours are free here: the planned scenario has the first active arm's.
_ORDER = {"planned": 1, "link-off": 2, "null": 0}


def shown_claims(found: Characteristics) -> tuple[Claim, ...]:
    """What the figure shows: what was published, the headline, and the prediction over all arms;
    where nothing was published every claim that the assumptions let come out differently."""
    published = any(claim.published for claim in found.claims)
    return tuple(
        claim
        for claim in found.claims
        if claim.simulated
        and (
            not published
            or claim.published
            or claim.headline
            or claim.key.startswith("prediction:all")
        )
    )


def twins_figure(found: Characteristics) -> Drawing:
    """Proportions of trials with their exact limits, a row a claim and a mark a scenario."""
    from matplotlib.figure import Figure

    claims = shown_claims(found)
    name = "figure-twins"
    points: Points = {}
    told: list[str] = []
    with style():
        figure = Figure(figsize=(8.8, 1.3 + 0.52 * len(claims)), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, found)
        axes.axvline(100 * found.alpha / 2, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        for place, scenario in enumerate(found.scenarios):
            tallies = [found.tally(scenario, claim.key) for claim in claims]
            x = [100 * t.proportion for t in tallies]
            y = [row + 0.22 * (place - (len(found.scenarios) - 1) / 2) for row in range(len(x))]
            which = _ORDER.get(scenario, 3)
            label = scenario_words(found, scenario)[0]
            drawn = axes.errorbar(
                x, y,
                xerr=[[a - 100 * t.lower for a, t in zip(x, tallies, strict=True)],
                      [100 * t.upper - a for a, t in zip(x, tallies, strict=True)]],
                color=ARMS[which], marker=MARKERS[which], linestyle="none", markersize=6,
                elinewidth=1.4, capsize=2.5, label=label,
            )  # fmt: skip
            said = [
                f"{label}: {claim.label}: {percent(t.proportion)} "
                f"({percent(t.lower)} to {percent(t.upper)})"
                for claim, t in zip(claims, tallies, strict=True)
            ]
            tell(points, drawn.lines[0], list(said))
            told += said
        axes.set_yticks(range(len(claims)), [textwrap.fill(c.label, 42) for c in claims])
        axes.set_ylim(-0.6, len(claims) - 0.4)
        axes.invert_yaxis()
        axes.set_xlim(-2, 102)
        axes.set_xlabel("Simulated trials in which it appears (%)")
        axes.grid(axis="x", linewidth=0.6)
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper left", ncols=3, fontsize=9)
        alternative = "SIMULATED trials. " + "; ".join(told) + "."
        inline, standalone = svg_texts(figure, name, alternative, "SIMULATED", points)
    caption = (
        "Share of simulated trials in which a finding appears, with exact 95 % limits of the "
        f"Monte-Carlo error. Dashed: {percent(found.alpha / 2)}, what chance alone gives one test "
        "in the planned direction."
    )
    return Drawing(name, caption, alternative, inline, standalone)
