"""One table as HTML: by great-tables, without its style sheet, in the page's own colours."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl
from great_tables import GT

from equipoise.report.words import MISSING

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell = str | None

#: What stands in a cell whose count could name a person.
SMALL = "small count, not shown"


def html_table(
    name: str,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Sequence[Cell]],
    *,
    stub: bool = True,
    group: bool = False,
    left: Sequence[str] = (),
    spanners: Sequence[tuple[str, Sequence[str]]] = (),
) -> str:
    """One table as HTML.

    Parameters
    ----------
    name
        Unique in the page; the table's id is ``table-`` and this.
    columns
        (key, heading) of each column. With `group` the first column holds row groups, with
        `stub` the next one holds row headings.
    rows
        Cells, already text; None prints a dash.
    left
        Keys of columns of text, set flush left.
    spanners
        (heading, keys of columns) of headings over several columns.
    """
    keys = [key for key, _ in columns]
    frame = pl.DataFrame(
        {key: [row[i] for row in rows] for i, key in enumerate(keys)},
        schema=dict.fromkeys(keys, pl.String),
    )
    options: dict[str, Any] = {"id": f"table-{name}"}
    head = 0
    if group:
        options["groupname_col"] = keys[0]
        head = 1
    if stub:
        options["rowname_col"] = keys[head]
        head += 1
    table = GT(frame, **options).cols_label(cases=dict(columns[head:]))
    table = table.sub_missing(missing_text=MISSING).cols_align("right", columns=keys[head:])
    if left:
        table = table.cols_align("left", columns=list(left))
    if stub:
        table = table.tab_stubhead(label=columns[head - 1][1])
    for label, members in spanners:
        table = table.tab_spanner(label=label, columns=list(members))
    return _own_style(table.as_raw_html())


def _own_style(html: str) -> str:
    """Drop the library's style sheet and inline styles; keep ids free of spaces."""
    html = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    html = re.sub(r'(<div id="[^"]*") style="[^"]*"', r'\1 class="table-scroll" tabindex="0"', html)
    return html.replace(' data-quarto-disable-processing="false"', "").replace(
        ' data-quarto-bootstrap="false"', ""
    )
