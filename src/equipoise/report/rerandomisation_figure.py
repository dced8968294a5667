"""The distribution of a statistic over redrawn allocations, with the one observed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.drawing import ARM0, ARM1, INK, Drawing, mark_simulated, style, svg_texts
from equipoise.report.words import group_label, number, p_clause, visit_label

if TYPE_CHECKING:
    from equipoise.analysis.estimand_results import EstimandResult, Rerandomised, SensitivityResult
    from equipoise.analysis.results import Results


def rerandomisation_figures(results: Results, estimand: EstimandResult) -> dict[str, Drawing]:
    """A figure a test, by the key of the sensitivity analysis and the arm."""
    return {
        f"{item.key}:{row.arm}": _figure(results, estimand, item, row)
        for item in estimand.sensitivity
        for row in item.rerandomised
        if row.counts and row.t is not None
    }


def _figure(
    results: Results, estimand: EstimandResult, item: SensitivityResult, row: Rerandomised
) -> Drawing:
    from matplotlib.figure import Figure

    assert row.t is not None
    name = f"figure-{estimand.estimand}-{item.key}-{row.arm}"
    label = next(e.variable for e in results.plan.estimands if e.key == estimand.estimand)
    alternative = _alternative(results, row, label)
    lefts, rights = row.edges[:-1], row.edges[1:]
    size = abs(row.t)
    far = [max(abs(a), abs(b)) > size for a, b in zip(lefts, rights, strict=True)]
    with style():
        figure = Figure(figsize=(6.4, 3.0), layout="constrained")
        axes = figure.subplots()
        mark_simulated(axes, results)
        axes.bar(
            lefts,
            row.counts,
            width=[b - a for a, b in zip(lefts, rights, strict=True)],
            align="edge",
            color=[ARM1 if beyond else ARM0 for beyond in far],
            edgecolor="none",
            alpha=0.75,
        )
        axes.axvline(row.t, color=INK, linewidth=1.6)
        axes.axvline(-row.t, color=INK, linewidth=1.0, linestyle=(0, (4, 3)))
        axes.annotate(
            f"observed {number(row.t)}",
            (row.t, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(4 if row.t < 0 else -4, -2),
            textcoords="offset points",
            ha="left" if row.t < 0 else "right",
            va="top",
            fontsize=9,
        )
        axes.set_xlabel("Statistic t (estimate / standard error)")
        axes.set_ylabel("Allocations")
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label)
    origin = "SIMULATED" if results.simulated else "Observed"
    caption = (
        f"{item.label}: the statistic under {row.draws:,} redrawn allocations, values and missing "
        "values held fixed; solid line: the allocation that was made; dashed: its mirror image; "
        f"the other colour: bars that reach as far. {origin} data."
    )
    return Drawing(name, caption, alternative, inline, standalone)


def _alternative(results: Results, row: Rerandomised, label: str) -> str:
    assert row.t is not None
    p = "" if row.p is None else f", {p_clause(row.p)}"
    arms = f"{group_label(results, row.arm)} against {group_label(results, row.reference)}"
    return (
        f"{results.origin_label} data. {label}, {arms} at {visit_label(results, row.visit)}: "
        f"histogram of the statistic under {row.draws} redrawn allocations; observed "
        f"{number(row.t)}; {row.extreme} at least as extreme, {row.failed} of them without a fit"
        f"{p}."
    )
