"""Downloads inside the page: each table as CSV, each figure as SVG, in ``data:`` addresses.

They need no network and no script. Name and content carry the origin of the data.
"""

from __future__ import annotations

import base64
import csv
import io
import re
from typing import TYPE_CHECKING

from equipoise.report.grids import Grid, grids

if TYPE_CHECKING:
    from equipoise.analysis.results import Results

#: What a spreadsheet would read as a formula.
_FORMULA = ("=", "+", "@", "-", "\t", "\r")


def file_name(results: Results, key: str, ending: str) -> str:
    """``SIMULATED-il2-depression-harms.csv``; blinded data say so too."""
    blinded = ("blinded",) if results.blinded else ()
    parts = (results.origin_label, *blinded, results.provenance.protocol_id, key)
    return re.sub(r"[^A-Za-z0-9._-]+", "_", "-".join(parts)) + f".{ending}"


def data_address(content: str, kind: str) -> str:
    """A ``data:`` address that holds a file."""
    return f"data:{kind};base64,{base64.b64encode(content.encode()).decode()}"


def table_csv(grid: Grid, origin: str) -> str:
    """A table as the page prints it, the origin in each row.

    It begins with a byte-order mark, since spreadsheets otherwise misread what is not ASCII; a
    cell that they would take for a formula gets an apostrophe. All digits stand in ``tables/``.
    """
    names = grid.column_names
    lines = [[*(["group"] if grid.is_grouped else []), *names, "origin"]]
    group = ""
    for row in grid.body:
        if grid.heads_group(row):
            group = row[0].text
            continue
        cells = [text for cell in row for text in [cell.text] + [""] * (cell.columns - 1)]
        lines.append([*([group] if grid.is_grouped else []), *cells, origin])
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerows([_plain(text) for text in line] for line in lines)
    return "\ufeff" + buffer.getvalue()


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def with_table_downloads(page: str, results: Results) -> str:
    """The page with a link to its CSV under each table."""
    waiting = iter(grids(page))

    def add(found: re.Match[str]) -> str:
        grid = next(waiting)
        name = file_name(results, grid.key, "csv")
        address = data_address(table_csv(grid, results.origin_label), "text/csv;charset=utf-8")
        return (
            f'{found.group(0)}\n<p class="tools"><a download="{name}" href="{address}" '
            f'aria-label="CSV of the table {grid.key}">CSV</a></p>'
        )

    # The words of people are escaped: this closes tables and nothing else.
    return re.sub(r"</table>(?:\s*</div>)?", add, page)
