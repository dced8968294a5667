"""Adverse events, and doses with their blinded kits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.patients import Scenario
from equipoise.records.schema import BLINDED_DRUG

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.protocol import Protocol
    from equipoise.protocol.plan import Dose


def doses(
    protocol: Protocol,
    ids: np.ndarray,
    arms: np.ndarray,
    leaving: np.ndarray,
    generator: np.random.Generator,
) -> tuple[pl.DataFrame | None, pl.DataFrame | None]:
    """The table `doses` as blinded people see it, and `kits`, which says what each held.

    `leaving` is (n,) the day from which nothing is given.
    Kit numbers are drawn without order, so that they say nothing of the arm. In a single-arm
    trial nothing is hidden: `doses` names the drug, and there are no kits.
    """
    import numpy as np
    import polars as pl

    plan = protocol.assumptions.statistical
    assert plan is not None
    rows: list[tuple[str, float, Dose]] = []
    for participant, arm, left in zip(ids, arms, leaving, strict=True):
        for dose in protocol.arms[str(arm)].doses:
            given = generator.random(len(dose.days)) >= plan.missed_dose
            rows += [
                (str(participant), float(day), dose)
                for day, was_given in zip(dose.days, given, strict=True)
                if was_given and day < left
            ]
    if not rows:
        return None, None
    if protocol.single_arm:
        return _open_doses(rows), None
    numbers = generator.permutation(np.arange(1, len(rows) + 1))
    width = len(str(len(rows)))
    kit = [f"K{number:0{width}d}" for number in numbers]
    seen = pl.DataFrame(
        {
            "participant": [row[0] for row in rows],
            "day": [row[1] for row in rows],
            "kit": kit,
            "drug": [BLINDED_DRUG] * len(rows),
            "amount": [row[2].volume_ml or 1.0 for row in rows],
            "unit": ["mL" if row[2].volume_ml else "dose" for row in rows],
            "route": [row[2].route for row in rows],
        }
    )
    held = pl.DataFrame(
        {
            "kit": kit,
            "drug": [row[2].drug for row in rows],
            "amount": [row[2].amount for row in rows],
            "unit": [row[2].unit for row in rows],
        }
    ).sort("kit")
    return seen, held


def _open_doses(rows: list[tuple[str, float, Dose]]) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        {
            "participant": [person for person, _, _ in rows],
            "day": [day for _, day, _ in rows],
            "kit": [None] * len(rows),
            "drug": [dose.drug for _, _, dose in rows],
            "amount": [dose.amount for _, _, dose in rows],
            "unit": [dose.unit for _, _, dose in rows],
            "route": [dose.route for _, _, dose in rows],
        },
        schema_overrides={"kit": pl.String, "amount": pl.Float64},
    )


def adverse_events(
    protocol: Protocol,
    ids: np.ndarray,
    arms: np.ndarray,
    leaving: np.ndarray,
    generator: np.random.Generator,
    stopping: np.random.Generator,
    *,
    scenario: Scenario,
) -> pl.DataFrame | None:
    """The table `adverse_events`: at most one of each term a participant, before leaving.

    Whether an event leads to stopping study drug is drawn from a stream of its own, `stopping`.
    The organ class is left to the protocol.
    """
    import numpy as np
    import polars as pl

    plan = protocol.assumptions.statistical
    assert plan is not None
    if not plan.events:
        return None
    rows: list[tuple[str, str, float, float, int, bool, bool, str, bool, None]] = []
    for term, event in plan.events.items():
        grades = np.array([int(g) for g in event.grades])
        weights = np.array(list(event.grades.values()))
        n = len(ids)
        u = generator.random((n, 5))
        stops = stopping.random(n) < event.stopping
        grade = grades[generator.choice(len(grades), size=n, p=weights / weights.sum())]
        for i in range(n):
            arm = protocol.control if scenario is Scenario.NULL else str(arms[i])
            low, high = event.first_day
            start = round(low + u[i, 1] * (high - low), 1)
            if u[i, 0] >= event.probability[arm] or start >= leaving[i]:
                continue
            shortest, longest = event.duration
            end = round(start + shortest + u[i, 2] * (longest - shortest), 1)
            rows.append(
                (
                    str(ids[i]),
                    term,
                    start,
                    end,
                    int(grade[i]),
                    bool(u[i, 3] < event.serious),
                    bool(u[i, 4] < event.related),
                    "recovered",
                    bool(stops[i]),
                    None,
                )
            )
    schema = {
        "participant": pl.String,
        "term": pl.String,
        "start_day": pl.Float64,
        "end_day": pl.Float64,
        "grade": pl.Int64,
        "serious": pl.Boolean,
        "related": pl.Boolean,
        "outcome": pl.String,
        "led_to_stopping": pl.Boolean,
        "organ_class": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").sort("participant", "start_day", "term")


def last_dosing_day(
    ids: np.ndarray, leaving: np.ndarray, events: pl.DataFrame | None
) -> np.ndarray:
    """(n,) day from which no dose is given: of leaving, or of an event that led to stopping."""
    import numpy as np
    import polars as pl

    if events is None:
        return leaving
    stopped = events.filter(pl.col("led_to_stopping")).group_by("participant")
    first = dict(stopped.agg(pl.col("start_day").min()).iter_rows())
    return np.minimum(leaving, [first.get(str(participant), np.inf) for participant in ids])
