"""The tables of a finished page as rows of text.

What a reader downloads, and what goes to a journal, is read back from the page itself: it
cannot differ from what the page shows, and no table can be forgotten.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the page.

    Attributes
    ----------
    text
        Without markup; runs of white space are one space.
    columns, rows
        How many of each it spans.
    left
        Whether it is set flush left.
    """

    text: str
    columns: int = 1
    rows: int = 1
    left: bool = True


@dataclass(frozen=True, slots=True)
class Grid:
    """One table.

    Attributes
    ----------
    key
        Its id in the page without ``table-``.
    section
        Id of the section that it stands in.
    headings
        The headings that it stands under, from the section down.
    head
        The rows of column headings, as in the page.
    body
        The rows below. A row of one cell over all columns heads a group of rows.
    notes
        The notes under it.
    """

    key: str
    section: str
    headings: tuple[str, ...]
    head: tuple[tuple[Cell, ...], ...]
    body: tuple[tuple[Cell, ...], ...]
    notes: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Number of columns."""
        return max((sum(c.columns for c in row) for row in (*self.head, *self.body)), default=0)

    @property
    def title(self) -> str:
        """The headings in one line."""
        return ": ".join(self.headings)

    @property
    def is_grouped(self) -> bool:
        """Whether rows stand in groups."""
        return any(self.heads_group(row) for row in self.body)

    def heads_group(self, row: tuple[Cell, ...]) -> bool:
        """Whether a row is the heading of a group of rows."""
        return len(row) == 1 and self.width > 1 and row[0].columns == self.width

    @property
    def column_names(self) -> list[str]:
        """One name a column: what spans it, a colon, its own heading."""
        names: list[list[str]] = [[] for _ in range(self.width)]
        taken = [0] * self.width
        for number, row in enumerate(self.head):
            column = 0
            for cell in row:
                while column < self.width and taken[column] > number:
                    column += 1
                for place in range(column, min(column + cell.columns, self.width)):
                    taken[place] = number + cell.rows
                    if cell.text:
                        names[place].append(cell.text)
                column += cell.columns
        return [": ".join(parts) for parts in names]


def grids(page: str) -> list[Grid]:
    """All tables of a page, in its order."""
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return [
        Grid(t.key, t.section, t.headings, tuple(t.head), tuple(t.body), tuple(t.notes))
        for t in reader.tables
    ]


@dataclass(slots=True)
class _Table:
    key: str
    section: str
    headings: tuple[str, ...]
    head: list[tuple[Cell, ...]] = field(default_factory=list)
    body: list[tuple[Cell, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    row: list[Cell] = field(default_factory=list)
    in_head: bool = False


class _Reader(HTMLParser):
    """Collects tables with the headings above them and the notes around them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Table] = []
        self._headings: dict[str, str] = {}
        self._notes: list[str] = []  # of the heading, before its first table
        self._key = ""
        self._section = ""
        self._open: _Table | None = None
        self._last: _Table | None = None  # a note below still belongs to it
        self._words: list[str] | None = None
        self._kind = ""
        self._cell = Cell("")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        if values.get("id", "").startswith("table-") and tag in ("div", "table"):
            self._key = values["id"].removeprefix("table-")
        if tag == "section":
            self._section = values.get("id", "")
        elif tag == "table":
            headings = tuple(self._headings[h] for h in sorted(self._headings))
            key, self._key = self._key or f"{len(self.tables) + 1}", ""
            self._open = self._last = _Table(key, self._section, headings, notes=self._notes)
            self._notes = []
            self.tables.append(self._open)
        elif tag in ("h2", "h3", "h4") or (
            tag == "p" and "note" in values.get("class", "").split()
        ):
            self._start(tag)
        elif tag == "br" and self._words is not None:
            self._words.append(" ")
        elif self._open is None:
            return
        elif tag == "thead":
            self._open.in_head = True
        elif tag == "tr":
            self._open.row = []
        elif tag in ("th", "td"):
            left = "gt_right" not in values.get("class", "").split()
            columns, rows = values.get("colspan") or 1, values.get("rowspan") or 1
            self._cell = Cell("", int(columns), int(rows), left)
            self._start(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == self._kind:
            self._finish(tag)
        elif tag == "table":
            self._open = None
        elif self._open is None:
            return
        elif tag == "thead":
            self._open.in_head = False
        elif tag == "tr":
            rows = self._open.head if self._open.in_head else self._open.body
            rows.append(tuple(self._open.row))

    def handle_data(self, data: str) -> None:
        if self._words is not None:
            self._words.append(data)

    def _start(self, kind: str) -> None:
        self._words, self._kind = [], kind

    def _finish(self, kind: str) -> None:
        text = " ".join("".join(self._words or ()).split())
        self._words, self._kind = None, ""
        if kind in ("th", "td"):
            if self._open is not None:
                self._open.row.append(replace(self._cell, text=text))
        elif kind == "p":
            (self._notes if self._last is None else self._last.notes).append(text)
        else:
            self._headings = {h: words for h, words in self._headings.items() if h < kind}
            self._headings[kind] = text
            self._notes, self._last = [], None
