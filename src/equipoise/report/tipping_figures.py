"""The tipping point: effect and interval over the shift of one arm's imputed values."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.drawing import (
    ARM1,
    ARM2,
    RULE,
    Drawing,
    Points,
    mark_simulated,
    style,
    svg_texts,
    tell,
)
from equipoise.report.words import group_label, interval, number, visit_label

if TYPE_CHECKING:
    from equipoise.analysis.imputation_results import Tipping, TippingRow
    from equipoise.analysis.results import EstimandResult, Results


def tipping_figure(
    results: Results, estimand: EstimandResult, tipping: Tipping, number_of: int
) -> Drawing:
    """The comparison as the first arm is shifted, the other arms left as they were imputed."""
    from matplotlib.figure import Figure

    name = f"figure-tipping-{estimand.estimand}-{number_of}"
    rows = _along_first(tipping)
    shifted = group_label(results, tipping.shifted[0])
    comparison = (
        f"{group_label(results, tipping.arm)} against {group_label(results, tipping.reference)}"
    )
    points: Points = {}
    with style():
        figure = Figure(figsize=(6.0, 3.1), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        axes.axhline(0.0, color=RULE, linewidth=1.0)
        if tipping.crossing is not None:
            axes.axvline(tipping.crossing, color=ARM2, linewidth=1.2, linestyle="--")
        x = [row.deltas[0] for row in rows]
        y = [row.estimate for row in rows]
        drawn = axes.errorbar(
            x,
            y,
            yerr=[
                [row.estimate - row.lower for row in rows],
                [row.upper - row.estimate for row in rows],
            ],
            color=ARM1,
            marker="o",
            markersize=5,
            linewidth=1.6,
            elinewidth=1.2,
            capsize=2.5,
        )
        tell(
            points,
            drawn.lines[0],
            [f"shift {number(row.deltas[0], 1)}: {_effect(row)}" for row in rows],
        )
        axes.set_xlabel(f"Shift of the imputed values of {shifted}")
        axes.set_ylabel("Effect")
        visit = visit_label(results, estimand.visit)
        alternative = (
            f"{results.origin_label} data. {comparison} at {visit}, by the shift of the imputed "
            f"values of {shifted}: "
            + "; ".join(f"{number(row.deltas[0], 1)}: {_effect(row)}" for row in rows)
            + f". {tipping_sentence(results, tipping)}"
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    caption = (
        f"{comparison} at {visit}, with interval, as the imputed values of {shifted} are shifted. "
        f"{tipping_sentence(results, tipping)} "
        f"{'SIMULATED' if results.simulated else 'Observed'} data."
    )
    return Drawing(name, caption, alternative, inline, standalone)


def tipping_sentence(results: Results, tipping: Tipping) -> str:
    """Where the conclusion changes, in a sentence; where it was not tested, that."""
    if tipping.significant is None or tipping.tips is None:
        return "The estimand was not tested: there is no conclusion that could change."
    before = "is significant" if tipping.significant else "is not significant"
    start = f"Without a shift the comparison {before}."
    if not tipping.tips:
        return f"{start} No shift that was tried changes that."
    named = [
        ", ".join(
            f"{group_label(results, arm)} {number(delta, 1)}"
            for arm, delta in zip(tipping.shifted, tip, strict=True)
        )
        for tip in tipping.tips
    ]
    said = f"{start} The smallest shifts tried that change it: {'; or '.join(named)}."
    if tipping.crossing is not None:
        said += f" It changes at {number(tipping.crossing)}."
    return said


def _along_first(tipping: Tipping) -> list[TippingRow]:
    """Rows in which only the first arm is shifted."""
    return [row for row in tipping.rows if not any(row.deltas[1:])]


def _effect(row: TippingRow) -> str:
    return f"{number(row.estimate)} ({interval(row.lower, row.upper)})"
