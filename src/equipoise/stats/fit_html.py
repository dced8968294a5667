"""A fit as HTML, for notebooks; every text of the user's is escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from .fit_summary import TITLE, facts, tables

if TYPE_CHECKING:
    from .mmrm_fit import MMRMFit


def fit_as_html(fit: MMRMFit) -> str:
    """The summary as tables, without style of its own."""
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(text)}</td></tr>'
        for name, text in facts(fit)
    )
    parts = [f"<div><table><caption>{TITLE}</caption><tbody>{rows}</tbody></table>"]
    parts += [_table(title, table) for title, table in tables(fit)]
    return "\n".join([*parts, "</div>"])


def _table(title: str, rows: list[tuple[str, ...]]) -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in rows[0])
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows[1:]
    )
    return (
        f"<table><caption>{escape(title)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )
