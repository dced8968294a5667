"""The report's tables for a journal: one RTF file that word processors open and edit.

RTF is text: a row says where its cells end, a section says how its paper lies. So it needs no
library, the same results give the same bytes, and tables keep flowing when they are edited.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report import words
from equipoise.report.grids import Cell, Grid, grids

if TYPE_CHECKING:
    from collections.abc import Sequence

    from equipoise.analysis.results import Results

FILE = "tables.rtf"

#: Sections of the page whose tables describe the plan and the software, not the trial's results.
_LEFT_OUT = frozenset({"methods", "assumptions", "limits", "provenance"})

#: Measures in twips, 1/1440 inch: A4, margins, and what is left between them.
_SHORT, _LONG, _MARGIN = 11906, 16838, 1134
#: From so many columns on a table lies across.
_WIDE = 8


def journal_rtf(results: Results, page: str) -> bytes:
    """The tables of a page, and answers and flow as tables, as RTF.

    Parameters
    ----------
    page
        The report as HTML; its tables are read back from it, so that both say the same.
    """
    own = [grid for grid in (_answers(results), _flow(results)) if grid is not None]
    found = [grid for grid in grids(page) if grid.section not in _LEFT_OUT]
    marks = [results.origin_label] + ["blinded"] * results.blinded
    parts = [
        _section(grid, number, results, ", ".join(marks))
        for number, grid in enumerate([*own, *found], 1)
    ]
    head = (
        "{\\rtf1\\ansi\\ansicpg1252\\uc1\\deff0"
        "{\\fonttbl{\\f0\\froman\\fcharset0 Times New Roman;}}\n"
        f"{{\\info{{\\title {escape(results.short_title)}}}}}\n"
        f"\\paperw{_SHORT}\\paperh{_LONG}\\fs20\n"
    )
    return (head + "\\sect\n".join(parts) + "}\n").encode("ascii")


def escape(text: str) -> str:
    """Text as RTF: its three signs escaped, what is not ASCII as numbers of UTF-16."""
    parts: list[str] = []
    for sign in text:
        if sign in "\\{}":
            parts.append("\\" + sign)
        elif " " <= sign <= "~":
            parts.append(sign)
        else:
            units = sign.encode("utf-16-le")
            for i in range(0, len(units), 2):
                code = int.from_bytes(units[i : i + 2], "little", signed=True)
                parts.append(f"\\u{code}?")
    return "".join(parts)


def _section(grid: Grid, number: int, results: Results, mark: str) -> str:
    """One table on paper of its own: running head, title, rows, notes."""
    wide = grid.width >= _WIDE
    across, down = (_LONG, _SHORT) if wide else (_SHORT, _LONG)
    room = across - 2 * _MARGIN
    lies = "\\lndscpsxn" if wide else ""
    marks = f"{mark} data. " if results.simulated or results.blinded else ""
    notes = [*grid.notes, f"{mark[0].upper()}{mark[1:]} data."]
    if any("(CI)" in name for name in grid.column_names):
        notes.append(f"CI: {words.level(results)} confidence interval.")
    return (
        f"\\sectd\\sbkpage{lies}\\pgwsxn{across}\\pghsxn{down}"
        f"\\marglsxn{_MARGIN}\\margrsxn{_MARGIN}\\margtsxn{_MARGIN}\\margbsxn{_MARGIN}\n"
        f"{{\\header\\pard\\tqr\\tx{room}\\fs16 {escape(results.short_title)}\\tab "
        f"\\b {escape(marks.strip())}\\b0\\par}}\n"
        "{\\footer\\pard\\qr\\fs16{\\field{\\*\\fldinst PAGE}{\\fldrslt 1}}\\par}\n"
        f"\\pard\\keepn\\sa120\\b Table {number}. {escape(grid.title)}\\b0\\par\n"
        + _rows(grid, room)
        + "".join(f"\\pard\\sb60\\fs16 {escape(note)}\\fs20\\par\n" for note in notes)
    )


def _rows(grid: Grid, room: int) -> str:
    """All rows. The head repeats on each page; no row breaks over two."""
    ends = _ends(grid, room)
    heads = _with_merged(grid.head, grid.width)
    text = ""
    for index, row in enumerate(heads):
        first, last = index == 0, index == len(heads) - 1
        text += _row(row, ends, head=True, top=first, bottom=last)
    for index, row in enumerate(grid.body):
        group = grid.heads_group(row)
        placed = [(cell, "") for cell in row]
        text += _row(placed, ends, bold=group, bottom=index == len(grid.body) - 1, keep=group)
    return text


def _ends(grid: Grid, room: int) -> list[int]:
    """Where each column ends: in proportion to its longest cell, within bounds."""
    longest = [5] * grid.width
    for row in (*_with_merged(grid.head, grid.width), *([(c, "") for c in r] for r in grid.body)):
        column = 0
        for cell, _ in row:
            if cell.columns == 1 and column < grid.width:
                longest[column] = max(longest[column], min(len(cell.text), 44))
            column += cell.columns
    widths = [length + 3 for length in longest]  # room for the padding of a cell
    total, found, done = sum(widths), [], 0
    for width in widths:
        done += width
        found.append(room * done // total)
    return found


def _with_merged(head: Sequence[tuple[Cell, ...]], width: int) -> list[list[tuple[Cell, str]]]:
    """Rows of the head with a place for every cell that a cell above covers."""
    rows: list[list[tuple[Cell, str]]] = []
    covered: dict[int, tuple[int, int]] = {}  # column → columns, rows still to cover
    for cells in head:
        waiting = list(cells)
        row: list[tuple[Cell, str]] = []
        column = 0
        while column < width and (waiting or column in covered):
            if column in covered:
                span, left = covered.pop(column)
                row.append((Cell("", span), "\\clvmrg"))
                if left > 1:
                    covered[column] = (span, left - 1)
                column += span
                continue
            cell = waiting.pop(0)
            row.append((cell, "\\clvmgf" if cell.rows > 1 else ""))
            if cell.rows > 1:
                covered[column] = (cell.columns, cell.rows - 1)
            column += cell.columns
        rows.append(row)
    return rows


def _row(
    cells: Sequence[tuple[Cell, str]],
    ends: Sequence[int],
    *,
    head: bool = False,
    bold: bool = False,
    top: bool = False,
    bottom: bool = False,
    keep: bool = False,
) -> str:
    places, texts, column = "", "", 0
    side_up = "\\clvertalb" if head else "\\clvertalt"
    for cell, merged in cells:
        column = min(column + cell.columns, len(ends))
        line = "\\clbrdrt\\brdrs\\brdrw15" if top else ""
        rule = bottom or (head and cell.columns > 1)
        line += "\\clbrdrb\\brdrs\\brdrw15" if rule else ""
        places += f"{merged}{line}{side_up}\\cellx{ends[column - 1]}"
        side = "\\ql" if cell.left and cell.columns == 1 else "\\qc" if head else "\\qr"
        side = "\\ql" if bold else side
        strong = "\\b " if head or bold else ""
        follow = "\\keepn" if keep or head else ""
        texts += f"\\pard\\intbl{side}{follow}\\fs18 {{{strong}{escape(cell.text)}}}\\cell\n"
    repeat = "\\trhdr" if head else ""
    return f"\\trowd\\trgaph60\\trkeep{repeat}{places}\n{texts}\\row\n"


def _table(key: str, headings: tuple[str, ...], head: list[str], body: list[list[str]]) -> Grid:
    top = tuple(Cell(text, left=i == 0) for i, text in enumerate(head))
    rows = tuple(tuple(Cell(text, left=i == 0) for i, text in enumerate(row)) for row in body)
    return Grid(key, key, headings, (top,), rows)


def _answers(results: Results) -> Grid | None:
    """One row an estimand: its question, and what the data say."""
    body = [
        [answer.question, answer.role.replace("-", " "), words.answer_sentence(results, answer)]
        for answer in results.answers
    ]
    if not body:
        return None
    grid = _table("answers", ("Answers",), ["Question", "Estimand", "Answer"], body)
    left = tuple(tuple(Cell(cell.text) for cell in row) for row in grid.body)
    return Grid(grid.key, grid.section, grid.headings, grid.head, left)


def _flow(results: Results) -> Grid | None:
    """The counts of the flow diagram, one column a group."""
    counts = results.flow.counts
    if not counts:
        return None

    def said(value: int | None) -> str:
        return "not recorded" if value is None else str(value)

    body = [
        ["Randomised", *(said(c.randomised) for c in counts)],
        ["Received at least one dose", *(said(c.received_dose) for c in counts)],
        ["Discontinued", *(said(c.discontinued) for c in counts)],
        ["Completed", *(said(c.completed) for c in counts)],
    ]
    return _table("flow-counts", ("Participants",), ["", *(c.label for c in counts)], body)
