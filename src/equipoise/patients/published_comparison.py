"""Every published number beside the model, by the statistic of its paper."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from equipoise.patients.calibration import Experiments, read_plan

if TYPE_CHECKING:
    from equipoise.mechanisms import MechanisticModel


@dataclass(frozen=True, slots=True)
class Comparison:
    """One published number beside the model.

    Attributes
    ----------
    key, what, unit
        Key of the target, what it is, and its unit.
    value, low, high
        Published; the ends are one standard error either side, or those of a range. NaN where
        there is none.
    found
        The same statistic of the virtual patients.
    verdict
        In a word or three.
    role, source, certainty, assumed
        Whether it was fitted; citation and how it was read; what was assumed to compare.
    """

    key: str
    what: str
    unit: str
    value: float
    low: float
    high: float
    found: float
    verdict: str
    role: str
    source: str
    certainty: str
    assumed: str


def has_published_numbers(model: MechanisticModel) -> bool:
    """Whether there are targets for this model."""
    from equipoise.patients.calibration.targets import plans

    return model.name in plans()


def compare(model: MechanisticModel) -> tuple[Comparison, ...]:
    """Every published number beside the model, by the paper's own statistic.

    Raises
    ------
    EquipoiseError
        When nothing is published for this model.
    """
    plan = read_plan(model.name)
    experiments = Experiments.of_plan(model, plan)
    found: list[Comparison] = []
    nan = float("nan")
    for target in plan.targets:
        value = experiments.value(target)
        low, high = target.range or (nan, nan)
        if target.value is not None and target.uncertainty is not None:
            low, high = target.value - target.uncertainty, target.value + target.uncertainty
        source = model.sources[target.source]
        found.append(
            Comparison(
                key=target.key,
                what=target.what,
                unit=target.unit,
                value=nan if target.value is None else target.value,
                low=low,
                high=high,
                found=value,
                verdict=target.verdict(value),
                role=str(target.role),
                source=source.citation,
                certainty=source.certainty,
                assumed=target.assumed,
            )
        )
    return tuple(found)


def published_text(row: Comparison) -> str:
    """``1.17 ± 0.084 fold``, ``1.5 to 2 fold``, ``more than 0``."""
    unit = f" {row.unit}" if row.unit else ""
    if not math.isnan(row.value):
        error = "" if math.isnan(row.low) else f" ± {short_number(row.high - row.value)}"
        return f"{short_number(row.value)}{error}{unit}"
    if math.isinf(row.high):
        return f"more than {short_number(row.low)}{unit}"
    return f"{short_number(row.low)} to {short_number(row.high)}{unit}"


def short_number(value: float) -> str:
    """Three digits."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def plain_comparisons(rows: Sequence[Comparison]) -> str:
    """The table as the terminal prints it; what each number is stands under it."""
    cells = [("target", "published", "model", "verdict", "role", "source")]
    cells += [
        (r.key, published_text(r), short_number(r.found), r.verdict, r.role, r.certainty)
        for r in rows
    ]
    widths = [max(len(row[i]) for row in cells) + 2 for i in range(len(cells[0]))]
    lines: list[str] = []
    for row, what in zip(cells, ["", *(r.what for r in rows)], strict=True):
        pairs = zip(row, widths, strict=True)
        lines.append(("  " + "".join(f"{cell:{width}}" for cell, width in pairs)).rstrip())
        lines += [f"      {what}"] if what else []
    return "\n".join(lines)
