"""The page of virtual patients beside a report: a protocol's arms, and the published numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from equipoise.patients.published_comparison import published_text, short_number
from equipoise.report.downloads import data_address
from equipoise.report.exploration_figures import exploration_figures
from equipoise.report.exploration_table import exploration_frame, rows
from equipoise.report.patients_figures import published_figure
from equipoise.report.tables import html_table
from equipoise.report.templating import environment, style

if TYPE_CHECKING:
    from equipoise.patients.patients_shown import PatientsShown

FILE = "patients.html"
TABLE_FILE = "tables/patients.csv"

#: Readouts of the table, as many as a desk holds; figure and file have all.
IN_TABLE = ("treg", "naive_cd4", "naive_cd8", "crp", "severity")


def patients_files(shown: PatientsShown, title: str) -> dict[str, bytes]:
    """``patients.html``, its figures and its table: name → content."""
    from equipoise._version import __version__

    course = shown.course
    own = exploration_figures(course, shown.visits, prefix="patients", typical=True)
    published = published_figure(shown)
    narrow = replace(course, readouts=tuple(r for r in course.readouts if r.key in IN_TABLE))
    after = [day for day in shown.visits if day > 0]
    table = [
        [regimen.label, *row[:-1]]
        for regimen in course.regimens
        for row in rows(narrow, regimen, after)
    ]
    heads = [("arm", "Arm"), ("day", "Day")]
    heads += [(r.key, r.label) for r in narrow.readouts]
    csv = exploration_frame(course).write_csv()
    page = (
        environment()
        .get_template("patients.html.j2")
        .render(
            shown=shown,
            title=title,
            model=course.model,
            own=own,
            published=published,
            comparisons=[
                (row, published_text(row), short_number(row.found)) for row in shown.comparisons
            ],
            table=html_table("patients", heads, table, group=True),
            csv_address=data_address(csv, "text/csv;charset=utf-8"),
            svg_address=lambda svg: data_address(svg, "image/svg+xml"),
            style=style(),
            version=__version__,
        )
    )
    drawings = [*own, *([published] if published else [])]
    files = {
        f"figures/{drawing.name.removeprefix('figure-')}.svg": drawing.standalone.encode()
        for drawing in drawings
    }
    return {**files, TABLE_FILE: csv.encode(), FILE: page.encode()}
