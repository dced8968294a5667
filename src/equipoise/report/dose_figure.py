"""The outcome along the early change: participants, spline with its band, straight line."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from equipoise.report.drawing import (
    ARMS,
    INK,
    MARKERS,
    Drawing,
    Points,
    mark_simulated,
    plain_log_ticks,
    style,
    svg_texts,
    tell,
)
from equipoise.report.early_change_words import outcome_unit
from equipoise.report.surrogacy_words import dose_marker
from equipoise.report.words import level, number, p_clause, visit_label

if TYPE_CHECKING:
    from equipoise.analysis.results import Results


def dose_figures(results: Results) -> dict[str, Drawing]:
    """The curve of the marker that is shown; nothing where there is none."""
    prediction = results.prediction
    if prediction is None:
        return {}
    marker = dose_marker(prediction)
    found = marker.dose
    if found is None or not found.curve:
        return {}
    from matplotlib.figure import Figure

    name = "figure-early-change-dose"
    log = marker.scale == "log_fold"
    early = visit_label(results, prediction.early_visit)
    late = visit_label(results, prediction.landmark)
    unit = outcome_unit(prediction)

    def shown(value: float) -> float:
        return math.exp(value) if log else value

    points: Points = {}
    at = [shown(value) for value in found.at]
    with style():
        figure = Figure(figsize=(6.8, 4.2), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        for index, group in enumerate(results.groups):
            mine = [mark for mark in found.marks if mark.group == group.key]
            if mine:
                drawn = axes.plot(
                    [shown(mark.early) for mark in mine], [mark.outcome for mark in mine],
                    linestyle="none", marker=MARKERS[index % len(MARKERS)], markersize=5.5,
                    color=ARMS[index % len(ARMS)], label=group.label,
                )[0]  # fmt: skip
                told = [
                    f"{group.label}: early change {number(shown(mark.early))}, adjusted "
                    f"{prediction.outcome_label} {number(mark.outcome, 1)} {unit}"
                    for mark in mine
                ]
                tell(points, drawn, told)
        axes.fill_between(at, found.lower, found.upper, color=INK, alpha=0.12, lw=0)
        axes.plot(at, found.curve, color=INK, linewidth=1.8, label="Spline")
        axes.plot(
            at, found.line, color=INK, linewidth=1.2, linestyle=(0, (5, 3)), label="Straight line"
        )
        if log:
            axes.set_xscale("log")
            plain_log_ticks(axes, "x")
        scale = "fold of baseline" if log else f"change, {marker.unit}"
        axes.set_xlabel(f"{marker.label}: {scale} at {early}")
        axes.set_ylabel(f"{prediction.outcome_label}: change by {late} ({unit}), adjusted")
        axes.legend(loc="best", fontsize=9)
        tested = "" if found.p is None else f" Bend: {p_clause(found.p)}."
        alternative = (
            f"{results.origin_label} data. {prediction.outcome_label} by {late} along the early "
            f"change of {marker.label}, {found.n} participants: from "
            f"{number(found.curve[0], 1)} {unit} at the smallest early change to "
            f"{number(found.curve[-1], 1)} {unit} at the largest.{tested}"
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    who = "One mark a participant, moved to the mean arm and baseline. " if found.marks else ""
    caption = (
        f"{who}{'' if who else 'Single people are not shown. '}Solid: restricted cubic spline, "
        f"{len(found.knots)} knots, with pointwise {level(results)} CI; dashed: the straight line. "
        f"Both at the mean of arms, strata and baselines. "
        f"{'SIMULATED' if results.simulated else 'Observed'} data."
    )
    return {"early-change-dose": Drawing(name, caption, alternative, inline, standalone)}
