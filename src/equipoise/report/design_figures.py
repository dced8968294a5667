"""Figures of the answer sheet: search, power curves, heat map, frontier, scenarios."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from equipoise.design.characteristics import tally_of
from equipoise.design.design_map import HEADLINE
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
from equipoise.report.twins_words import percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from equipoise.design.characteristics import Tally
    from equipoise.design.design_map import DesignMap, MapPoint, Value
    from equipoise.design.sample_size import FoundSize

#: Claims of one figure: as many as there are marks.
MOST_CLAIMS = 4


def claims_shown(points: tuple[MapPoint, ...]) -> list[tuple[str, str]]:
    """(key, label) of what a curve shows: headline claims, and all of them in one trial."""
    first = points[0]
    found = [(c.key, c.label) for c in first.claims if c.headline][:MOST_CLAIMS]
    if not found:
        found = [(c.key, c.label) for c in first.claims][: MOST_CLAIMS - 1]
    if len(found) > 1:
        found = [*found[: MOST_CLAIMS - 1], (HEADLINE, "All headline claims in one trial")]
    return found


def search_figure(found: FoundSize) -> Drawing:
    """Sizes that were tried with exact limits, the fitted line, and where it crosses the power."""
    from matplotlib.figure import Figure
    from scipy.special import ndtr

    answer, name = found.found, "figure-search"
    tried = answer.tried
    x = [one.size for one in tried]
    y = [100 * one.power for one in tried]
    tallies = [tally_of(one.trials, one.made) for one in tried]
    points: Points = {}
    with style():
        figure = Figure(figsize=(7.4, 4.2), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, found)
        if answer.lower is not None and answer.upper is not None:
            axes.axvspan(answer.lower, answer.upper, color=ARMS[1], alpha=0.15, lw=0)
        axes.axhline(100 * answer.wanted, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        line = answer.line
        if line is not None and line.slope > 0:
            size = found.field == "population.size"
            steps = [line.lowest + (line.highest - line.lowest) * i / 200 for i in range(201)]
            along = [step**2 if size else step for step in steps]
            curve = [100 * float(ndtr(line.intercept + line.slope * step)) for step in steps]
            axes.plot(along, curve, color=ARMS[1], linewidth=1.6, label="Fitted line")
        drawn = axes.errorbar(
            x, y,
            yerr=[[v - 100 * t.lower for v, t in zip(y, tallies, strict=True)],
                  [100 * t.upper - v for v, t in zip(y, tallies, strict=True)]],
            color=INK, marker=MARKERS[0], linestyle="none", markersize=5, elinewidth=1.2,
            capsize=2.5, label="Simulated",
        )  # fmt: skip
        said = [f"{one.size:g}: {percent(one.power)} of {one.trials} trials" for one in tried]
        tell(points, drawn.lines[0], list(said))
        axes.set_ylim(-2, 102)
        axes.set_xlabel(field_label(found.field))
        axes.set_ylabel("Trials that show it (%)")
        axes.legend(loc="lower right", fontsize=9)
        alternative = f"SIMULATED. {found.claim_label}: " + "; ".join(said) + "."
        inline, standalone = svg_texts(figure, name, alternative, "SIMULATED", points)
    shade = (
        " Shaded: 95 % interval of where the wanted power is reached."
        if answer.lower is not None and answer.upper is not None
        else ""
    )
    caption = (
        f"{found.claim_label}, scenario {found.scenario_label}: marks with exact 95 % limits of "
        f"the Monte-Carlo error. Dashed: the wanted {percent(answer.wanted, 0)}.{shade}"
    )
    return Drawing(name, caption, alternative, inline, standalone)


def curve_figure(found: DesignMap) -> Drawing | None:
    """Power along the first varied field with numbers, a panel a scenario; None without one."""
    field = _along(found)
    if field is None:
        return None
    from matplotlib.figure import Figure

    others = [f for f in found.varied if f != field and len(found.varied[f]) > 1]
    claims = claims_shown(found.points)
    # One claim where a second field makes the lines, else a line a claim.
    lines = _lines(found, field, others, claims)
    name, points = "figure-curves", {}
    told: list[str] = []
    scenarios = found.scenarios
    with style():
        columns = min(2, len(scenarios))
        rows = -(-len(scenarios) // columns)
        figure = Figure(figsize=(8.8, 0.6 + 3.2 * rows), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True).ravel()
        for axes in grid[len(scenarios) :]:
            axes.set_visible(False)
        for axes, scenario in zip(grid, scenarios, strict=False):
            mark_simulated(axes, found)
            mine = [p for p in found.points if p.scenario == scenario]
            axes.set_title(mine[0].scenario_label, fontsize=10, loc="left")
            for place, (label, claim, values) in enumerate(lines):
                chosen = [p for p in mine if all(p.values[k] == v for k, v in values.items())]
                said = _band(axes, chosen, field, claim, place, label, points)
                told.append(f"{mine[0].scenario_label}, {label}: {said}")
            axes.set_ylim(-2, 102)
            axes.grid(axis="y", linewidth=0.6)
        for axes in grid[max(0, len(scenarios) - columns) : len(scenarios)]:
            axes.set_xlabel(field_label(field))
        for axes in grid[::columns]:
            axes.set_ylabel("Trials that show it (%)")
        handles, labels = grid[0].get_legend_handles_labels()
        figure.legend(
            handles, [textwrap.fill(text, 60) for text in labels], loc="outside upper left",
            fontsize=9, ncols=1 if len(claims) > 1 else 2,
        )  # fmt: skip
        alternative = "SIMULATED trials. " + ". ".join(told) + "."
        inline, standalone = svg_texts(figure, name, alternative, "SIMULATED", points)
    claim = "" if len({c for _, c, _ in lines}) > 1 else f" of “{_label(claims, lines[0][1])}”"
    caption = (
        f"Share{claim} along {field_label(field)}. Bands: exact 95 % limits of the Monte-Carlo "
        f"error of {found.trials} trials a point."
    )
    return Drawing(name, caption, alternative, inline, standalone)


def heat_figure(found: DesignMap) -> Drawing | None:
    """Power over two fields under the first scenario; None without two fields of several values."""
    fields = [f for f, values in found.varied.items() if len(values) > 1]
    if len(fields) < 2:
        return None
    from matplotlib.figure import Figure

    across, up = fields[:2]
    rest = {f: found.varied[f][0] for f in found.varied if f not in (across, up)}
    claims = claims_shown(found.points)
    key = claims[-1][0]
    scenario = found.scenarios[0]
    shares: list[list[float]] = []
    told: list[str] = []
    label = ""
    for v in found.varied[up]:
        row: list[float] = []
        for h in found.varied[across]:
            wanted = {across: h, up: v, **rest}
            [point] = [p for p in found.points if p.scenario == scenario and p.values == wanted]
            tally, label = point.tally(key), point.scenario_label
            row.append(100 * tally.proportion if tally else math.nan)
            told.append(f"{across} {h}, {up} {v}: {row[-1]:.0f} %")
        shares.append(row)
    name = "figure-heat"
    with style():
        figure = Figure(
            figsize=(max(7.4, 2.4 + 0.8 * len(shares[0])), 1.4 + 0.62 * len(shares)),
            layout="constrained",
        )
        axes = figure.subplots()
        mark_simulated(axes, found)
        # Colours of a drawing are those of the page: shade by the size of a square.
        for j, row in enumerate(shares):
            for i, share in enumerate(row):
                axes.scatter(i, j, s=900 * max(share, 0.0) / 100, marker="s", color=ARMS[1],
                             alpha=0.35, linewidths=0)  # fmt: skip
                axes.text(i, j, f"{share:.0f}", ha="center", va="center", fontsize=9)
        axes.set_xticks(range(len(shares[0])), [str(v) for v in found.varied[across]])
        axes.set_yticks(range(len(shares)), [str(v) for v in found.varied[up]])
        axes.set_xlim(-0.6, len(shares[0]) - 0.4)
        axes.set_ylim(-0.6, len(shares) - 0.4)
        axes.set_xlabel(field_label(across))
        axes.set_ylabel(field_label(up))
        alternative = "SIMULATED trials. " + "; ".join(told) + "."
        inline, standalone = svg_texts(figure, name, alternative, "SIMULATED")
    caption = (
        f"Trials that show “{_label(claims, key)}” (%), scenario {label}; the area of a square is "
        "the share."
    )
    return Drawing(name, caption, alternative, inline, standalone)


def frontier_figure(found: DesignMap) -> Drawing | None:
    """Participants against power: designs that no other beats at their size stand on the line."""
    scenario = found.scenarios[0]
    mine = [p for p in found.points if p.scenario == scenario]
    if len({p.participants for p in mine}) < 2:
        return None
    from matplotlib.figure import Figure

    key, label = claims_shown(found.points)[-1]
    pairs = [(p.participants, p.tally(key), p) for p in mine]
    known = [(n, t, p) for n, t, p in pairs if t is not None]
    name, points = "figure-frontier", {}
    said = [
        f"{', '.join(f'{k} = {v}' for k, v in p.values.items())}: {n} participants, "
        f"{percent(t.proportion)}"
        for n, t, p in known
    ]
    best, edge = -1.0, []
    for n in sorted({n for n, _, _ in known}):
        top = max(t.proportion for m, t, _ in known if m == n)
        if top > best:
            best = top
            edge.append((n, 100 * top))
    with style():
        figure = Figure(figsize=(7.4, 4.0), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, found)
        axes.plot([n for n, _ in edge], [s for _, s in edge], color=ARMS[1], linewidth=1.4,
                  drawstyle="steps-post", label="Frontier")  # fmt: skip
        drawn = axes.errorbar(
            [n for n, _, _ in known], [100 * t.proportion for _, t, _ in known],
            yerr=[[100 * (t.proportion - t.lower) for _, t, _ in known],
                  [100 * (t.upper - t.proportion) for _, t, _ in known]],
            color=INK, marker=MARKERS[0], linestyle="none", markersize=5, elinewidth=1.1,
            capsize=2.2, label="A design",
        )  # fmt: skip
        tell(points, drawn.lines[0], list(said))
        axes.set_ylim(-2, 102)
        axes.set_xlabel("Participants")
        axes.set_ylabel("Trials that show it (%)")
        axes.legend(loc="lower right", fontsize=9)
        alternative = "SIMULATED trials. " + "; ".join(said) + "."
        inline, standalone = svg_texts(figure, name, alternative, "SIMULATED", points)
    caption = (
        f"Participants against the share of trials that show “{label}”, scenario "
        f"{mine[0].scenario_label}, with exact 95 % limits. On the line: designs with a greater "
        "share than every smaller one, as far as the trials tell."
    )
    return Drawing(name, caption, alternative, inline, standalone)


def worlds_figure(found: DesignMap) -> Drawing:
    """How often each headline claim is made in every scenario."""
    from matplotlib.figure import Figure

    claims = claims_shown(found.points)
    name, points = "figure-worlds", {}
    told: list[str] = []
    rows = list(found.points)
    with style():
        figure = Figure(figsize=(8.8, 1.4 + 0.62 * len(rows)), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, found)
        axes.axvline(100 * found.alpha / 2, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        for place, (key, label) in enumerate(claims):
            tallies = [(i, t) for i, p in enumerate(rows) if (t := p.tally(key)) is not None]
            y = [i + 0.18 * (place - (len(claims) - 1) / 2) for i, _ in tallies]
            drawn = axes.errorbar(
                [100 * t.proportion for _, t in tallies], y,
                xerr=[[100 * (t.proportion - t.lower) for _, t in tallies],
                      [100 * (t.upper - t.proportion) for _, t in tallies]],
                color=ARMS[place], marker=MARKERS[place], linestyle="none", markersize=5.5,
                elinewidth=1.3, capsize=2.2, label=label,
            )  # fmt: skip
            said = [f"{rows[i].scenario_label}: {label}: {share_text(t)}" for i, t in tallies]
            tell(points, drawn.lines[0], list(said))
            told += said
        axes.set_yticks(range(len(rows)), [textwrap.fill(p.scenario_label, 30) for p in rows])
        axes.set_ylim(-0.6, len(rows) - 0.4)
        axes.invert_yaxis()
        axes.set_xlim(-2, 102)
        axes.set_xlabel("Simulated trials that show it (%)")
        axes.grid(axis="x", linewidth=0.6, color=RULE)
        axes.set_axisbelow(True)
        figure.legend(loc="outside upper left", ncols=1, fontsize=9)
        alternative = "SIMULATED trials. " + "; ".join(told) + "."
        inline, standalone = svg_texts(figure, name, alternative, "SIMULATED", points)
    caption = (
        "How often each claim is made in each scenario, with exact 95 % limits of the Monte-Carlo "
        f"error. Dashed: {percent(found.alpha / 2)}, what chance alone gives one test in the "
        "planned direction."
    )
    return Drawing(name, caption, alternative, inline, standalone)


def share_text(tally: Tally) -> str:
    """A share with its limits."""
    return f"{percent(tally.proportion)} ({percent(tally.lower)} to {percent(tally.upper)})"


#: Words for fields that are often varied.
_LABELS = {"population.size": "Participants (population.size)"}


def field_label(field: str) -> str:
    """A field as an axis names it."""
    return _LABELS.get(field, field)


def _label(claims: list[tuple[str, str]], key: str) -> str:
    return dict(claims).get(key, key)


def _along(found: DesignMap) -> str | None:
    """The first varied field with several numbers, the size before all others."""

    def numeric(field: str) -> bool:
        values = found.varied[field]
        return len(values) > 1 and all(
            isinstance(v, int | float) and not isinstance(v, bool) for v in values
        )

    fields = sorted(found.varied, key=lambda f: f != "population.size")
    return next((field for field in fields if numeric(field)), None)


def _lines(
    found: DesignMap, field: str, others: list[str], claims: list[tuple[str, str]]
) -> list[tuple[str, str, dict[str, Value]]]:
    """(label, claim, values of the other fields) of each line."""
    fixed = {f: values[0] for f, values in found.varied.items() if f != field}
    if not others:
        return [(label, key, fixed) for key, label in claims]
    other, key = others[0], claims[-1][0]
    return [
        (f"{other} = {value}", key, {**fixed, other: value})
        for value in found.varied[other][:MOST_CLAIMS]
    ]


def _band(
    axes: Axes,
    chosen: list[MapPoint],
    field: str,
    claim: str,
    place: int,
    label: str,
    points: Points,
) -> str:
    """A line with its band; what it says in words."""
    known = [(p.values[field], t) for p in chosen if (t := p.tally(claim)) is not None]
    known.sort(key=lambda pair: float(pair[0]))
    x = [float(v) for v, _ in known]
    axes.fill_between(
        x, [100 * t.lower for _, t in known], [100 * t.upper for _, t in known],
        color=ARMS[place], alpha=0.15, lw=0,
    )  # fmt: skip
    [drawn] = axes.plot(
        x, [100 * t.proportion for _, t in known], color=ARMS[place], marker=MARKERS[place],
        markersize=4.5, linewidth=1.4, label=label,
    )  # fmt: skip
    said = [f"{v}: {share_text(t)}" for v, t in known]
    tell(points, drawn, [f"{label}, {field} = {one}" for one in said])
    return "; ".join(said)
