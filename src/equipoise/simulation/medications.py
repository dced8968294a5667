"""Concomitant medications: what is taken at the start, and what is changed later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.patients import Scenario

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.protocol import Protocol


def medications(
    protocol: Protocol,
    people: pl.DataFrame,
    arms: np.ndarray,
    leaving: np.ndarray,
    generator: np.random.Generator,
    *,
    scenario: Scenario,
) -> pl.DataFrame | None:
    """The table `medications`; None without assumptions on it.

    Whoever starts another drug of a class stops the one taken before on that day.
    """
    import numpy as np
    import polars as pl

    plan = protocol.assumptions.statistical
    assert plan is not None
    if not plan.medications:
        return None
    last = protocol.visits[-1].day
    rows: list[tuple[str, float | None, float | None, str, str, float | None, str | None, str]] = []
    for name, assumed in plan.medications.items():
        eligible = np.ones(people.height, dtype=bool)
        for covariate, level in assumed.among.items():
            eligible &= (people[covariate] == level).fill_null(False).to_numpy()
        u = generator.random((people.height, 3))
        for i, person in enumerate(people["participant"].to_list()):
            if not eligible[i]:
                continue
            arm = protocol.control if scenario is Scenario.NULL else str(arms[i])
            day = round(float(0.1 + u[i, 2] * (last - 0.1)), 1)
            changes = u[i, 1] < assumed.started.get(arm, 0.0) and day < leaving[i]
            reason = "ongoing" if not changes else "changed"
            if u[i, 0] < assumed.share:
                rows.append(
                    (
                        str(person),
                        None,
                        day if changes else None,
                        assumed.drug,
                        name,
                        assumed.dose,
                        assumed.unit,
                        reason,
                    )
                )
            if changes:
                drug = f"another {name}" if assumed.share else assumed.drug
                rows.append((str(person), day, None, drug, name, None, None, "started"))
    schema = {
        "participant": pl.String,
        "start_day": pl.Float64,
        "end_day": pl.Float64,
        "drug": pl.String,
        "class": pl.String,
        "dose": pl.Float64,
        "unit": pl.String,
        "reason": pl.String,
    }
    return pl.DataFrame(rows, schema=schema, orient="row").sort("participant", "class", "drug")
