"""The page: results and drawings put into one self-contained HTML file."""

from __future__ import annotations

import base64
import hashlib
from functools import partial
from importlib import resources
from typing import TYPE_CHECKING

from equipoise.analysis.storage import result_tables
from equipoise.report import (
    benefit_words,
    claim_words,
    early_change_words,
    enrichment_words,
    forecast_fan,
    forecast_words,
    interim_words,
    mediation_words,
    multiplicity_words,
    multivariate_words,
    surrogacy_words,
    tables,
    twins_words,
    what_ran,
    words,
)
from equipoise.report.benefit_figures import benefit_figures
from equipoise.report.checklist_pages import checklist_context
from equipoise.report.contents import sections
from equipoise.report.course_figures import course_figure
from equipoise.report.dose_figure import dose_figures
from equipoise.report.downloads import data_address, file_name, with_table_downloads
from equipoise.report.early_change_figures import early_change_figures
from equipoise.report.figures import Drawing, endpoint_figure, family_figure
from equipoise.report.flow_diagram import diagram
from equipoise.report.forecast_figures import forecast_figures
from equipoise.report.mediation_figures import mediation_figures
from equipoise.report.multivariate_figures import multivariate_figures
from equipoise.report.outcome_figures import outcome_figure
from equipoise.report.questions import questions
from equipoise.report.references import used
from equipoise.report.rerandomisation_figure import rerandomisation_figures
from equipoise.report.tipping_figures import tipping_figure

if TYPE_CHECKING:
    import jinja2

    from equipoise.analysis.results import Results
    from equipoise.design.characteristics import Characteristics
    from equipoise.patients.patients_shown import PatientsShown


#: Style sheets of a page on screen, and of the page that becomes a PDF.
_STYLES = ("style.css", "interactive.css", "flow.css")
_PAPER_STYLES = ("style.css", "flow.css", "paper.css")


def draw(results: Results) -> dict[str, Drawing]:
    """All figures of a report by the endpoint or family that they show."""
    drawings: dict[str, Drawing] = {}
    for key, endpoint in results.endpoints.items():
        if (drawing := endpoint_figure(results, endpoint)) is not None:
            drawings[key] = drawing
        if (drawing := course_figure(results, endpoint)) is not None:
            drawings[f"courses:{key}"] = drawing
    for key, outcome in results.outcomes.items():
        if (drawing := outcome_figure(results, outcome)) is not None:
            drawings[key] = drawing
    for key, estimand in results.estimands.items():
        found = [row for item in estimand.sensitivity for row in item.tipping]
        for place, tipping in enumerate(found, 1):
            drawings[f"tipping:{key}:{place}"] = tipping_figure(results, estimand, tipping, place)
    for family in results.families:
        if (drawing := family_figure(results, family)) is not None:
            drawings[f"family:{family.key}"] = drawing
    for key, estimand in results.estimands.items():
        for name, drawing in rerandomisation_figures(results, estimand).items():
            drawings[f"design:{key}:{name}"] = drawing
    drawings |= early_change_figures(results) | dose_figures(results)
    drawings |= multivariate_figures(results)
    drawings |= mediation_figures(results)
    drawings |= benefit_figures(results) | forecast_figures(results)
    return drawings | forecast_fan.fan_figures(results)


def environment() -> jinja2.Environment:
    """Where the templates lie and what they may use."""
    import jinja2

    return jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(template),
    )


def template(name: str) -> str:
    """The text of a file of ``templates``."""
    folder = resources.files("equipoise.report") / "templates"
    return (folder / name).read_text(encoding="utf-8")


def style(*, paper: bool = False) -> str:
    """The style sheet of every page."""
    return "".join(template(name) for name in (_PAPER_STYLES if paper else _STYLES))


def render(
    results: Results,
    drawings: dict[str, Drawing],
    *,
    paper: bool = False,
    characteristics: Characteristics | None = None,
    patients: PatientsShown | None = None,
) -> str:
    """The report as HTML: no request leaves the page, and it is whole without its script.

    With `paper` it is the page that becomes a PDF: no script, no downloads. With
    `characteristics` it says in short what many simulated trials show, and where the whole is;
    with `patients` where the virtual patients are shown.
    """
    script = template("page.js")
    parts = sections(results)
    page = (
        environment()
        .get_template("report.html.j2")
        .render(
            words=words,
            early=early_change_words,
            surrogacy_words=surrogacy_words,
            mediation=mediation_words,
            foretold=forecast_words,
            benefit=benefit_words,
            number_of=multiplicity_words,
            together=multivariate_words,
            claim=claim_words,
            looks=interim_words,
            fans=forecast_fan,
            enriched=enrichment_words,
            questions=questions(results),
            tables=tables,
            ran=what_ran,
            twins=twins_words,
            characteristics=characteristics,
            patients=patients,
            table_files=frozenset(result_tables(results)),
            results=results,
            paper=paper,
            marks=" · ".join(_marks(results)),
            style=style(paper=paper),
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
            diagram=diagram(results),
            sections=parts,
            **checklist_context(results, parts),
            origin=results.origin_label,
        )
    )
    return page if paper else with_table_downloads(page, results)


def _marks(results: Results) -> list[str]:
    """What stands on every printed page."""
    return ["SIMULATED"] * results.simulated + ["BLINDED"] * results.blinded
