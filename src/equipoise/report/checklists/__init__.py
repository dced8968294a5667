"""Reporting checklists as data, and what of them a trial answers."""

from equipoise.report.checklists.evaluation import Line, evaluate, field_anchor
from equipoise.report.checklists.items import CHECKLISTS, Checklist, Finding, Item, State, load
from equipoise.report.checklists.tidier import TidierRow, tidier_rows

__all__ = [
    "CHECKLISTS",
    "Checklist",
    "Finding",
    "Item",
    "Line",
    "State",
    "TidierRow",
    "evaluate",
    "field_anchor",
    "load",
    "tidier_rows",
]
