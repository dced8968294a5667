"""Who is screened without entering, and who stops study drug: streams of their own, so that
nothing else of a simulated trial changes with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.patients import Scenario
from equipoise.records.schema import entered_word
from equipoise.simulation.events import last_dosing_day

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.protocol import Protocol


def screening(protocol: Protocol, generator: np.random.Generator) -> pl.DataFrame | None:
    """The table `screening`: people come until the planned number has entered.

    Each who comes enters with probability 1 / `assessed_per_participant`, so that the number
    excluded before the last one enters is negative binomial. None without the assumption.
    """
    import numpy as np
    import polars as pl

    plan = protocol.assumptions.statistical
    assert plan is not None
    assumed = plan.screening
    if assumed is None:
        return None
    size = protocol.population.size
    excluded = 0
    if assumed.assessed_per_participant > 1:
        excluded = int(generator.negative_binomial(size, 1 / assumed.assessed_per_participant))
    kinds = [(kind, reason) for kind, of in assumed.excluded.items() for reason in of]
    drawn: list[int] = []
    if excluded:
        p = np.array([p for of in assumed.excluded.values() for p in of.values()])
        drawn = generator.choice(len(kinds), size=excluded, p=p / p.sum()).tolist()
    outcomes: list[tuple[str, str | None]] = [(entered_word(protocol), None)] * size
    outcomes += [kinds[i] for i in drawn]
    # The last who comes is the last who enters.
    order = [*generator.permutation(np.arange(1, len(outcomes))).tolist(), 0]
    width = max(3, len(str(len(outcomes))))
    return pl.DataFrame(
        {
            "screened": [f"S{i + 1:0{width}d}" for i in range(len(outcomes))],
            "day": [None] * len(outcomes),
            "outcome": [outcomes[i][0] for i in order],
            "reason": [outcomes[i][1] for i in order],
        },
        schema_overrides={"day": pl.Float64, "reason": pl.String},
    )


def stopping(
    protocol: Protocol,
    ids: np.ndarray,
    arms: np.ndarray,
    leaving: np.ndarray,
    events: pl.DataFrame | None,
    generator: np.random.Generator,
    *,
    scenario: Scenario,
) -> tuple[np.ndarray, list[str]]:
    """Day on which study drug is stopped (infinite: never), and a reason for everybody.

    An adverse event that led to stopping comes first; for the others the day is uniform over
    the arm's days of treatment after the first dose. Who leaves the trial before has not
    stopped the drug.
    """
    import numpy as np

    plan = protocol.assumptions.statistical
    assert plan is not None
    days = last_dosing_day(ids, np.full(len(arms), np.inf), events)
    days = np.where(days < leaving, days, np.inf)
    reasons = ["Adverse event"] * len(arms)
    assumed = plan.stopping
    if assumed is None:
        return days, reasons
    u = generator.random((len(arms), 2))
    names = list(assumed.reasons)
    p = np.array(list(assumed.reasons.values()))
    drawn = generator.choice(len(names), size=len(arms), p=p / p.sum())
    for i, arm in enumerate(arms):
        doses = protocol.arms[str(arm)].doses
        if not doses or np.isfinite(days[i]):
            continue
        like = protocol.control if scenario is Scenario.NULL else str(arm)
        first = min(min(dose.days) for dose in doses)
        last = max(max(dose.days) for dose in doses)
        day = round(first + (1 - u[i, 1]) * (last - first), 1)
        if u[i, 0] < assumed.probability[like] and first < day < leaving[i]:
            days[i] = day
            reasons[i] = names[drawn[i]]
    return days, reasons


def disposition(
    protocol: Protocol,
    ids: np.ndarray,
    leaving: np.ndarray,
    reasons: list[str],
    stopped: np.ndarray,
    stop_reasons: list[str],
) -> pl.DataFrame:
    """The table `disposition`: one end for everybody, and study drug that was stopped."""
    import numpy as np
    import polars as pl

    last = protocol.visits[-1].day
    rows: list[tuple[str, str, float, str | None]] = []
    for i, person in enumerate(ids.tolist()):
        if np.isfinite(stopped[i]):
            rows.append((person, "stopped-study-drug", float(stopped[i]), stop_reasons[i]))
        if np.isinf(leaving[i]):
            rows.append((person, "completed", last, None))
        else:
            rows.append((person, "discontinued", float(leaving[i]), reasons[i]))
    schema = {"participant": pl.String, "event": pl.String, "day": pl.Float64, "reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")
