"""Calibration, performance against shuffled outcomes, and the learning curve."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from equipoise.report.drawing import (
    ARM0,
    ARMS,
    INK,
    MARKERS,
    RULE,
    Drawing,
    Points,
    mark_simulated,
    style,
    svg_texts,
    tell,
)
from equipoise.report.forecast_words import MEASURES, lead_measure, stage_label
from equipoise.report.words import group_label, level, number, p_clause, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from equipoise.analysis.results import Results
    from equipoise.analysis.stratification.forecast_results import (
        ForecastResults,
        ForecastStage,
        Measure,
    )

_STAGES = ("baseline", "early")


def forecast_figures(results: Results) -> dict[str, Drawing]:
    """The figures of the section; what cannot be drawn is left out."""
    found = results.forecast
    if found is None or not found.stages:
        return {}
    stages = [stage for name in _STAGES if (stage := found.stage(name)) is not None]
    drawings: dict[str, Drawing] = {}
    if all(stage.response_calibration is not None for stage in stages):
        drawings["forecast-calibration"] = _calibration(results, stages)
    name = lead_measure(found)
    if all((m := stage.measure(name)) is not None and m.null is not None for stage in stages):
        drawings["forecast-chance"] = _chance(results, stages, name)
    if any(point.measure == name for stage in stages for point in stage.learning):
        drawings["forecast-learning"] = _learning(results, found, stages, name)
    return drawings


def _origin(results: Results) -> str:
    return "SIMULATED data." if results.simulated else "Observed data."


def _calibration(results: Results, stages: list[ForecastStage]) -> Drawing:
    from matplotlib.figure import Figure

    name = "figure-forecast-calibration"
    points: Points = {}
    told: list[str] = []
    with style():
        figure = Figure(figsize=(8.4, 4.4), layout="constrained")
        panels = figure.subplots(1, len(stages), squeeze=False)[0]
        for place, (axes, stage) in enumerate(zip(panels, stages, strict=True)):
            mark_simulated(axes, results)
            told.append(_calibrated(axes, results, stage, ARMS[(place + 1) % len(ARMS)], points))
            axes.set_xlabel("Forecast probability of response")
        panels[0].set_ylabel("Share that responded")
        alternative = f"{results.origin_label} data. Calibration in left-out people. " + " ".join(
            told
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    shown = any(stage.people for stage in stages)
    marks = (
        " Ticks: participants by their forecast, responders above and others below."
        if shown
        else " Single people are not shown."
    )
    caption = (
        "Are probabilities kept? Marks: people in groups of like forecast, the share of them that "
        f"responded with its exact {level(results)} CI; line and band: logistic recalibration with "
        f"{level(results)} CI; dashed: calibrated. Each person’s forecast by models trained "
        f"without that person, the mean over repeats.{marks} {_origin(results)}"
    )
    return Drawing(name, caption, alternative, inline, standalone)


def _calibrated(
    axes: Axes, results: Results, stage: ForecastStage, colour: str, points: Points
) -> str:
    """One panel; returns what it shows in words."""
    found = stage.response_calibration
    assert found is not None
    axes.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    if found.line:
        x = [row.forecast for row in found.line]
        axes.fill_between(
            x, [r.lower for r in found.line], [r.upper for r in found.line],
            color=colour, alpha=0.16, linewidth=0,
        )  # fmt: skip
        axes.plot(x, [r.observed for r in found.line], color=colour, linewidth=1.8)
    known = [p for p in found.points if p.observed is not None]
    for point in known:
        shown = float(point.observed or 0)
        low, high = float(point.lower or 0), float(point.upper or 0)
        drawn = axes.errorbar(
            [point.forecast], [shown], yerr=[[shown - low], [high - shown]], color=colour,
            marker=MARKERS[1], markersize=6, elinewidth=1.2, capsize=3,
        )  # fmt: skip
        text = (
            f"forecast {percent(point.forecast)}, {point.responders} of {point.n} responded "
            f"({percent(low)} to {percent(high)})"
        )
        tell(points, drawn.lines[0], [text])
    for responded, height in ((True, 1.05), (False, -0.05)):
        mine = [p for p in stage.people if p.response is responded and p.probability is not None]
        if mine:
            drawn = axes.plot(
                [float(p.probability or 0) for p in mine], [height] * len(mine), linestyle="none",
                marker="|", markersize=9, color=ARM0,
            )[0]  # fmt: skip
            tell(points, drawn, [
                f"{group_label(results, p.group)}: forecast {percent(p.probability)}, "
                f"{'responded' if responded else 'did not respond'}" for p in mine
            ])  # fmt: skip
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.12, 1.12)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0 %", "25 %", "50 %", "75 %", "100 %"])
    label = stage_label(results, stage.stage)
    slope = "no slope" if found.slope is None else f"slope {number(found.slope)}"
    axes.set_title(f"{label}: {slope}", fontsize=10, loc="left")
    groups = "; ".join(
        f"forecast {percent(p.forecast)}: {percent(p.observed)} of {p.n}" for p in known
    )
    return f"{label}: {slope}; {groups or 'groups are not shown'}."


def _chance(results: Results, stages: list[ForecastStage], measure: Measure) -> Drawing:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    name = "figure-forecast-chance"
    told: list[str] = []
    with style():
        figure = Figure(figsize=(8.4, 3.0), layout="constrained")
        panels = figure.subplots(1, len(stages), squeeze=False, sharey=True, sharex=True)[0]
        for place, (axes, stage) in enumerate(zip(panels, stages, strict=True)):
            mark_simulated(axes, results)
            found = stage.measure(measure)
            assert found is not None
            assert found.null is not None
            assert found.estimate is not None
            edges = found.null.edges
            axes.bar(
                edges[:-1], found.null.counts, align="edge", alpha=0.75, edgecolor="none",
                width=[b - a for a, b in itertools.pairwise(edges)], color=ARM0,
            )  # fmt: skip
            axes.axvline(found.estimate, color=ARMS[(place + 1) % len(ARMS)], linewidth=2.0)
            label = stage_label(results, stage.stage)
            p = "" if found.permutation_p is None else f", {p_clause(found.permutation_p)}"
            axes.set_title(f"{label}: {percent(found.estimate)}{p}", fontsize=10, loc="left")
            axes.set_xlabel(f"{MEASURES[measure][0]} in left-out people")
            axes.xaxis.set_major_locator(MaxNLocator(5))
            axes.xaxis.set_major_formatter(lambda value, _: percent(value))
            told.append(
                f"{label}: {percent(found.estimate)} against {percent(found.null_mean)} on average "
                f"of shuffled outcomes{p}."
            )
        panels[0].set_ylabel("Shuffles")
        alternative = f"{results.origin_label} data. {MEASURES[measure][0]}. " + " ".join(told)
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label)
    caption = (
        f"Better than chance? {MEASURES[measure][0]} of left-out people (line) beside what the "
        "whole procedure shows when outcomes are shuffled within arm and stratum (bars). "
        f"{_origin(results)}"
    )
    return Drawing(name, caption, alternative, inline, standalone)


def _learning(
    results: Results, found: ForecastResults, stages: list[ForecastStage], measure: Measure
) -> Drawing:
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, NullLocator

    name = "figure-forecast-learning"
    told: list[str] = []
    points: Points = {}
    with style():
        figure = Figure(figsize=(6.8, 4.0), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        for place, stage in enumerate(stages):
            colour = ARMS[(place + 1) % len(ARMS)]
            label = stage_label(results, stage.stage)
            mine = [p for p in stage.learning if p.measure == measure and p.estimate is not None]
            tried = [p for p in mine if not p.drawn_on]
            further = [p for p in mine if p.drawn_on]
            shift = 1.0 + 0.02 * (place - 0.5)
            if tried:
                middle = [float(p.estimate or 0) for p in tried]
                low = [m - float(p.lower if p.lower is not None else m)
                       for m, p in zip(middle, tried, strict=True)]  # fmt: skip
                high = [float(p.upper if p.upper is not None else m) - m
                        for m, p in zip(middle, tried, strict=True)]  # fmt: skip
                drawn = axes.errorbar(
                    [p.n * shift for p in tried], middle,
                    yerr=[[max(v, 0.0) for v in low], [max(v, 0.0) for v in high]],
                    color=colour, marker=MARKERS[place + 1], markersize=5.5, linewidth=1.4,
                    elinewidth=1.0, capsize=2, label=label,
                )  # fmt: skip
                tell(points, drawn.lines[0], [
                    f"{label}, {p.n} train: {percent(p.estimate)}" for p in tried
                ])  # fmt: skip
                told.append(
                    f"{label}: {percent(tried[0].estimate)} with {tried[0].n} people, "
                    f"{percent(tried[-1].estimate)} with {tried[-1].n}."
                )
            if further:
                axes.plot(
                    [p.n for p in further], [float(p.estimate or 0) for p in further],
                    color=colour, linewidth=1.2, linestyle=(0, (5, 3)),
                )  # fmt: skip
        last = stages[-1]
        axes.axvline(last.n, color=RULE, linewidth=1.0)
        outcome = "response" if measure == "auc" else "score"
        needed = [row for row in last.needed if row.outcome == outcome]
        if needed:
            row = needed[-1]
            axes.axvline(row.needed, color=INK, linewidth=1.0, linestyle=(0, (1, 2)))
            axes.annotate(
                f"Riley: {row.needed:,}", (row.needed, 0.0), xycoords=("data", "axes fraction"),
                xytext=(-4, 6), textcoords="offset points", ha="right", fontsize=9,
            )  # fmt: skip
            told.append(f"Riley's criteria ask for {row.needed} people.")
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        sizes = sorted({p.n for s in stages for p in s.learning} | {row.needed for row in needed})
        ticks = [t for t in (10, 20, 30, 50, 100, 200, 300, 500, 1000, 2000, 5000, 10000)
                 if sizes[0] * 0.9 <= t <= sizes[-1] * 1.1]  # fmt: skip
        axes.set_xticks(ticks)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: percent(value)))
        axes.set_xlabel(f"People who train the forecast (here {last.n})")
        axes.set_ylabel(f"{MEASURES[measure][0]} in the others")
        axes.legend(loc="best", fontsize=9)
        alternative = f"{results.origin_label} data. Learning curve. " + " ".join(told)
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    caption = (
        f"Would more people help? {MEASURES[measure][0]} by the number of people who train, in "
        f"those left out; bars: the middle half of {found.subsamples} subsamples. Dashed: drawn on "
        "by a line in 1/n, an extrapolation and not a finding; grey: the people here; dotted: "
        f"Riley’s criteria. {_origin(results)}"
    )
    return Drawing(name, caption, alternative, inline, standalone)
