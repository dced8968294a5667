"""Figures of immune profiles and of differences in benefit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.benefit_words import at_name, effect_text, shows_profiles
from equipoise.report.drawing import (
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
from equipoise.report.words import group_label, level, number, visit_label

if TYPE_CHECKING:
    from equipoise.analysis.results import Results
    from equipoise.analysis.stratification.benefit_results import (
        Heterogeneity,
        ProfileResults,
        Stratification,
    )


def benefit_figures(results: Results) -> dict[str, Drawing]:
    """By name; none where nothing of it is planned or could be estimated."""
    found = results.stratification
    if found is None:
        return {}
    drawings: dict[str, Drawing] = {}
    if found.profiles is not None and shows_profiles(found.profiles):
        drawings["profiles"] = _profiles(results, found.profiles)
    for one in found.heterogeneity:
        if one.effects:
            drawings[f"benefit:{one.arm}"] = _effects(results, found, one)
        if one.people:
            drawings[f"benefit-people:{one.arm}"] = _people(results, found, one)
    return drawings


def _profiles(results: Results, found: ProfileResults) -> Drawing:
    from matplotlib.figure import Figure

    name = "figure-profiles"
    points: Points = {}
    with style():
        figure = Figure(figsize=(8.4, 1.4 + 0.42 * len(found.markers)), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        axes.axvline(0.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        for index, row in enumerate(found.profiles):
            drawn = axes.plot(
                [mean for _, mean in row.means], range(len(row.means)), linestyle="-",
                linewidth=1.2, marker=MARKERS[index % len(MARKERS)], markersize=7,
                color=ARMS[index % len(ARMS)],
                label=f"Profile {row.number} ({number(100 * row.share, 0)} %)",
            )[0]  # fmt: skip
            tell(
                points,
                drawn,
                [f"Profile {row.number}, {label}: {number(mean)} SD" for label, mean in row.means],
            )
        axes.set_yticks(range(len(found.markers)), list(found.markers))
        axes.set_ylim(len(found.markers) - 0.6, -0.4)
        axes.set_xlabel("Mean at baseline, in SD from the mean of all")
        axes.legend(loc="best", fontsize=9)
        alternative = f"{results.origin_label} data. Means of the profiles in SD: " + "; ".join(
            f"profile {row.number}: "
            + ", ".join(f"{label} {number(mean)}" for label, mean in row.means)
            for row in found.profiles
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    caption = (
        f"Mean of each marker at baseline in each profile. Of {found.n} people. "
        f"{'SIMULATED' if results.simulated else 'Observed'} data."
    )
    return Drawing(name, caption, alternative, inline, standalone)


def _effects(results: Results, found: Stratification, one: Heterogeneity) -> Drawing:
    from matplotlib.figure import Figure

    name = f"figure-benefit-{one.arm}"
    points: Points = {}
    unit = found.outcome_unit
    rows = one.effects
    with style():
        figure = Figure(figsize=(8.4, 1.7 + 0.42 * (len(rows) + 1)), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        axes.axvline(0.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        overall = float(one.effect or 0)
        low, high = float(one.effect_lower or 0), float(one.effect_upper or 0)
        axes.axvspan(low, high, color=RULE, alpha=0.35, linewidth=0)
        axes.axvline(overall, color=RULE, linewidth=1.4)
        drawn = axes.errorbar(
            [overall], [0], xerr=[[overall - low], [high - overall]], color=INK, marker="D",
            markersize=7, elinewidth=1.6, capsize=3, label="All",
        )  # fmt: skip
        tell(points, drawn.lines[0], [f"All: {effect_text(overall, low, high)} {unit}"])
        kinds = (
            ("This interaction alone", "own", -0.14, ARMS[2], "o"),
            ("Shrunken, all interactions together", "shrunken", 0.14, ARMS[1], "s"),
        )
        for label, field, shift, colour, mark in kinds:
            centres = [float(getattr(row, field)) for row in rows]
            lows = [float(getattr(row, f"{field}_lower")) for row in rows]
            highs = [float(getattr(row, f"{field}_upper")) for row in rows]
            drawn = axes.errorbar(
                centres, [k + 1 + shift for k in range(len(rows))],
                xerr=[[c - x for c, x in zip(centres, lows, strict=True)],
                      [x - c for c, x in zip(centres, highs, strict=True)]],
                linestyle="none", color=colour, marker=mark, markersize=5.5, elinewidth=1.3,
                capsize=2.5, label=label,
            )  # fmt: skip
            tell(
                points,
                drawn.lines[0],
                [
                    f"{at_name(row)}, {label.lower()}: {effect_text(c, x, y)} {unit}"
                    for row, c, x, y in zip(rows, centres, lows, highs, strict=True)
                ],
            )
        axes.set_yticks(range(len(rows) + 1), ["All", *[at_name(row) for row in rows]])
        axes.set_ylim(len(rows) + 0.6, -0.6)
        axes.set_xlabel(
            f"Effect of {group_label(results, one.arm)} on {found.outcome_label} by "
            f"{visit_label(results, found.landmark)} ({unit})"
        )
        axes.legend(loc="upper center", bbox_to_anchor=(0.4, -0.16), ncol=3, fontsize=9)
        alternative = (
            f"{results.origin_label} data. Effect in all "
            f"{effect_text(one.effect, one.effect_lower, one.effect_upper)}; shrunken: "
            + "; ".join(
                f"{at_name(row)} "
                f"{effect_text(row.shrunken, row.shrunken_lower, row.shrunken_upper)}"
                for row in rows
            )
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    caption = (
        f"Effect of {group_label(results, one.arm)} in all (band: {level(results)} CI), and at "
        "values of each modifier with the others at their means: from the model with that "
        "interaction alone, and shrunken with all interactions together. All interactions "
        f"together: p = {number(one.joint_p, 3)}. "
        f"{'SIMULATED' if results.simulated else 'Observed'} data."
    )
    return Drawing(name, caption, alternative, inline, standalone)


def _people(results: Results, found: Stratification, one: Heterogeneity) -> Drawing:
    from matplotlib.figure import Figure

    name = f"figure-benefit-people-{one.arm}"
    points: Points = {}
    n = len(one.people)
    with style():
        figure = Figure(figsize=(8.4, 3.4), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        axes.axhline(0.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        effects = [person.effect for person in one.people]
        drawn = axes.errorbar(
            range(1, n + 1), effects,
            yerr=[[p.effect - p.lower for p in one.people],
                  [p.upper - p.effect for p in one.people]],
            linestyle="none", color=ARMS[1], marker="o", markersize=4, elinewidth=1.0,
        )  # fmt: skip
        tell(
            points,
            drawn.lines[0],
            [f"{effect_text(p.effect, p.lower, p.upper)} {found.outcome_unit}" for p in one.people],
        )
        axes.set_xlabel("Participants, ordered by predicted effect")
        axes.set_xticks([])
        axes.set_ylabel(f"Predicted effect ({found.outcome_unit})")
        alternative = (
            f"{results.origin_label} data. Predicted effects of {n} people with intervals, from "
            f"{number(min(effects))} to {number(max(effects))}."
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    allowed = "" if results.simulated else " The protocol allows single people."
    caption = (
        f"Effect of {group_label(results, one.arm)} that the shrunken model predicts for each "
        f"participant from baseline, with {level(results)} interval. "
        f"{'SIMULATED' if results.simulated else 'Observed'} data.{allowed}"
    )
    return Drawing(name, caption, alternative, inline, standalone)
