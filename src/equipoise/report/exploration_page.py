"""The page of an exploration and its files: one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from equipoise.report.downloads import data_address
from equipoise.report.exploration_figures import exploration_figures
from equipoise.report.exploration_table import (
    columns,
    exploration_frame,
    regimen_label,
    rows,
)
from equipoise.report.tables import html_table
from equipoise.report.templating import environment, style
from equipoise.staging import write_files

if TYPE_CHECKING:
    from equipoise.patients.exploration import Exploration

FILE = "exploration.html"
TABLE_FILE = "exploration.csv"


def write_exploration(
    exploration: Exploration, folder: str | Path, at: Sequence[float], command: str = ""
) -> Path:
    """Write ``exploration.html``, ``exploration.csv`` and ``figures/*.svg``, all or none.

    Parameters
    ----------
    at
        Days of the table.
    command
        What was typed, for the foot of the page.

    Raises
    ------
    EquipoiseError
        When the folder cannot be written; what stood there is then untouched.
    """
    files = exploration_files(exploration, at, command)
    write_files(Path(folder), {"exploration": files}, last=FILE)
    return Path(folder) / FILE


def exploration_files(
    exploration: Exploration, at: Sequence[float], command: str = ""
) -> dict[str, bytes]:
    """The files: name → content. The same exploration gives the same bytes."""
    from equipoise._version import __version__

    drawings = exploration_figures(exploration, at)
    model = exploration.model
    words = dict.fromkeys(regimen.words for regimen in exploration.regimens[1:])
    table = [
        [regimen_label(exploration, regimen), *row]
        for regimen in exploration.regimens
        for row in rows(exploration, regimen, at)
    ]
    csv = exploration_frame(exploration).write_csv()
    page = (
        environment()
        .get_template("exploration.html.j2")
        .render(
            exploration=exploration,
            model=model,
            counts={
                origin: sum(row.origin == origin for row in model.parameters.values())
                for origin in dict.fromkeys(row.origin for row in model.parameters.values())
            },
            drawings=list(zip(words, drawings, strict=True)),
            table=html_table(
                "exploration", [("regimen", "Regimen"), *columns(exploration)], table, group=True
            ),
            svg_address=lambda svg: data_address(svg, "image/svg+xml"),
            csv_address=data_address(csv, "text/csv;charset=utf-8"),
            command=command,
            style=style(),
            version=__version__,
        )
    )
    files = {
        f"figures/{drawing.name.removeprefix('figure-')}.svg": drawing.standalone.encode()
        for drawing in drawings
    }
    return {**files, TABLE_FILE: csv.encode(), FILE: page.encode()}
