"""The figure of the calibration: misfit of each parameter held, and Sobol indices."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

from equipoise.patients.calibration.profile_likelihood import LIMIT

#: Outputs of the sensitivity analysis, in words.
OUTPUTS_IN_WORDS = {
    "treg_day_5": "Treg percentage at day 5",
    "tone_week_8": "log tone at week 8",
    "benefit_week_8": "points beyond placebo at week 8",
}

#: Parameters that are shown for each output, of those with the largest total index.
SHOWN = 8

_INK, _LINE, _BAR = "#1c2733", "#0b6e99", "#8fb8cc"


def write_figure(results: dict[str, Any], path: Path) -> None:
    """Write the figure as SVG, the same bytes for the same results."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    profiles, sensitivity = results["profiles"], results["sensitivity"]
    columns = 5
    rows = math.ceil(len(profiles) / columns)
    settings: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": "equipoise",
        "font.size": 8,
        "text.color": _INK,
        "axes.labelcolor": _INK,
        "xtick.color": _INK,
        "ytick.color": _INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(settings):
        figure = Figure(figsize=(9.5, 1.75 * rows + 3.2), layout="constrained")
        FigureCanvasSVG(figure)
        parts: Any = figure.subfigures(2, 1, height_ratios=(1.75 * rows, 3.0))
        upper, lower = parts
        upper.suptitle("Misfit above its minimum when a parameter is held (dashed: 95 % limit)")
        grid = upper.subplots(rows, columns, squeeze=False, sharey=True)
        for axes in grid.flat[len(profiles) :]:
            axes.set_visible(False)
        for axes, (name, one) in zip(grid.flat, profiles.items(), strict=False):
            axes.plot(one["values"], one["misfit"], marker="o", markersize=3, color=_LINE)
            axes.axhline(LIMIT, color=_INK, linewidth=0.8, linestyle="--")
            axes.set_xscale("log")
            axes.minorticks_off()
            axes.set_xticks([one["values"][0], one["values"][-1]])
            axes.set_xticklabels([f"{one['values'][0]:.2g}", f"{one['values'][-1]:.2g}"])
            axes.set_ylim(-0.5, 10)
            axes.set_title(f"{name}: {one['verdict']}", fontsize=8, family="monospace")
        lower.suptitle("Total Sobol index, each parameter within a factor of 1.5")
        for axes, (output, words) in zip(
            lower.subplots(1, 3), OUTPUTS_IN_WORDS.items(), strict=True
        ):
            total = sensitivity["total"][output]
            most = sorted(total, key=lambda name: -total[name])[:SHOWN][::-1]
            error = [sensitivity["total_error"][output][name] for name in most]
            axes.barh(most, [total[name] for name in most], xerr=error, color=_BAR, ecolor=_INK)
            axes.set_xlim(left=0)
            axes.tick_params(axis="y", labelfontfamily="monospace")
            axes.set_title(words, fontsize=8)
        figure.savefig(path, format="svg", metadata={"Date": None, "Creator": None})
    text = path.read_text(encoding="utf-8")
    title = "<title>SIMULATED. Profile likelihoods and Sobol indices of the calibration</title>"
    text = re.sub(r"<metadata>.*?</metadata>", title, text, count=1, flags=re.DOTALL)
    path.write_text("\n".join(line.rstrip() for line in text.splitlines()) + "\n", encoding="utf-8")
