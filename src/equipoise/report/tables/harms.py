"""Participants with harms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import MISSING, percent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from equipoise.analysis.harm_results import HarmRow, Rate
    from equipoise.analysis.results import Group


class HarmPage(Protocol):
    """A page with columns: the report of a trial, or that of its monitoring committee."""

    @property
    def groups(self) -> tuple[Group, ...]:
        """The columns, the reference of differences first."""
        ...

    @property
    def control(self) -> str | None:
        """Key of the group that differences are taken from; None without a comparison."""
        ...


def harm_table(
    name: str,
    results: HarmPage,
    rows: Sequence[HarmRow],
    *,
    by_class: bool = False,
    of_n: bool = False,
) -> str:
    """Participants with harms by group, exact intervals, differences.

    `by_class` groups the rows by organ class, `of_n` names the denominator in each cell.
    """
    columns = [("class", "")] if by_class else []
    columns += [("event", "Participants with")]
    columns += [(g.key, f"{g.label} (n = {g.n})") for g in results.groups]
    others = [g for g in results.groups if g.key != results.control] if results.control else []
    columns += [(f"{g.key}_diff", f"Difference, {g.label}") for g in others]
    cells: list[list[Cell]] = []
    for row in rows:
        line: list[Cell] = [row.label, *(_rate(rate, of_n=of_n) for rate in row.rates)]
        if by_class:
            line.insert(0, row.organ_class or "Organ class not stated")
        by_arm = {d.arm: d for d in row.differences}
        for g in others:
            d = by_arm.get(g.key)
            line.append(
                None
                if d is None
                else f"{percent(d.estimate)} ({percent(d.lower)} to {percent(d.upper)})"
            )
        cells.append(line)
    if by_class:  # classes in the order of their most frequent term
        order = list(dict.fromkeys(line[0] for line in cells))
        cells.sort(key=lambda line: order.index(line[0]))
    return html_table(name, columns, cells, group=by_class)


def _rate(rate: Rate, *, of_n: bool = False) -> str:
    if not rate.n:
        return MISSING
    if of_n:
        return f"{rate.events} of {rate.n} ({percent(rate.lower)} to {percent(rate.upper)})"
    return f"{rate.events} ({percent(rate.lower)} to {percent(rate.upper)})"
