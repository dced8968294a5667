"""Published numbers beside virtual patients: single doses, five daily doses, a small trial."""

from __future__ import annotations

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

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from equipoise.patients.exploration import Band, Exploration
    from equipoise.patients.patients_shown import PatientsShown

#: How every published number is drawn; those that were recalled are grey.
_SIZE = 6

#: Planned day of the sample before the fifth dose, and of that a week after the first.
_DAY_5, _DAY_8 = 4.0, 7.0


def published_figure(shown: PatientsShown) -> Drawing | None:
    """Four panels of published numbers on the patients; None where nothing is published."""
    from matplotlib.figure import Figure

    if shown.five_days is None:
        return None
    points: Points = {}
    with style():
        figure = Figure(figsize=(8.4, 6.8), layout="constrained")
        panels = figure.subplots(2, 2)
        for axes in panels.ravel():
            write_simulated(axes)
        _single_doses(panels[0, 0], shown, points)
        _five_doses(panels[0, 1], shown, shown.five_days, points)
        _small_trial(panels[1, 0], shown, points)
        _by_dose(panels[1, 1], shown.five_days)
        alternative = (
            "SIMULATED virtual patients beside published numbers. "
            + ". ".join(_sentence(shown, key) for key in _SHOWN)
            + "."
        )
        inline, standalone = svg_texts(figure, "figure-published", alternative, "SIMULATED", points)
    caption = (
        "Squares with whiskers are published (black: read in an abstract; grey: recalled, without "
        "weight); lines, bands and round points are virtual patients: SIMULATED."
    )
    return Drawing("figure-published", caption, alternative, inline, standalone)


_SHOWN = ("dose-10", "dose-20", "depil2-active", "depil2-placebo", "transreg", "hartemann-order")


def _sentence(shown: PatientsShown, key: str) -> str:
    row = shown.comparison(key)
    published = f"{row.low:g} to {row.high:g}" if row.value != row.value else f"{row.value:g}"
    return f"{row.what}: published {published}, model {row.found:.3g} {row.unit}"


def _single_doses(axes: Axes, shown: PatientsShown, points: Points) -> None:
    (line,) = axes.plot(
        shown.single_doses, shown.highest, "o-", color=ARM1, markersize=4, linewidth=1.6
    )
    tell(
        points,
        line,
        [
            f"model: {dose:g} MIU/m2, highest of seven days {rise:.1f} % above baseline"
            for dose, rise in zip(shown.single_doses, shown.highest, strict=True)
        ],
    )
    for key, rise in (("dose-10", 10.0), ("dose-20", 20.0)):
        row = shown.comparison(key)
        error = row.high - row.value
        axes.errorbar(row.value, rise, xerr=error, fmt="s", color=INK, markersize=_SIZE, capsize=3)
        axes.annotate(
            "DILT1D", (row.value, rise), (0, -7), textcoords="offset points", ha="center",
            va="top", fontsize=8,
        )  # fmt: skip
    axes.set_title("One dose: highest Treg % of seven days", fontsize=10)
    axes.set_xlabel("MIU/m²")
    axes.set_ylabel("% above baseline, mean")
    axes.set_ylim(bottom=0)


def _five_doses(axes: Axes, shown: PatientsShown, five_days: Exploration, points: Points) -> None:
    """The course under 1 MIU a day, with what was published at days 5 and 8."""
    regimen = next(r for r in five_days.regimens if r.dose == 1.0)
    _band(axes, five_days, regimen.bands["treg"], ARM1)
    for key, day, colour in (
        ("depil2-active", _DAY_5, INK),
        ("transreg", _DAY_8, ARM0),
    ):
        row = shown.comparison(key)
        low, high = row.low, row.high
        if key == "depil2-active":
            low = shown.comparison("depil2-active-lower").value
            high = shown.comparison("depil2-active-upper").value
        middle = (low + high) / 2 if row.value != row.value else row.value
        axes.errorbar(
            day, middle, yerr=[[middle - low], [high - middle]], fmt="s", color=colour,
            markersize=_SIZE, capsize=3, zorder=4,
        )  # fmt: skip
        axes.annotate(
            "DEPIL-2" if day == _DAY_5 else "TRANSREG\n(recalled)", (day, high),
            (0, 4), textcoords="offset points", ha="center", va="bottom", fontsize=8, color=colour,
        )  # fmt: skip
    days = five_days.days.tolist()
    places = [days.index(_DAY_5), days.index(_DAY_8)]
    (marks,) = axes.plot(
        [days[p] for p in places], [regimen.bands["treg"].median[p] for p in places], "o",
        color=ARM1, markersize=4,
    )  # fmt: skip
    tell(points, marks, [f"median, day {days[p]:g}: {regimen.bands['treg'].median[p]:.2f}"
                         for p in places])  # fmt: skip
    axes.set_ylim(top=axes.get_ylim()[1] * 1.12)  # room for the name of the highest
    axes.set_title("1 MIU a day for 5 days: Treg %", fontsize=10)
    axes.set_xlabel("Day")
    axes.set_ylabel("fold of own baseline")


def _band(axes: Axes, five_days: Exploration, band: Band, colour: str) -> None:
    days = five_days.days
    axes.axhline(1.0, color=ARM0, linewidth=0.8, linestyle=":")
    axes.fill_between(days, band.lower, band.upper, color=colour, alpha=0.1, linewidth=0)
    for edge in (band.lower, band.upper):
        axes.plot(days, edge, color=colour, alpha=0.55, linewidth=0.7)
    axes.plot(days, band.median, color=colour, linewidth=1.8)
    axes.plot(days, band.typical, color=colour, linewidth=1.0, linestyle=(0, (1, 1.5)))


def _small_trial(axes: Axes, shown: PatientsShown, points: Points) -> None:
    """DEPIL-2, held out: published means with intervals, and what trials of its size show."""
    for place, arm in enumerate(("placebo", "active")):
        mean, low, high = (
            shown.comparison(f"depil2-{arm}{end}") for end in ("", "-lower", "-upper")
        )
        for offset, colour, shape, values in (
            (-0.12, INK, "s", (mean.value, low.value, high.value)),
            (0.12, ARM1, "o", (mean.found, low.found, high.found)),
        ):
            middle, lower, upper = values
            axes.errorbar(
                place + offset, middle, yerr=[[middle - lower], [upper - middle]], fmt="none",
                ecolor=colour, capsize=3,
            )  # fmt: skip
            (mark,) = axes.plot([place + offset], [middle], shape, color=colour, markersize=_SIZE)
            who = "published" if shape == "s" else "model, mean over trials"
            tell(points, mark, [f"{who}: {middle:.2f} ({lower:.2f} to {upper:.2f})"])
    axes.axhline(1.0, color=ARM0, linewidth=0.8, linestyle=":")
    axes.set_xticks([0, 1], ["Placebo (n = 4)", "1 MIU a day (n = 10)"])
    axes.set_xlim(-0.6, 1.6)
    axes.set_title("DEPIL-2, kept out of the fit: day 5", fontsize=10)
    axes.set_ylabel("fold of Treg %, mean with 95 % CI")


def _by_dose(axes: Axes, five_days: Exploration) -> None:
    """Hartemann's doses; published is that they stand in this order."""
    axes.axhline(1.0, color=ARM0, linewidth=0.8, linestyle=":")
    for regimen, colour in zip(five_days.regimens[1:], (ARM3, ARM1, ARM2), strict=True):
        median = regimen.bands["treg"].median
        axes.plot(
            five_days.days, median, color=colour, linewidth=1.8, label=f"{regimen.label} a day"
        )
    axes.legend(fontsize=8, loc="lower right")
    axes.set_title("5 days; published: they stand in this order", fontsize=10)
    axes.set_xlabel("Day")
    axes.set_ylabel("Treg %, fold, median")
