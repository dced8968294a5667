"""What is seen of a cohort: actual days, missed visits, dropout, rounding to the scale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.patients import Cohort, Scenario
from equipoise.simulation.rated_items import apportioned_items

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.protocol import Protocol


def observed_days(
    protocol: Protocol,
    cohort: Cohort,
    arms: np.ndarray,
    generator: np.random.Generator,
    *,
    scenario: Scenario,
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Who was seen when, who left when, and why.

    Leaving between two visits depends on the last score that was seen (missing at random):
    logit P(leave) = logit(h) + slope · z, z the deviation of that score from the mean of all
    participants at that visit in SD; h spreads the arm's probability over the visits.

    Returns
    -------
    days
        (n, visits) actual day; NaN where the visit did not take place.
    leaving
        (n,) day of leaving; infinite for those who stayed.
    reasons
        Reason for leaving, drawn for everybody.
    """
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    n, visits = len(arms), protocol.visits
    jitter = generator.normal(0.0, 1.0, size=(n, len(visits))) * plan.visit_jitter
    days = np.array([v.day for v in visits]) + jitter
    days = np.clip(days, [v.window[0] for v in visits], [v.window[1] for v in visits])
    days = np.round(days, 1)
    days[:, 0] = visits[0].day

    arm_of = {arm: protocol.control if scenario is Scenario.NULL else arm for arm in protocol.arms}
    total = np.array([plan.dropout.probability[arm_of[str(arm)]] for arm in arms])
    steps = len(visits) - 1
    hazard = np.clip(1 - (1 - total) ** (1 / steps), 1e-12, 1 - 1e-12)
    base = np.log(hazard / (1 - hazard))
    z = _worse_than_average(protocol, cohort, n)
    leaving = np.full(n, np.inf)
    uniform = generator.random((n, steps))
    when = generator.random((n, steps))
    for step in range(steps):
        chance = np.where(
            total > 0, 1 / (1 + np.exp(-(base + plan.dropout.slope * z[:, step]))), 0.0
        )
        leaves = np.isinf(leaving) & (uniform[:, step] < chance)
        # Between the last visit that was kept and the earliest day of the next one.
        start = days[:, step]
        end = np.maximum(visits[step + 1].window[0], start)
        leaving[leaves] = np.round(start + when[:, step] * (end - start), 1)[leaves]
        days[~np.isinf(leaving), step + 1] = np.nan
    missed = generator.random((n, steps)) < plan.dropout.missed_visit
    days[:, 1:][missed] = np.nan
    names = list(plan.dropout.reasons)
    p = np.array(list(plan.dropout.reasons.values()))
    reasons = [names[i] for i in generator.choice(len(names), size=n, p=p / p.sum())]
    return days, leaving, reasons


def _worse_than_average(protocol: Protocol, cohort: Cohort, n: int) -> np.ndarray:
    """(n, visits) how much worse the first instrument is than the average, in SD."""
    import numpy as np

    z = np.zeros((n, len(protocol.visits)))
    if not cohort.scores:
        return z
    key = next(iter(cohort.scores))
    scores = cohort.scores[key]
    spread = np.maximum(scores.std(axis=0), 1e-12)
    own = (scores - scores.mean(axis=0)) / spread
    if protocol.scale(key).better == "higher":
        own = -own
    planned = [i for i, v in enumerate(protocol.visits) if v.id in protocol.instruments[key].visits]
    for index in range(len(protocol.visits)):
        before = [k for k, i in enumerate(planned) if i <= index]
        if before:
            z[:, index] = own[:, before[-1]]
    return z


def visit_table(protocol: Protocol, ids: np.ndarray, days: np.ndarray) -> pl.DataFrame:
    """The table `visits`."""
    names = [visit.id for visit in protocol.visits]
    return long_table(ids, names, days, {})


def long_table(
    ids: np.ndarray, visits: list[str], days: np.ndarray, values: dict[str, np.ndarray]
) -> pl.DataFrame:
    """One row a participant and a visit that took place; `values` are (n, visits)."""
    import numpy as np
    import polars as pl

    seen = np.isfinite(days)
    rows, columns = np.nonzero(seen)
    frame = {
        "participant": ids[rows],
        "visit": np.array(visits)[columns],
        "day": days[seen],
        **{name: value[seen] for name, value in values.items()},
    }
    return pl.DataFrame(frame)


def score_table(
    protocol: Protocol,
    cohort: Cohort,
    ids: np.ndarray,
    days: np.ndarray,
    generator: np.random.Generator,
) -> pl.DataFrame | None:
    """The table `scores`: totals rounded and cut to the scale, and the recorded items.

    Where all items of a total are recorded they score to it (`apportioned_items`). Otherwise an
    item is binomial: of its range, each point with the probability `item_weight` times the
    total's share of the highest total.
    """
    import numpy as np
    import polars as pl

    from equipoise.instruments import TOTAL, needed

    plan = protocol.assumptions.statistical
    assert plan is not None
    frames = []
    for key, use in protocol.instruments.items():
        scale = protocol.scale(key)
        at = [i for i, v in enumerate(protocol.visits) if v.id in use.visits]
        names = [protocol.visits[i].id for i in at]
        low, high = scale.total
        total = np.clip(np.round(cohort.scores[key]), low, high)
        scores = {TOTAL: total}
        if scale.items and needed(scale) <= set(use.items):
            drawn = apportioned_items(scale, total, generator)
            scores |= {str(item): points.astype(float) for item, points in drawn.items()}
        for part in (*use.items, *use.subscales):
            if str(part) in scores:
                continue
            lowest, highest = scale.range_of(part)
            share = plan.scores[key].item_weight * (total - low) / (high - low)
            points = lowest + generator.binomial(highest - lowest, share)
            points = np.minimum(points, np.maximum(total, lowest))
            turned = isinstance(part, int) and scale.items[part - 1].reversed
            scores[str(part)] = lowest + highest - points if turned else points
        for item, values in scores.items():
            frame = long_table(ids, names, days[:, at], {"score": values})
            frames.append(
                frame.with_columns(instrument=pl.lit(key), item=pl.lit(item)).select(
                    "participant", "visit", "day", "instrument", "item", "score"
                )
            )
    return pl.concat(frames) if frames else None


def significant(values: np.ndarray, digits: int) -> np.ndarray:
    """Round to significant digits, as a laboratory reports."""
    import numpy as np

    scale = 10.0 ** (digits - 1 - np.floor(np.log10(np.maximum(np.abs(values), 1e-300))))
    return np.where(values == 0, 0.0, np.round(values * scale) / scale)


def cell_table(
    protocol: Protocol, cohort: Cohort, ids: np.ndarray, days: np.ndarray
) -> pl.DataFrame | None:
    """The table `cells`, to four significant digits."""
    import polars as pl

    frames = []
    for (key, unit), values in cohort.cells.items():
        at = [i for i, v in enumerate(protocol.visits) if v.id in protocol.cells[key].visits]
        names = [protocol.visits[i].id for i in at]
        frame = long_table(ids, names, days[:, at], {"value": significant(values, 4)})
        frames.append(
            frame.with_columns(population=pl.lit(key), unit=pl.lit(unit)).select(
                "participant", "visit", "day", "population", "unit", "value"
            )
        )
    return pl.concat(frames) if frames else None


def lab_table(
    protocol: Protocol, cohort: Cohort, ids: np.ndarray, days: np.ndarray
) -> pl.DataFrame | None:
    """The table `labs`, to three significant digits."""
    import polars as pl

    frames = []
    for key, values in cohort.labs.items():
        lab = protocol.labs[key]
        at = [i for i, v in enumerate(protocol.visits) if v.id in lab.visits]
        names = [protocol.visits[i].id for i in at]
        frame = long_table(ids, names, days[:, at], {"value": significant(values, 3)})
        frames.append(
            frame.with_columns(analyte=pl.lit(key), unit=pl.lit(lab.unit)).select(
                "participant", "visit", "day", "analyte", "unit", "value"
            )
        )
    return pl.concat(frames) if frames else None
