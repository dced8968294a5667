"""Lines of single people, one panel a group, where the results hold them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.drawing import (
    ARMS,
    Drawing,
    mark_simulated,
    plain_log_ticks,
    style,
    svg_texts,
)
from equipoise.report.words import visit_label

if TYPE_CHECKING:
    from equipoise.analysis.results import EndpointResult, Results


def course_figure(results: Results, endpoint: EndpointResult) -> Drawing | None:
    """The measured values of each person over the visits; None where they are not shown."""
    from matplotlib.figure import Figure

    if not endpoint.courses:
        return None
    name = f"figure-{endpoint.endpoint}-courses"
    followed = {visit for course in endpoint.courses for visit, _ in course.values}
    visits = [visit for visit, _ in results.visits if visit in followed]
    baseline = endpoint.courses[0].values[0][0]
    places = {visit: place for place, visit in enumerate([baseline, *visits])}
    groups = results.groups
    counts = {g.key: sum(c.group == g.key for c in endpoint.courses) for g in groups}
    with style():
        figure = Figure(figsize=(8.4 if len(groups) > 1 else 5.0, 2.9), layout="constrained")
        panels = figure.subplots(1, len(groups), squeeze=False, sharex=True, sharey=True)[0]
        for index, (group, axes) in enumerate(zip(groups, panels, strict=True)):
            mark_simulated(axes, results)
            for course in endpoint.courses:
                if course.group == group.key:
                    x = [places[visit] for visit, _ in course.values]
                    y = [value for _, value in course.values]
                    # No markers: each would be an element of its own in the page.
                    axes.plot(x, y, color=ARMS[index % len(ARMS)], linewidth=0.8, alpha=0.6)
            axes.set_title(f"{group.label} (n = {counts[group.key]})", fontsize=10)
            labels = ["Baseline", *(visit_label(results, visit) for visit in visits)]
            axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
        if endpoint.scale == "log_fold":
            panels[0].set_yscale("log")
            plain_log_ticks(panels[0])
        panels[0].set_ylabel(endpoint.unit or endpoint.label)
        people = "; ".join(f"{group.label} {counts[group.key]} people" for group in groups)
        alternative = (
            f"{results.origin_label} data. {endpoint.label}: the course of each person from "
            f"baseline over {', '.join(visit_label(results, visit) for visit in visits)}. {people}."
        )
        inline, standalone = svg_texts(figure, name, alternative, results.origin_label)
    allowed = "" if results.simulated else " The protocol allows lines of single people."
    origin = "SIMULATED" if results.simulated else "Observed"
    caption = (
        f"{endpoint.label}: measured values of each person in the analysis, one line a person. "
        f"{origin} data.{allowed}"
    )
    return Drawing(name, caption, alternative, inline, standalone)
