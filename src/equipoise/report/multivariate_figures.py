"""Importance of all early changes together, and where people lie on the first component."""

from __future__ import annotations

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
from equipoise.report.early_change_words import outcome_unit
from equipoise.report.multivariate_words import importance_text
from equipoise.report.words import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from equipoise.analysis.prediction.multivariate_results import JointMarker, Multivariate
    from equipoise.analysis.prediction.prediction_results import Prediction
    from equipoise.analysis.results import Results


def multivariate_figures(results: Results) -> dict[str, Drawing]:
    """The figure; nothing where nothing could be done."""
    prediction = results.prediction
    found = None if prediction is None else prediction.multivariate
    if prediction is None or found is None or found.failure is not None:
        return {}
    return {"early-change-together": _importance(results, prediction, found)}


def _importance(results: Results, prediction: Prediction, found: Multivariate) -> Drawing:
    from matplotlib.figure import Figure

    name = "figure-early-change-together"
    shown = sorted(
        (m for m in found.markers if m.importance is not None), key=lambda m: -(m.importance or 0.0)
    )
    points: Points = {}
    with style():
        height = max(3.0, 1.1 + 0.34 * len(shown))
        if found.points:
            figure = Figure(figsize=(8.4, height + 3.2), layout="constrained")
            axes, below = figure.subplots(
                2, 1, gridspec_kw={"height_ratios": [height, 3.2]}
            )  # fmt: skip
            _scores(below, results, prediction, found, points)
        else:
            figure = Figure(figsize=(8.4, height), layout="constrained")
            axes = figure.subplots()
        mark_simulated(axes, results)
        _forest(axes, shown, points)
        alternative = (
            f"{results.origin_label} data. Importance in projection with bootstrap intervals: "
            + "; ".join(f"{m.label} {importance_text(m)}" for m in shown)
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    who = ""
    if found.points:
        allowed = "" if results.simulated else " The protocol allows single people."
        who = (
            f" Below: score on the first component against {prediction.outcome_label}, both less "
            f"what arm, strata and baselines say; one mark a participant.{allowed}"
        )
    caption = (
        "Importance in projection of each early change, with 95 % bootstrap intervals. The line "
        f"at 1, the mean square of all, is a convention and no test.{who} "
        f"{'SIMULATED' if results.simulated else 'Observed'} data."
    )
    return Drawing(name, caption, alternative, inline, standalone)


def _forest(axes: Axes, shown: list[JointMarker], points: Points) -> None:
    axes.axvline(1.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    for index, marker in enumerate(shown):
        value = float(marker.importance or 0.0)
        low, high = float(marker.importance_lower or 0.0), float(marker.importance_upper or 0.0)
        # Percentiles need not hold the estimate: the interval is drawn by itself.
        axes.plot([low, high], [index, index], color=ARMS[1], linewidth=1.4, marker="|")
        drawn = axes.plot(
            [value], [index], linestyle="none", color=ARMS[1], marker=MARKERS[1], markersize=6
        )[0]
        tell(points, drawn, [f"{marker.label}: {importance_text(marker)}"])
    axes.set_yticks(range(len(shown)), [m.label for m in shown])
    axes.invert_yaxis()
    axes.set_xlim(left=0.0)
    axes.set_xlabel("Importance in projection (VIP)")


def _scores(
    axes: Axes, results: Results, prediction: Prediction, found: Multivariate, points: Points
) -> None:
    mark_simulated(axes, results)
    for index, group in enumerate(results.groups):
        mine = [p for p in found.points if p.group == group.key]
        if not mine:
            continue
        drawn = axes.plot(
            [p.score for p in mine], [p.outcome for p in mine], linestyle="none",
            marker=MARKERS[index % len(MARKERS)], markersize=5.5, color=ARMS[index % len(ARMS)],
            label=f"{group.label} (n = {len(mine)})",
        )[0]  # fmt: skip
        tell(
            points,
            drawn,
            [f"{group.label}: score {number(p.score)}, {number(p.outcome, 1)}" for p in mine],
        )
    axes.set_xlabel("Score on the first component")
    axes.set_ylabel(f"{prediction.outcome_label},\nadjusted ({outcome_unit(prediction)})")
    if len(results.groups) > 1:
        axes.legend(loc="best", fontsize=9)
