"""Path diagram of the mediated effects, and the indirect effect against confounding."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.drawing import (
    ARM0,
    ARM1,
    ARM2,
    INK,
    PAPER,
    Drawing,
    mark_simulated,
    style,
    svg_texts,
)
from equipoise.report.early_change_words import outcome_unit
from equipoise.report.mediation_words import (
    IF_NOTHING_ELSE,
    METHODS,
    effect_text,
    lead_set,
    limits_text,
)
from equipoise.report.words import group_label, level, visit_label

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from equipoise.analysis.prediction.mediation_results import Mediation, MediationSet
    from equipoise.analysis.prediction.prediction_results import Prediction
    from equipoise.analysis.results import Results


def mediation_figures(results: Results) -> dict[str, Drawing]:
    """Both figures; what cannot be drawn is left out."""
    prediction = results.prediction
    found = None if prediction is None else prediction.mediation
    if prediction is None or found is None:
        return {}
    drawings: dict[str, Drawing] = {}
    lead = lead_set(found)
    if lead is not None:
        drawings["mediation-paths"] = _paths(results, prediction, found, lead)
    single = next((row for row in found.singles if row.plain is not None), None)
    if single is not None:
        drawings["mediation-confounding"] = _confounding(results, prediction, single)
    return drawings


def _origin(results: Results) -> str:
    return "SIMULATED data." if results.simulated else "Observed data."


def _paths(
    results: Results, prediction: Prediction, found: Mediation, lead: MediationSet
) -> Drawing:
    from matplotlib.figure import Figure

    name = "figure-mediation-paths"
    unit = outcome_unit(prediction)
    told: list[str] = []
    count = len(lead.paths)
    height = max(3.4, 1.6 + 1.15 * count)
    with style():
        figure = Figure(figsize=(8.4, height), layout="constrained")
        axes = figure.subplots()
        axes.set_axis_off()
        axes.set_xlim(0.0, 10.0)
        axes.set_ylim(0.0, 2.6 + 1.5 * count)
        mark_simulated(axes, results)
        ground = 1.0
        _box(axes, 0.9, ground, group_label(results, lead.arm))
        _box(axes, 9.1, ground, prediction.outcome_label)
        for place, path in enumerate(lead.paths):
            y = 1.5 * (count - place) + 1.3
            a = f"a {limits_text(path.a, path.a_lower, path.a_upper)} SD"
            b = f"b {limits_text(path.b, path.b_lower, path.b_upper)} per SD"
            _arrow(axes, (1.1, ground + 0.35), (3.3, y), ARM1)
            _arrow(axes, (6.7, y), (8.9, ground + 0.35), ARM1)
            # The numbers stand in the box: beside the arrows they would cross them.
            _box(axes, 5.0, y, path.label, a, b)
            told.append(f"{path.label}: {a}, {b} ({unit})")
        direct, indirect = effect_text(lead.effect("direct")), effect_text(lead.effect("indirect"))
        total = effect_text(lead.effect("total"))
        _arrow(axes, (1.9, ground), (8.0, ground), ARM2)
        axes.text(5.0, ground + 0.12, f"direct {direct} {unit}", ha="center", va="bottom",
                  fontsize=9)  # fmt: skip
        text = f"indirect, {'together' if lead.joint else 'through it'} {indirect} {unit}"
        axes.text(5.0, 0.45, text, ha="center", va="top", fontsize=9, color=INK)
        axes.text(5.0, 0.05, f"total {total} {unit}", ha="center", va="top", fontsize=9)
        alternative = (
            f"{results.origin_label} data. From {group_label(results, lead.arm)} to "
            f"{prediction.outcome_label} by {visit_label(results, prediction.landmark)}: direct "
            f"{direct}, indirect {indirect}, total {total} {unit}. {'; '.join(told)}."
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label)
    single = "" if lead.joint else f" The indirect effect is meant “{IF_NOTHING_ELSE}”."
    caption = (
        "What would go through the early change, and what past it. a: difference between the arms "
        f"in SDs of the mediator; b: {unit} per SD of it, beside the arm and the others "
        f"({level(results)} CI, percentile bootstrap); effects with {level(results)} CI "
        f"({METHODS[found.interval]}). The arrows are assumed, not found.{single} "
        f"{_origin(results)}"
    )
    return Drawing(name, caption, alternative, inline, standalone)


def _box(axes: Axes, x: float, y: float, text: str, *numbers: str) -> None:
    words, lines = text.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > (40 if numbers else 16) and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    axes.text(
        x, y, "\n".join([*lines, *numbers]), ha="center", va="center", fontsize=9,
        bbox={"boxstyle": "round,pad=0.4", "facecolor": PAPER, "edgecolor": ARM0},
    )  # fmt: skip


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    axes.annotate(
        "", xy=end, xytext=start,
        arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.5},
    )  # fmt: skip


def _confounding(results: Results, prediction: Prediction, row: MediationSet) -> Drawing:
    from matplotlib.figure import Figure

    name = "figure-mediation-confounding"
    plain = row.plain
    assert plain is not None
    points = [p for p in plain.rho if p.indirect is not None]
    banded = [p for p in points if p.lower is not None and p.upper is not None]
    unit = outcome_unit(prediction)
    gone = limits_text(plain.vanishing, plain.vanishing_lower, plain.vanishing_upper)
    with style():
        figure = Figure(figsize=(6.8, 3.8), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        axes.axhline(0.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.axvline(0.0, color=INK, linewidth=0.8, linestyle=(0, (1, 2)))
        axes.fill_between(
            [p.rho for p in banded], [float(p.lower or 0) for p in banded],
            [float(p.upper or 0) for p in banded], color=ARM1, alpha=0.16, linewidth=0,
        )  # fmt: skip
        axes.plot([p.rho for p in points], [float(p.indirect or 0) for p in points], color=ARM1,
                  linewidth=1.8)  # fmt: skip
        axes.plot([plain.vanishing], [0.0], marker="o", color=ARM2, markersize=6)
        axes.set_xlabel("Correlation of the errors of both models (rho)")
        axes.set_ylabel(f"Indirect effect ({unit})")
        alternative = (
            f"{results.origin_label} data. Indirect effect through {row.label} without "
            f"interaction: {limits_text(plain.indirect, *_at_zero(row))} {unit} without unmeasured "
            f"confounding, gone at rho {gone}."
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label)
    caption = (
        f"What would an unmeasured common cause do? Indirect effect through {row.label} without "
        f"interaction, for a given correlation of the errors, with {level(results)} CI (percentile "
        f"bootstrap). At 0 nothing is confounded; mark: where nothing is left. {_origin(results)}"
    )
    return Drawing(name, caption, alternative, inline, standalone)


def _at_zero(row: MediationSet) -> tuple[float | None, float | None]:
    plain = row.plain
    assert plain is not None
    point = next((p for p in plain.rho if p.rho == 0.0), None)
    return (None, None) if point is None else (point.lower, point.upper)
