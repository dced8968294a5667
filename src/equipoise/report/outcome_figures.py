"""Figures of outcomes that are not means: rates by visit, curves of time to response."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.drawing import (
    ARMS,
    MARKERS,
    Drawing,
    Points,
    mark_simulated,
    style,
    svg_texts,
    tell,
)
from equipoise.report.words import (
    contrast_text,
    group_label,
    level,
    percent,
    sentence,
    visit_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from equipoise.analysis.results import OutcomeResult, Results


def outcome_figure(results: Results, outcome: OutcomeResult) -> Drawing | None:
    """Rates with their intervals, or curves; None for categories and where nothing is shown."""
    from matplotlib.figure import Figure

    curves = outcome.scale == "time-to-response"
    shown = outcome.curve if curves else [r for r in outcome.groups if r.estimate is not None]
    if outcome.scale == "ordinal" or not shown:
        return None
    name = f"figure-{outcome.endpoint}"
    points: Points = {}
    with style():
        figure = Figure(figsize=(6.4, 3.4), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        (_curves if curves else _rates)(results, outcome, axes, points)
        axes.set_ylim(-0.03, 1.03)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
        if len(results.groups) > 1:
            axes.legend(loc="best", fontsize=9)
        alternative = _alternative(results, outcome)
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    what = (
        "share of participants without response (Kaplan\u2013Meier), each step a visit"
        if curves
        else f"rate at each visit with exact {level(results)} CI"
    )
    origin = "SIMULATED" if results.simulated else "Observed"
    caption = f"{outcome.label}: {what}. {sentence(outcome.definition)}. {origin} data."
    return Drawing(name, caption, alternative, inline, standalone)


def _rates(results: Results, outcome: OutcomeResult, axes: Axes, points: Points) -> None:
    visits = list(dict.fromkeys(row.visit for row in outcome.groups))
    for index, group in enumerate(results.groups):
        mine = [r for r in outcome.groups if r.group == group.key and r.estimate is not None]
        shift = 0.08 * (index - (len(results.groups) - 1) / 2)
        rates = [float(r.estimate or 0) for r in mine]
        drawn = axes.errorbar(
            [visits.index(r.visit) + 1 + shift for r in mine],
            rates,
            yerr=[
                [y - float(r.lower or 0) for y, r in zip(rates, mine, strict=True)],
                [float(r.upper or 0) - y for y, r in zip(rates, mine, strict=True)],
            ],
            color=ARMS[index % len(ARMS)],
            marker=MARKERS[index % len(MARKERS)],
            markersize=5,
            linewidth=1.6,
            elinewidth=1.2,
            capsize=2.5,
            label=group.label,
        )
        texts = [
            f"{group.label}, {visit_label(results, r.visit)}: {r.events} of {r.n}, "
            f"{percent(r.estimate)} ({percent(r.lower)} to {percent(r.upper)})"
            for r in mine
        ]
        tell(points, drawn.lines[0], texts)
    labels = [visit_label(results, visit) for visit in visits]
    axes.set_xticks(range(1, len(visits) + 1), labels, rotation=30, ha="right")
    axes.set_xlim(0.5, len(visits) + 0.5)
    axes.set_ylabel("Rate of " + outcome.scale)


def _curves(results: Results, outcome: OutcomeResult, axes: Axes, points: Points) -> None:
    for index, group in enumerate(results.groups):
        mine = [p for p in outcome.curve if p.group == group.key]
        if not mine:
            continue
        days, shares = [0.0, *(p.day for p in mine)], [1.0, *(p.share for p in mine)]
        (line,) = axes.step(
            days,
            shares,
            where="post",
            color=ARMS[index % len(ARMS)],
            linewidth=1.6,
            label=group.label,
        )
        axes.fill_between(
            days,
            # Where the curve has reached 0 it has no interval: the band closes there.
            [1.0, *(p.share if p.lower is None else p.lower for p in mine)],
            [1.0, *(p.share if p.upper is None else p.upper for p in mine)],
            step="post",
            color=ARMS[index % len(ARMS)],
            alpha=0.13,
            linewidth=0,
        )
        line.set_marker(MARKERS[index % len(MARKERS)])
        line.set_markersize(3.5)
        texts: list[str | None] = [None]
        texts += [
            f"{group.label}, day {p.day:g}: {percent(p.share)} without response "
            f"({percent(p.lower)} to {percent(p.upper)}), {p.at_risk} at risk"
            for p in mine
        ]
        tell(points, line, texts)
    axes.set_xlabel("Day from the first dose")
    axes.set_ylabel("Without response")


def _alternative(results: Results, outcome: OutcomeResult) -> str:
    last = outcome.groups[-1].visit
    parts: list[str] = []
    for row in outcome.groups:
        if row.visit == last and row.estimate is not None:
            said = (
                f"{row.estimate:.1f} days without response on average"
                if outcome.scale == "time-to-response"
                else f"{row.events} of {row.n}"
            )
            parts.append(f"{group_label(results, row.group)} {said}")
    text = (
        f"{results.origin_label} data. {outcome.label} at {visit_label(results, last)}: "
        f"{'; '.join(parts)}."
    )
    effects = [
        f"{group_label(results, c.arm)} against {group_label(results, c.reference)} "
        f"{contrast_text(c, False)}"
        for c in outcome.contrasts
        if c.visit == last
    ]
    return text + (f" Difference: {'; '.join(effects)}." if effects else "")
