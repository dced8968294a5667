"""The figures of the report: means and contrasts of an endpoint, the forest of a family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.drawing import (
    ARMS,
    INK,
    MARKERS,
    RULE,
    Drawing,
    Points,
    mark_simulated,
    plain_log_ticks,
    style,
    svg_texts,
    tell,
)
from equipoise.report.words import (
    contrast_text,
    decimals,
    endpoint_of,
    group_label,
    level,
    mean_text,
    number,
    visit_label,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from equipoise.analysis.results import Contrast, EndpointResult, FamilyResult, Results


def endpoint_figure(results: Results, endpoint: EndpointResult) -> Drawing | None:
    """Means by group over the visits, and beside them the contrasts; None without a fit."""
    from matplotlib.figure import Figure

    if not endpoint.means:
        return None
    log = endpoint.scale == "log_fold"
    visits = [v for v, _ in results.visits if any(m.visit == v for m in endpoint.means)]
    labels = [visit_label(results, v) for v in visits]
    name = f"figure-{endpoint.endpoint}"
    points: Points = {}
    with style():
        count = 1 if not endpoint.contrasts else 2
        figure = Figure(figsize=(8.4 if count == 2 else 5.0, 3.4), layout="constrained")
        axes = figure.subplots(1, count, squeeze=False)[0]
        _means_panel(results, endpoint, axes[0], visits, labels, log, points)
        if count == 2:
            _contrasts_panel(results, endpoint, axes[1], visits, labels, log, points)
        alternative = _alternative(results, endpoint, visits, log)
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    what = "Geometric mean fold change" if log else "Least-squares mean change"
    right = ""
    if count == 2:
        right = (
            f" Right: {'ratio' if log else 'difference'} against "
            f"{group_label(results, results.control or '')}."
        )
    caption = (
        f"{endpoint.label}. {'Left: ' if right else ''}{what} from baseline with {level(results)} "
        f"CI.{right} From the mixed model. {results.origin_label.capitalize()} data."
    )
    caption = caption.replace("Simulated data", "SIMULATED data")
    return Drawing(name, caption, alternative, inline, standalone)


def _means_panel(
    results: Results,
    endpoint: EndpointResult,
    axes: Axes,
    visits: list[str],
    labels: list[str],
    log: bool,
    points: Points,
) -> None:
    mark_simulated(axes, results)
    start = 1.0 if log else 0.0
    axes.axhline(start, color=RULE, linewidth=1)
    spread = 0.06 * (len(results.groups) - 1)
    for index, group in enumerate(results.groups):
        mine = {m.visit: m for m in endpoint.means if m.group == group.key}
        shift = (index - (len(results.groups) - 1) / 2) * 2 * spread
        x, y, low, high = [0.0], [start], [0.0], [0.0]
        texts: list[str | None] = [None]
        for position, visit in enumerate(visits, 1):
            m = mine.get(visit)
            if m is None:
                continue
            value = m.ratio if log else m.estimate
            lower = m.ratio_lower if log else m.lower
            upper = m.ratio_upper if log else m.upper
            assert value is not None
            assert lower is not None
            assert upper is not None
            x.append(position + shift)
            y.append(value)
            low.append(value - lower)
            high.append(upper - value)
            texts.append(f"{group.label}, {visit_label(results, visit)}: {mean_text(m, log)}")
        colour = ARMS[index % len(ARMS)]
        drawn = axes.errorbar(
            x, y, yerr=[low, high], color=colour, marker=MARKERS[index % len(MARKERS)],
            markersize=5, linewidth=1.6, elinewidth=1.2, capsize=2.5, label=group.label,
        )  # fmt: skip
        tell(points, drawn.lines[0], texts)
    axes.set_xticks(range(len(visits) + 1), ["Baseline", *labels], rotation=30, ha="right")
    axes.set_ylabel("Fold of baseline" if log else f"Change ({endpoint.unit})")
    if len(results.groups) > 1:
        axes.legend(loc="best", fontsize=9)


def _contrasts_panel(
    results: Results,
    endpoint: EndpointResult,
    axes: Axes,
    visits: list[str],
    labels: list[str],
    log: bool,
    points: Points,
) -> None:
    mark_simulated(axes, results)
    axes.axhline(1.0 if log else 0.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
    arms = list(dict.fromkeys(c.arm for c in endpoint.contrasts))
    keys = [group.key for group in results.groups]
    for number_of, arm in enumerate(arms):
        rows = [c for v in visits for c in endpoint.contrasts if c.visit == v and c.arm == arm]
        y = [float(c.ratio or 0) if log else c.estimate for c in rows]
        low = [float(c.ratio_lower or 0) if log else c.lower for c in rows]
        high = [float(c.ratio_upper or 0) if log else c.upper for c in rows]
        x = [visits.index(c.visit) + 1 + 0.12 * (number_of - (len(arms) - 1) / 2) for c in rows]
        colour = ARMS[keys.index(arm) % len(ARMS)]
        drawn = axes.errorbar(
            x, y,
            yerr=[[a - b for a, b in zip(y, low, strict=True)],
                  [b - a for a, b in zip(y, high, strict=True)]],
            color=colour, marker=MARKERS[keys.index(arm) % len(MARKERS)], linestyle="none",
            markersize=6, elinewidth=1.4, capsize=3, label=group_label(results, arm),
        )  # fmt: skip
        tell(points, drawn.lines[0], [_told(results, c, log) for c in rows])
    axes.set_xticks(range(1, len(visits) + 1), labels, rotation=30, ha="right")
    axes.set_xlim(0.5, len(visits) + 0.5)
    if log:
        axes.set_yscale("log")
        plain_log_ticks(axes)
    reference = group_label(results, results.control or "")
    axes.set_ylabel(
        f"Ratio to {reference}" if log else f"Difference from {reference} ({endpoint.unit})"
    )
    if len(arms) > 1:
        axes.legend(loc="best", fontsize=9)


def _told(results: Results, c: Contrast, log: bool) -> str:
    """What a marker of a contrast says."""
    pair = f"{group_label(results, c.arm)} against {group_label(results, c.reference)}"
    return f"{pair}, {visit_label(results, c.visit)}: {contrast_text(c, log)}"


def _alternative(results: Results, endpoint: EndpointResult, visits: list[str], log: bool) -> str:
    last = visits[-1]
    parts = [
        f"{group_label(results, m.group)} "
        + (number(m.ratio) if log else number(m.estimate, decimals(m.se)))
        for m in endpoint.means
        if m.visit == last
    ]
    text = (
        f"{results.origin_label} data. {endpoint.label} from baseline over "
        f"{', '.join(visit_label(results, v) for v in visits)}. At "
        f"{visit_label(results, last)}: {'; '.join(parts)}."
    )
    effects = [
        f"{group_label(results, c.arm)} against {group_label(results, c.reference)} "
        f"{contrast_text(c, log)}"
        for c in endpoint.contrasts
        if c.visit == last
    ]
    return text + (f" {'Ratio' if log else 'Difference'}: {'; '.join(effects)}." if effects else "")


def family_figure(results: Results, family: FamilyResult) -> Drawing | None:
    """A forest of the family's effects; None when the scales differ or nothing was estimated."""
    from matplotlib.figure import Figure

    rows = [(endpoint_of(results, k), c) for k, cs in family.contrasts.items() for c in cs]
    if not rows or {e.scale for e, _ in rows} != {"log_fold"}:
        return None
    name = f"figure-family-{family.key}"
    points: Points = {}
    with style():
        figure = Figure(figsize=(8.4, 0.8 + 0.36 * len(rows)), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        axes.axvline(1.0, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        keys = [group.key for group in results.groups]
        for index, (_, c) in enumerate(rows):
            ratio, low, high = c.ratio or 0, c.ratio_lower or 0, c.ratio_upper or 0
            which = keys.index(c.arm) % len(ARMS)
            drawn = axes.errorbar(
                [ratio], [index], xerr=[[ratio - low], [high - ratio]], color=ARMS[which],
                marker=MARKERS[which], markersize=6, elinewidth=1.4, capsize=3,
            )  # fmt: skip
            tell(points, drawn.lines[0], [f"{rows[index][0].label}, {_told(results, c, True)}"])
        several = len(keys) > 2
        axes.set_yticks(
            range(len(rows)),
            [e.label + (f", {group_label(results, c.arm)}" if several else "") for e, c in rows],
        )
        axes.invert_yaxis()
        axes.set_xscale("log")
        plain_log_ticks(axes, "x")
        reference = group_label(results, results.control or "")
        axes.set_xlabel(f"Ratio of fold changes to {reference}")
        alternative = f"{results.origin_label} data. {family.label}: " + "; ".join(
            f"{e.label} {contrast_text(c, True)}" for e, c in rows
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label, points)
    caption = (
        f"{family.label}: ratio of geometric mean fold changes with unadjusted {level(results)} "
        f"CI. {'SIMULATED' if results.simulated else 'Observed'} data."
    )
    return Drawing(name, caption, alternative, inline, standalone)
