"""The page: results and drawings put into one self-contained HTML file."""

from __future__ import annotations

import base64
import hashlib
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING, Any

from equipoise.report import tables, words
from equipoise.report.contents import sections
from equipoise.report.downloads import data_address, file_name, with_table_downloads
from equipoise.report.figures import Drawing, endpoint_figure, family_figure
from equipoise.report.outcome_figures import outcome_figure
from equipoise.report.references import used

if TYPE_CHECKING:
    from equipoise.analysis.results import FlowCount, Results


_STYLES = ("style.css", "interactive.css")


def draw(results: Results) -> dict[str, Drawing]:
    """All figures of a report by the endpoint or family that they show."""
    drawings: dict[str, Drawing] = {}
    for key, endpoint in results.endpoints.items():
        if (drawing := endpoint_figure(results, endpoint)) is not None:
            drawings[key] = drawing
    for key, outcome in results.outcomes.items():
        if (drawing := outcome_figure(results, outcome)) is not None:
            drawings[key] = drawing
    for family in results.families:
        if (drawing := family_figure(results, family)) is not None:
            drawings[f"family:{family.key}"] = drawing
    return drawings


def render(results: Results, drawings: dict[str, Drawing]) -> str:
    """The report as HTML: no request leaves the page, and it is whole without its script."""
    import jinja2

    folder = resources.files("equipoise.report") / "templates"
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(lambda name: (folder / name).read_text(encoding="utf-8")),
    )
    script = (folder / "page.js").read_text(encoding="utf-8")
    page = environment.get_template("report.html.j2").render(
        words=words,
        tables=tables,
        results=results,
        style="".join((folder / name).read_text(encoding="utf-8") for name in _STYLES),
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        file_name=partial(file_name, results),
        svg_address=partial(data_address, kind="image/svg+xml"),
        drawings=drawings,
        references=used(results),
        answers=[
            {
                "answer": answer,
                "sentence": words.answer_sentence(results, answer),
                "subgroup": words.subgroup_sentence(results, answer),
            }
            for answer in results.answers
        ],
        flow=[_flow_box(results, count) for count in results.flow.counts],
        sections=sections(results),
        origin=results.origin_label,
    )
    return with_table_downloads(page, results)


def _flow_box(results: Results, count: FlowCount) -> dict[str, Any]:
    """One column of the flow diagram: lines of text under the group's name."""
    reasons = [r for r in results.flow.reasons if r.group == count.group]
    left = [r.reason if r.n is None else f"{r.reason}: {r.n}" for r in reasons]
    analysed = [
        row
        for row in results.flow.analysed
        if row.group == count.group and row.endpoint in {a.endpoint for a in results.answers}
    ]
    seen = [row.seen for row in results.flow.visits if row.group == count.group]
    last_seen = str(seen[-1]) if seen else "not recorded"
    return {"count": count, "left": left, "analysed": analysed, "last_seen": last_seen}
