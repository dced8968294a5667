"""The tables of a simulated trial, from its arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING

from equipoise.records.schema import BLINDED_DRUG, entered_word

if TYPE_CHECKING:
    import numpy as np
    import polars as pl

    from equipoise.simulation.trial_arrays import TrialArrays


def participant_ids(trial: TrialArrays) -> np.ndarray:
    """(n,) P001, P002, … in order of enrolment."""
    import numpy as np

    width = max(3, len(str(trial.size)))
    return np.array([f"P{i + 1:0{width}d}" for i in range(trial.size)])


def people_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame:
    """The table `participants`."""
    import numpy as np
    import polars as pl

    columns: dict[str, np.ndarray | list[str]] = {
        "participant": ids,
        "site": [f"{site:02d}" for site in trial.site.tolist()],
    }
    for name, plan in trial.plan.enrolment.covariates.items():
        values = trial.covariates[name]
        columns[name] = np.array(plan.levels)[values] if plan.levels else values
    return pl.DataFrame(columns)


def allocation_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame | None:
    """The table `allocation`; None in a single-arm trial."""
    import numpy as np
    import polars as pl

    if trial.plan.protocol.single_arm:
        return None
    return pl.DataFrame(
        {
            "participant": ids,
            "stratum": np.array(trial.plan.strata)[trial.stratum],
            "sequence": trial.sequence,
            "arm": np.array(trial.plan.arms)[trial.arm],
            "day": np.zeros(trial.size),
        }
    )


def visit_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame:
    """The table `visits`."""
    import numpy as np

    return _long(trial, ids, np.arange(len(trial.plan.visits)), {})


def score_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame | None:
    """The table `scores`: what is recorded, and at its end what is computed from items."""
    import polars as pl

    recorded, computed = [], []
    for key, scores in trial.scores.items():
        at = trial.plan.instruments[key].at
        for index, part in enumerate((*scores.parts, *scores.computed)):
            frame = _long(trial, ids, at, {"score": scores.values[index]})
            if index >= len(scores.parts):
                frame = frame.filter(pl.col("score").is_not_nan())
            frame = frame.with_columns(instrument=pl.lit(key), item=pl.lit(part)).select(
                "participant", "visit", "day", "instrument", "item", "score"
            )
            (recorded if index < len(scores.parts) else computed).append(frame)
    return pl.concat([*recorded, *computed]) if recorded else None


def cell_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame | None:
    """The table `cells`."""
    import polars as pl

    frames = [
        _long(trial, ids, trial.plan.at["cells", key], {"value": values})
        .with_columns(population=pl.lit(key), unit=pl.lit(unit))
        .select("participant", "visit", "day", "population", "unit", "value")
        for (key, unit), values in trial.cells.items()
    ]
    return pl.concat(frames) if frames else None


def lab_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame | None:
    """The table `labs`."""
    import polars as pl

    labs = trial.plan.protocol.labs
    frames = [
        _long(trial, ids, trial.plan.at["labs", key], {"value": values})
        .with_columns(analyte=pl.lit(key), unit=pl.lit(labs[key].unit))
        .select("participant", "visit", "day", "analyte", "unit", "value")
        for key, values in trial.labs.items()
    ]
    return pl.concat(frames) if frames else None


def vital_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame | None:
    """The table `vitals`."""
    import polars as pl

    signs = trial.plan.protocol.vitals
    frames = [
        _long(trial, ids, trial.plan.vitals[key].at, {"value": values})
        .with_columns(sign=pl.lit(key), unit=pl.lit(signs[key].unit))
        .select("participant", "visit", "day", "sign", "unit", "value")
        for key, values in trial.vitals.items()
    ]
    return pl.concat(frames) if frames else None


def exposure_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame | None:
    """The table `exposures`: levels as they are, numbers to three significant digits."""
    import numpy as np
    import polars as pl

    frames = []
    for key, values in trial.exposures.items():
        levels = trial.plan.exposures[key].levels
        if levels:
            text = np.array(levels)[values]
        else:
            text = np.array([f"{value:g}" for value in values.ravel()]).reshape(values.shape)
        frame = _long(trial, ids, trial.plan.at["exposures", key], {"value": text})
        unit = pl.lit(trial.plan.protocol.exposures[key].unit, dtype=pl.String)
        frames.append(
            frame.with_columns(exposure=pl.lit(key), unit=unit).select(
                "participant", "visit", "day", "exposure", "value", "unit"
            )
        )
    return pl.concat(frames) if frames else None


def imaging_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame | None:
    """The table `imaging`; who was not imaged has no row."""
    import polars as pl

    images = trial.plan.protocol.imaging
    frames = [
        _long(trial, ids, trial.plan.at["imaging", key], {"value": values})
        .filter(pl.col("value").is_not_nan())
        .with_columns(measure=pl.lit(key), region=pl.lit(region), unit=pl.lit(images[key].unit))
        .select("participant", "visit", "day", "measure", "region", "unit", "value")
        for (key, region), values in trial.imaging.items()
    ]
    return pl.concat(frames) if frames else None


def dose_tables(
    trial: TrialArrays, ids: np.ndarray
) -> tuple[pl.DataFrame | None, pl.DataFrame | None]:
    """The table `doses` as blinded people see it, and `kits`, which says what each held.

    In a single-arm trial nothing is hidden: `doses` names the drug, and there are no kits.
    """
    import numpy as np
    import polars as pl

    rows = trial.doses
    if rows is None:
        return None, None
    entries = trial.plan.doses.entries

    def each(values: list[str] | list[float]) -> np.ndarray:
        return np.array(values)[rows.entry]

    drug = each([entry.drug for entry in entries])
    amount = each([float(entry.amount) for entry in entries])
    unit = each([entry.unit for entry in entries])
    route = each([entry.route for entry in entries])
    seen = {"participant": ids[rows.participant], "day": rows.day}
    if trial.plan.protocol.single_arm:
        empty = pl.Series("kit", [None] * len(drug), dtype=pl.String)
        frame = pl.DataFrame({**seen, "drug": drug, "amount": amount, "unit": unit, "route": route})
        return frame.insert_column(2, empty), None
    width = len(str(len(drug)))
    kit = np.array([f"K{number:0{width}d}" for number in rows.kit.tolist()])
    doses = pl.DataFrame(
        {
            **seen,
            "kit": kit,
            "drug": [BLINDED_DRUG] * len(drug),
            "amount": each([float(entry.volume_ml or 1.0) for entry in entries]),
            "unit": each(["mL" if entry.volume_ml else "dose" for entry in entries]),
            "route": route,
        }
    )
    order = np.argsort(rows.kit)
    held = {"kit": kit, "drug": drug, "amount": amount, "unit": unit}
    return doses, pl.DataFrame({name: column[order] for name, column in held.items()})


def event_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame | None:
    """The table `adverse_events`; the organ class is left to the protocol."""
    import numpy as np
    import polars as pl

    rows = trial.events
    if rows is None:
        return None
    return pl.DataFrame(
        {
            "participant": ids[rows.participant],
            "term": np.array(trial.plan.terms)[rows.term],
            "start_day": rows.start,
            "end_day": rows.end,
            "grade": rows.grade,
            "serious": rows.serious,
            "related": rows.related,
            "outcome": ["recovered"] * len(rows.term),
            "led_to_stopping": rows.stopping,
            "organ_class": [None] * len(rows.term),
        },
        schema_overrides={
            "participant": pl.String,
            "term": pl.String,
            "outcome": pl.String,
            "organ_class": pl.String,
        },
    )


def medication_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame | None:
    """The table `medications`; None without assumptions on it."""
    import polars as pl

    rows = trial.medications
    if rows is None:
        return None
    plans = trial.plan.medications
    entries = [plans[index] for index in rows.entry.tolist()]
    changed = (rows.end < float("inf")).tolist()
    pairs = list(zip(entries, rows.started.tolist(), changed, strict=True))
    frame = pl.DataFrame(
        {
            "participant": ids[rows.participant],
            "start_day": rows.start,
            "end_day": rows.end,
            "drug": [plan.other if later else plan.drug for plan, later, _ in pairs],
            "class": [plan.name for plan, _, _ in pairs],
            "dose": [None if later else plan.dose for plan, later, _ in pairs],
            "unit": [None if later else plan.unit for plan, later, _ in pairs],
            "reason": [
                "started" if later else "changed" if ends else "ongoing" for _, later, ends in pairs
            ],
        },
        schema_overrides={
            "participant": pl.String,
            "drug": pl.String,
            "class": pl.String,
            "dose": pl.Float64,
            "unit": pl.String,
            "reason": pl.String,
        },
    )
    return frame.with_columns(pl.col("start_day", "end_day").fill_nan(None))


def disposition_table(trial: TrialArrays, ids: np.ndarray) -> pl.DataFrame:
    """The table `disposition`: one end for everybody, and study drug that was stopped."""
    import polars as pl

    last = float(trial.plan.protocol.visits[-1].day)
    why_left = trial.plan.observation.reasons
    why_stopped = trial.plan.stopping.reasons
    rows: list[tuple[str, str, float, str | None]] = []
    ends = zip(
        ids.tolist(),
        trial.leaving.tolist(),
        trial.leaving_reason.tolist(),
        trial.stopped.tolist(),
        trial.stopping_reason.tolist(),
        strict=True,
    )
    never = float("inf")
    for person, leaving, reason, stopped, stop_reason in ends:
        if stopped < never:
            rows.append((person, "stopped-study-drug", stopped, why_stopped[stop_reason]))
        if leaving < never:
            rows.append((person, "discontinued", leaving, why_left[reason]))
        else:
            rows.append((person, "completed", last, None))
    schema = {"participant": pl.String, "event": pl.String, "day": pl.Float64, "reason": pl.String}
    return pl.DataFrame(rows, schema=schema, orient="row")


def screening_table(trial: TrialArrays) -> pl.DataFrame | None:
    """The table `screening`; None where it is not simulated."""
    import polars as pl

    plan, reasons = trial.plan.screening, trial.screening
    if plan is None or reasons is None:
        return None
    entered = (entered_word(trial.plan.protocol), None)
    outcomes = [plan.kinds[code] if code >= 0 else entered for code in reasons.tolist()]
    width = max(3, len(str(len(outcomes))))
    return pl.DataFrame(
        {
            "screened": [f"S{i + 1:0{width}d}" for i in range(len(outcomes))],
            "day": [None] * len(outcomes),
            "outcome": [outcome for outcome, _ in outcomes],
            "reason": [reason for _, reason in outcomes],
        },
        schema_overrides={"day": pl.Float64, "reason": pl.String},
    )


def _long(
    trial: TrialArrays, ids: np.ndarray, at: np.ndarray, values: dict[str, np.ndarray]
) -> pl.DataFrame:
    """One row a participant and a visit that took place; `values` are (n, visits of `at`)."""
    import numpy as np
    import polars as pl

    days = trial.days[:, at]
    seen = np.isfinite(days)
    rows, columns = np.nonzero(seen)
    frame = {
        "participant": ids[rows],
        "visit": np.array(trial.plan.visits)[at[columns]],
        "day": days[seen],
        **{name: value[seen] for name, value in values.items()},
    }
    return pl.DataFrame(frame)
