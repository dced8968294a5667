"""The courses of an exploration: one figure a schedule, one panel a readout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from equipoise.report.drawing import (
    ARM0,
    ARM1,
    ARM2,
    ARM3,
    INK,
    Drawing,
    Points,
    style,
    svg_texts,
    tell,
    write_simulated,
)
from equipoise.report.exploration_table import band_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from equipoise.patients.exploration import Exploration, Readout, Regimen

#: Up to so many doses each has a colour and a band of its own.
_MOST_BANDS = 3


def exploration_figures(
    exploration: Exploration,
    at: Sequence[float],
    *,
    prefix: str = "exploration",
    typical: bool = False,
) -> list[Drawing]:
    """One drawing a schedule, every dose in it beside no drug.

    With `typical` the typical patient, whose parameters are the model's values, is drawn too.
    """
    nothing, *others = exploration.regimens
    found: list[Drawing] = []
    limits = {r.key: _limits(exploration, r) for r in exploration.readouts}
    for words in dict.fromkeys(regimen.words for regimen in others):
        members = [regimen for regimen in others if regimen.words == words]
        name = f"figure-{prefix}-{len(found) + 1}"
        drawing = _drawing(exploration, name, words, nothing, members, at, limits, typical)
        found.append(drawing)
    return found


def _limits(exploration: Exploration, readout: Readout) -> tuple[float, float]:
    """The same axis in every figure, so that schedules can be compared by eye."""
    bands = [regimen.bands[readout.key] for regimen in exploration.regimens]
    low = min(float(band.lower.min()) for band in bands)
    high = max(float(band.upper.max()) for band in bands)
    room = 0.06 * (high - low) or 0.5
    return low - room, high + room


def _drawing(
    exploration: Exploration,
    name: str,
    words: str,
    nothing: Regimen,
    members: list[Regimen],
    at: Sequence[float],
    limits: Mapping[str, tuple[float, float]],
    typical: bool,
) -> Drawing:
    from matplotlib.figure import Figure

    readouts = exploration.readouts
    points: Points = {}
    with style():
        height = -(-len(readouts) // 2)
        figure = Figure(figsize=(8.4, 0.5 + 2.9 * height), layout="constrained")
        panels = figure.subplots(height, 2, squeeze=False, sharex=True).ravel()
        for axes, readout in zip(panels, readouts, strict=False):
            write_simulated(axes)
            axes.set_ylim(*limits[readout.key])
            _panel(exploration, axes, readout, nothing, members, at, points, typical)
        for axes in panels[len(readouts) :]:
            axes.set_visible(False)
        for axes in panels[-2:]:
            axes.set_xlabel("Day")
        legend = {
            label: handle
            for axes in panels
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        labels = sorted(legend, key=lambda label: label == "No drug")
        figure.legend(
            [legend[label] for label in labels],
            labels,
            loc="outside upper center",
            ncols=min(len(labels), 8),
            fontsize=9,
            columnspacing=1.2,
            handlelength=1.6,
        )
        alternative = _alternative(exploration, words, [nothing, *members])
        inline, standalone = svg_texts(figure, name, alternative, "SIMULATED", points)
    bands = "" if len(members) <= _MOST_BANDS else " of no drug and of the highest dose"
    caption = (
        f"{words}: median over {exploration.patients} virtual patients, and the band{bands} in "
        "which nine in ten of them lie."
        + (" Dotted: the typical patient." if typical else "")
        + " Strokes on the axis are doses. SIMULATED data."
    )
    return Drawing(name, caption, alternative, inline, standalone)


def _panel(
    exploration: Exploration,
    axes: Axes,
    readout: Readout,
    nothing: Regimen,
    members: list[Regimen],
    at: Sequence[float],
    points: Points,
    typical: bool,
) -> None:
    days = exploration.days
    places = [days.tolist().index(day) for day in at]
    if readout.neutral is not None:
        axes.axhline(readout.neutral, color=ARM0, linewidth=0.8, linestyle=":")
    drawn = [*members] if readout.neutral is not None else [nothing, *members]
    for regimen in drawn:
        band = regimen.bands[readout.key]
        colour, strength = _look(regimen, nothing, members)
        if regimen is nothing or len(members) <= _MOST_BANDS or regimen is members[-1]:
            axes.fill_between(days, band.lower, band.upper, color=colour, alpha=0.08, linewidth=0)
            for edge in (band.lower, band.upper):
                axes.plot(days, edge, color=colour, alpha=0.55, linewidth=0.7)
        label = regimen.label
        axes.plot(
            days, band.median, color=colour, alpha=strength, linewidth=1.8,
            linestyle="--" if regimen is nothing else "-", label=label,
        )  # fmt: skip
        if typical:
            axes.plot(days, band.typical, color=colour, linewidth=1.0, linestyle=(0, (1, 1.5)))
        (marks,) = axes.plot(
            days[places], band.median[places], "o", color=colour, alpha=strength, markersize=4
        )
        texts = [f"{label}, day {days[p]:g}: {band_text(readout, band, p)}" for p in places]
        tell(points, marks, list(texts))
    axes.set_title(readout.label, fontsize=10)
    axes.set_ylabel(readout.unit)
    axes.margins(x=0.02)
    given = members[0].schedule.days
    axes.plot(
        given, [0.0] * len(given), "|", color=INK, markersize=7, clip_on=False,
        transform=axes.get_xaxis_transform(),
    )  # fmt: skip


def _look(regimen: Regimen, nothing: Regimen, members: list[Regimen]) -> tuple[str, float]:
    """Colour and opacity: three doses have colours, more of them grow stronger with the dose."""
    if regimen is nothing:
        return ARM0, 1.0
    place = members.index(regimen)
    if len(members) <= _MOST_BANDS:
        return (ARM3, ARM1, ARM2)[place] if len(members) > 1 else ARM1, 1.0
    return ARM1, 0.3 + 0.7 * place / (len(members) - 1)


def _alternative(exploration: Exploration, words: str, members: list[Regimen]) -> str:
    last = len(exploration.days) - 1
    said: list[str] = []
    for regimen in members:
        name = regimen.label
        values = ", ".join(
            f"{r.label} {band_text(r, regimen.bands[r.key], last)} {r.unit}"
            for r in exploration.readouts
        )
        said.append(f"{name}: {values}")
    day = exploration.days[last]
    return f"SIMULATED data. {words}. Medians and bands at day {day:g}. {'; '.join(said)}."
