"""Tables of the forecasts: performance, gains, people needed, terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.report.forecast_words import MEASURES, gain_text, measure_text, stage_label
from equipoise.report.tables.html import Cell, html_table
from equipoise.report.words import number, p_value, percent, significant

if TYPE_CHECKING:
    from equipoise.analysis.results import Results
    from equipoise.analysis.stratification.forecast_results import (
        ForecastMeasure,
        ForecastResults,
        ForecastStage,
        Measure,
    )


def forecast_performance_table(results: Results, found: ForecastResults) -> str:
    """Every measure in left-out people, the forecasts beside each other."""
    names: dict[Measure, None] = {m.measure: None for s in found.stages for m in s.measures}
    rows: list[list[Cell]] = []
    for name in names:
        measures = [stage.measure(name) for stage in found.stages]
        label, means = _named(found, name)
        rows.append([label, *(measure_text(measure) for measure in measures), means])
    columns = [("measure", "Measure in left-out people (CI)")]
    columns += [(stage.stage, stage_label(results, stage.stage)) for stage in found.stages]
    columns.append(("means", "What it says"))
    return html_table("forecast-performance", columns, rows, left=("means",))


def forecast_honesty_table(results: Results, found: ForecastResults) -> str:
    """Each measure beside shuffled outcomes, and beside what the people who trained it show."""
    complete = any(m.complete is not None for s in found.stages for m in s.measures)
    rows: list[list[Cell]] = []
    for stage in found.stages:
        if stage.intercept is None:
            continue
        for measure in stage.measures:
            row: list[Cell] = [
                stage_label(results, stage.stage),
                _named(found, measure.measure)[0],
                _alone(measure, measure.estimate),
                _alone(measure, measure.null_mean),
                None if measure.permutation_p is None else p_value(measure.permutation_p),
                _alone(measure, measure.apparent),
                _alone(measure, measure.corrected),
            ]
            rows.append([*row, _alone(measure, measure.complete)] if complete else row)
    columns = [
        ("stage", ""),
        ("measure", "Measure"),
        ("left", "Left-out people"),
        ("null", "Shuffled outcomes"),
        ("p", "p, permutation"),
        ("apparent", "People who trained it"),
        ("corrected", "Less optimism"),
    ]
    if complete:
        columns.append(("complete", "Complete cases"))
    return html_table("forecast-honesty", columns, rows, group=True)


def _named(found: ForecastResults, name: Measure) -> tuple[str, str]:
    """A measure with its unit, and what it says."""
    label, means = MEASURES[name]
    return (f"{label}, {found.outcome_unit}" if name == "mae" else label), means


def _alone(measure: ForecastMeasure, value: float | None) -> Cell:
    if value is None:
        return None
    if measure.measure in ("r2", "auc", "scaled_brier"):
        return percent(value)
    return number(value, 2 if measure.measure == "mae" else 3)


def forecast_gains_table(results: Results, found: ForecastResults) -> str:
    """What one forecast has over another in the same people."""
    rows: list[list[Cell]] = []
    for gain in found.gains:
        rows.append(
            [
                f"{stage_label(results, gain.stage)}, against {_within(results, gain.over)}",
                MEASURES[gain.measure][0],
                gain_text(gain),
                p_value(gain.p),
            ]
        )
    columns = [
        ("pair", ""),
        ("measure", "Measure"),
        ("gain", "Gain (CI); above 0 is better"),
        ("p", "p, corrected resampled t"),
    ]
    return html_table("forecast-gains", columns, rows, group=True)


def _within(results: Results, stage: str) -> str:
    label = stage_label(results, stage)
    return label[:1].lower() + label[1:]


def forecast_needed_table(stage: ForecastStage) -> str | None:
    """People that Riley's criteria ask for; None without any."""
    if not stage.needed:
        return None
    rows: list[list[Cell]] = []
    for row in stage.needed:
        of = "The score" if row.outcome == "score" else "Response"
        basis = "found in left-out people" if row.basis == "found" else "assumed"
        title = f"{of}, R² = {number(row.r2)} ({basis}), {row.parameters} terms"
        for name, n in row.criteria:
            rows.append([title, name, f"{n:,}"])
        rows.append([title, "all of them", f"{row.needed:,}"])
    columns = [("of", ""), ("criterion", "Criterion"), ("n", "People")]
    return html_table("forecast-needed", columns, rows, group=True)


def forecast_terms_table(results: Results, found: ForecastResults) -> str:
    """The whole model of each stage: intercept, every term per unit and per SD."""
    rows: list[list[Cell]] = []
    for stage in found.stages:
        if stage.intercept is None:
            continue
        label = stage_label(results, stage.stage)
        rows.append([label, "Intercept", significant(stage.intercept, 4), None, "no"])
        for term in stage.coefficients:
            rows.append(
                [
                    label,
                    term.label,
                    significant(term.estimate, 4),
                    significant(term.per_sd),
                    "yes" if term.penalised else "no",
                ]
            )
    columns = [
        ("stage", ""),
        ("term", "Term"),
        ("unit", f"{found.outcome_unit[:1].upper()}{found.outcome_unit[1:]} per unit"),
        ("sd", "Per SD"),
        ("shrunk", "Shrunk"),
    ]
    return html_table("forecast-terms", columns, rows, group=True)
