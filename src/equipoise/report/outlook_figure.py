"""The forecast fan: a known score before, and what is expected of it under each arm.

Between the two days nothing is forecast: the dashed lines only say which dot belongs to which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.report.drawing import (
    ARMS,
    INK,
    Drawing,
    Points,
    style,
    svg_texts,
    tell,
    write_simulated,
)
from equipoise.report.outlook_words import outlook_sentence
from equipoise.report.words import number, percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from equipoise.analysis.stratification.outlooks import Outlook
    from equipoise.report.outlook_words import Setting

#: Half width of a bar, and opacity of the bands from the widest to the narrowest.
_HALF, _STRENGTH = 0.3, (0.2, 0.3, 0.55)


@dataclass(frozen=True, slots=True)
class Fan:
    """One panel: a person, real or constructed.

    Attributes
    ----------
    title
        Over the panel.
    before
        Score at baseline.
    outlooks
        Forecasts, from baseline first.
    limit
        Score at which there is just a response; None without a rule.
    """

    title: str
    before: float
    outlooks: tuple[Outlook, ...]
    limit: float | None


def fan_drawing(setting: Setting, fans: Sequence[Fan], name: str, caption: str) -> Drawing:
    """All fans side by side on the same axis."""
    from matplotlib.figure import Figure

    points: Points = {}
    widest = max(len(fan.outlooks) for fan in fans)
    with style():
        width = min(9.0, 1.2 + len(fans) * (1.1 + 0.75 * widest))
        figure = Figure(figsize=(max(width, 5.2), 4.1), layout="constrained")
        panels = figure.subplots(1, len(fans), squeeze=False, sharey=True)[0]
        for axes, fan in zip(panels, fans, strict=True):
            if setting.simulated:
                write_simulated(axes)
            _panel(setting, axes, fan, points)
        unit = f" ({setting.unit})" if setting.unit else ""
        panels[0].set_ylabel(f"{setting.outcome}{unit}")
        edges = [edge for fan in fans for one in fan.outlooks for edge in one.bands[-1][1:]]
        edges += [fan.before for fan in fans]
        room = 0.08 * (max(edges) - min(edges)) or 1.0
        panels[0].set_ylim(min(edges) - room, max(edges) + room)
        alternative = _alternative(setting, fans)
        inline, standalone = svg_texts(
            figure, name, alternative, "SIMULATED" if setting.simulated else "observed", points
        )
    return Drawing(name, caption, alternative, inline, standalone)


def _panel(setting: Setting, axes: Axes, fan: Fan, points: Points) -> None:
    from matplotlib.patches import Rectangle

    places = [0.0, *(1.0 + i for i in range(len(fan.outlooks)))]
    arms = list(setting.arms)
    for place, one in zip(places[1:], fan.outlooks, strict=True):
        colour = ARMS[arms.index(one.arm) % len(ARMS)]
        axes.plot(
            [0.0, place], [fan.before, one.expected], linestyle=(0, (2, 3)), color=colour,
            linewidth=0.8, zorder=1,
        )  # fmt: skip
        for (_, low, high), strength in zip(reversed(one.bands), _STRENGTH, strict=True):
            axes.add_patch(
                Rectangle(
                    (place - _HALF, low), 2 * _HALF, high - low, facecolor=colour, alpha=strength,
                    linewidth=0, zorder=2,
                )
            )  # fmt: skip
        axes.plot(
            [place - _HALF, place + _HALF], [one.expected] * 2, color=INK, linewidth=1.6, zorder=3
        )
        (mark,) = axes.plot([place], [one.expected], "o", color=INK, markersize=4, zorder=4)
        tell(points, mark, [outlook_sentence(setting, one)])
        text = number(one.expected, 1)
        if one.response is not None:
            text += f"\n{percent(one.response)}"
        axes.annotate(
            text, (place, one.bands[-1][2]), xytext=(0, 3), textcoords="offset points",
            ha="center", va="bottom", fontsize=8,
        )  # fmt: skip
    (start,) = axes.plot([0.0], [fan.before], "D", color=INK, markersize=5, zorder=4)
    tell(
        points,
        start,
        [f"{setting.outcome}, {setting.baseline}: {number(fan.before, 1)}"],
    )
    if fan.limit is not None:
        axes.axhline(fan.limit, color=INK, linewidth=0.9, linestyle=":")
        axes.annotate(
            "response", (-0.45, fan.limit), xytext=(0, 2), textcoords="offset points", fontsize=7.5,
            ha="left", va="bottom",
        )  # fmt: skip
    labels = [setting.baseline]
    for one in fan.outlooks:
        early = f"\nwith {setting.early}" if one.stage == "early" else ""
        labels.append(f"{_short(setting.arms[one.arm])}{early}\n{setting.landmark}")
    axes.set_xticks(places, labels, fontsize=8)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-0.5, places[-1] + 0.5)
    axes.set_title(fan.title, fontsize=9.5)


def _short(text: str) -> str:
    return text if len(text) <= 14 else text[:13] + "…"


def _alternative(setting: Setting, fans: Sequence[Fan]) -> str:
    said: list[str] = []
    for fan in fans:
        sentences = " ".join(outlook_sentence(setting, one) for one in fan.outlooks)
        title = f"{fan.title.replace(chr(10), ' ')}, {number(fan.before, 1)} before"
        said.append(f"{title}: {sentences}")
    origin = "SIMULATED data. " if setting.simulated else ""
    return f"{origin}Forecast of {setting.outcome}. {' '.join(said)}"
