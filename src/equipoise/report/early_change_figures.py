"""Early change against the outcome by arm, and the slopes of all markers."""

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
from equipoise.report.early_change_words import outcome_unit, slope_text
from equipoise.report.words import group_label, level, number, visit_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from equipoise.analysis.prediction.prediction_results import (
        ArmCentre,
        EarlyChange,
        Pair,
        Prediction,
        Slope,
    )
    from equipoise.analysis.results import Results

#: A line reaches so many standard deviations of its arm to either side of the arm's mean.
_REACH = 2.0


def early_change_figures(results: Results) -> dict[str, Drawing]:
    """The leading marker by arm, and a forest of all; what cannot be drawn is left out."""
    found = results.prediction
    if found is None:
        return {}
    drawings: dict[str, Drawing] = {}
    if found.markers[0].headline.estimate is not None and found.markers[0].centres:
        drawings["early-change"] = _by_arm(results, found, found.markers[0])
    estimated = [m for m in found.markers if m.headline.estimate is not None]
    if len(found.markers) > 1 and estimated:
        drawings["early-change-markers"] = _forest(results, found, estimated)
    return drawings


def _by_arm(results: Results, prediction: Prediction, marker: EarlyChange) -> Drawing:
    from matplotlib.figure import Figure

    name = "figure-early-change"
    log = marker.scale == "log_fold"
    early, late = (visit_label(results, v) for v in (prediction.early_visit, prediction.landmark))
    points: Points = {}
    with style():
        figure = Figure(figsize=(6.8, 4.2), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        for index, group in enumerate(results.groups):
            centre = next((c for c in marker.centres if c.group == group.key), None)
            if centre is not None:
                _line(axes, centre, marker.headline, ARMS[index % len(ARMS)], log=log)
            mine = [p for p in marker.pairs if p.group == group.key]
            shown = f"{group.label} (n = {centre.n if centre else len(mine)})"
            if mine:
                drawn = axes.plot(
                    [_shown(p.early, log=log) for p in mine], [p.outcome for p in mine],
                    linestyle="none", marker=MARKERS[index % len(MARKERS)], markersize=5.5,
                    color=ARMS[index % len(ARMS)], label=shown,
                )[0]  # fmt: skip
                tell(points, drawn, [_told(group.label, marker, prediction, p) for p in mine])
            else:
                axes.plot([], [], color=ARMS[index % len(ARMS)], label=shown)
        if log:
            axes.set_xscale("log")
            plain_log_ticks(axes, "x")
        axes.set_xlabel(f"{marker.label}: {'fold of baseline' if log else 'change'} at {early}")
        axes.set_ylabel(
            f"{prediction.outcome_label}: change by {late} ({outcome_unit(prediction)})"
        )
        if len(results.groups) > 1:
            axes.legend(loc="best", fontsize=9)
        slope = slope_text(marker.headline)
        people = "; ".join(f"{group_label(results, c.group)} {c.used}" for c in marker.counts)
        alternative = (
            f"{results.origin_label} data. {prediction.outcome_label} by {late} on the early "
            f"change of {marker.label} at {early}, people by arm: {people}. Slope within arms "
            f"{slope} {outcome_unit(prediction)} per standard deviation."
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    allowed = "" if results.simulated or not marker.pairs else " The protocol allows single people."
    who = "One mark a participant. " if marker.pairs else "Single people are not shown. "
    caption = (
        f"{marker.label} at {early} against {prediction.outcome_label} by {late}. {who}Lines: the "
        "slope within arms, the same for all arms, through each arm's means; shaded: the slopes "
        f"inside its {level(results)} CI. Marks are not adjusted for baseline, the slope is. "
        f"{'SIMULATED' if results.simulated else 'Observed'} data.{allowed}"
    )
    return Drawing(name, caption, alternative, inline, standalone)


def _shown(early: float, *, log: bool) -> float:
    return math.exp(early) if log else early


def _line(axes: Axes, centre: ArmCentre, slope: Slope, colour: str, *, log: bool) -> None:
    """The common slope through the means of an arm, with the slopes of its interval."""
    reach = _REACH * centre.early_sd
    steps = [-reach + 2 * reach * k / 40 for k in range(41)]
    x = [_shown(centre.early_mean + step, log=log) for step in steps]

    def along(value: float | None) -> list[float]:
        return [centre.outcome_mean + float(value or 0) * step for step in steps]

    # With a curve drawn on a log axis a straight line in logs stays straight.
    axes.fill_between(x, along(slope.lower), along(slope.upper), color=colour, alpha=0.13, lw=0)
    axes.plot(x, along(slope.estimate), color=colour, linewidth=1.8)


def _told(group: str, marker: EarlyChange, prediction: Prediction, pair: Pair) -> str:
    fold = marker.scale == "log_fold"
    first = f"{number(pair.early)} {marker.unit}"
    if fold:
        first = f"{number(math.exp(pair.early))} times baseline"
    unit = outcome_unit(prediction)
    return f"{group}: {first}, {prediction.outcome_label} {number(pair.outcome, 1)} {unit}"


def _forest(results: Results, prediction: Prediction, markers: list[EarlyChange]) -> Drawing:
    from matplotlib.figure import Figure

    name = "figure-early-change-markers"
    unit = outcome_unit(prediction)
    points: Points = {}
    with style():
        figure = Figure(figsize=(8.4, 1.0 + 0.36 * len(markers)), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        axes.axvline(0.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        for index, marker in enumerate(markers):
            slope = marker.headline
            estimate = float(slope.per_sd or 0)
            low, high = float(slope.per_sd_lower or 0), float(slope.per_sd_upper or 0)
            drawn = axes.errorbar(
                [estimate], [index], xerr=[[estimate - low], [high - estimate]], color=ARMS[1],
                marker=MARKERS[1], markersize=6, elinewidth=1.4, capsize=3,
            )  # fmt: skip
            tell(points, drawn.lines[0], [f"{marker.label}: {slope_text(slope)} {unit} per SD"])
        axes.set_yticks(range(len(markers)), [m.label for m in markers])
        axes.invert_yaxis()
        axes.set_xlabel(
            f"{prediction.outcome_label} by {visit_label(results, prediction.landmark)}: {unit} "
            "per SD of the early change"
        )
        alternative = f"{results.origin_label} data. Slopes within arms per SD: " + "; ".join(
            f"{m.label} {slope_text(m.headline)}" for m in markers
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    caption = (
        f"Slope within arms of {prediction.outcome_label} on the early change of each marker, with "
        f"unadjusted {level(results)} CI. {'SIMULATED' if results.simulated else 'Observed'} data."
    )
    return Drawing(name, caption, alternative, inline, standalone)
