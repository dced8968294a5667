"""Harms as flat tables, for the CSV files beside ``results.json``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from equipoise.analysis.harm_results import HarmRow, Safety
    from equipoise.analysis.result_row import Row

Cells = list[dict[str, object]]


def harm_tables(safety: Safety) -> dict[str, Cells]:
    """Name of a table → its rows; empty ones among them."""
    events = (*safety.summary, *safety.classes, *safety.terms)
    vitals = tuple(row for sign in safety.vitals for row in sign.abnormal)
    people = (*safety.summary, *safety.watched, *safety.classes, *safety.terms)
    return {
        "adverse_events": _by_row(people, "rates"),
        "adverse_event_differences": _by_row(people, "differences"),
        "event_rates": _by_row(events, "event_rates"),
        "event_rate_ratios": _by_row(events, "ratios"),
        "worst_grades": [
            {"event": row.key, "label": row.label, **count.model_dump()}
            for row in safety.grades
            for count in row.counts
        ],
        "first_onset": [row.model_dump() for row in safety.onset],
        "liver_flags": _by_row(safety.liver, "rates"),
        "lab_shifts": [
            {**_named(shift, "analyte", "label", "unit", "low", "high"), **count.model_dump()}
            for shift in safety.lab_shifts
            for count in shift.counts
        ],
        "vital_signs": [
            {**_named(sign, "sign", "label", "unit"), **mean.model_dump()}
            for sign in safety.vitals
            for mean in sign.means
        ],
        "vital_signs_abnormal": _by_row(vitals, "rates"),
        "stopping_looks": [
            {**_named(rule, "key", "label", "arms"), **look.model_dump()}
            for rule in safety.stopping
            for look in rule.looks
        ],
        "stopping_characteristics": [
            {**_named(rule, "key", "label"), **row.model_dump()}
            for rule in safety.stopping
            for row in rule.characteristics
        ],
    }


def _by_row(rows: Iterable[HarmRow], part: str) -> Cells:
    return [
        {"event": row.key, "label": row.label, **found.model_dump()}
        for row in rows
        for found in getattr(row, part)
    ]


def _named(row: Row, *fields: str) -> Mapping[str, object]:
    return {field: getattr(row, field) for field in fields}
