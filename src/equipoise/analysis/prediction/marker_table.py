"""Early changes of all planned markers and the outcome, one row a participant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from equipoise.analysis.dataset import values_of
from equipoise.analysis.exposures import baseline_exposures
from equipoise.protocol.questions import Scale

if TYPE_CHECKING:
    from equipoise.analysis.dataset import Dataset
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.protocol.prediction_plan import PredictionPlan
    from equipoise.records import Records


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker of the plan.

    Attributes
    ----------
    key, label
        Its key in the protocol, and its name as printed.
    kind
        ``endpoint``, ``lab`` (log of the ratio to baseline), or ``composite``.
    log
        Whether its change is the logarithm of a ratio.
    unit
        Of its values; ``SD`` for composites.
    """

    key: str
    label: str
    kind: Literal["endpoint", "lab", "composite"]
    log: bool
    unit: str


@dataclass(frozen=True, slots=True)
class Characteristic:
    """A baseline characteristic: a covariate, or an exposure at baseline.

    Attributes
    ----------
    key, label
        As in the protocol, and as printed.
    levels
        Of a categorical one, the reference first; empty for a number.
    unit
        Of a number.
    """

    key: str
    label: str
    levels: tuple[str, ...]
    unit: str | None


@dataclass(frozen=True, slots=True)
class MarkerTable:
    """Everybody randomised, with what the questions about the early change are asked of.

    Rows are ordered by their values, so that no answer depends on the order of the records; a
    row carries no identifier. Missing values are NaN.

    Attributes
    ----------
    markers
        m of them: predictors, labs, composites, each in the order of the plan.
    groups
        Keys of the g arms, the control first.
    group_labels
        Their names as printed.
    strata
        How many strata the plan has; whoever has none is in one beyond.
    arm, stratum
        (n,) numbers from 0.
    early, baseline
        (n, m) change to the early visit and baseline of each marker, on its scale: differences
        with the value at baseline, or log ratios with its logarithm.
    outcome, outcome_baseline, early_outcome
        (n,) change of the outcome to the landmark and to the early visit, and its baseline, on
        the outcome's scale; `early_outcome` is NaN throughout where it is not measured then.
    visits, outcomes
        Visits after the early one at which the outcome is measured, and its change to each,
        (n, t).
    characteristics, characteristic_values
        q baseline characteristics and their (n, q) values; of a categorical one the number of
        the level, from 0.
    """

    markers: tuple[Marker, ...]
    groups: tuple[str, ...]
    group_labels: tuple[str, ...]
    strata: int
    arm: np.ndarray
    stratum: np.ndarray
    early: np.ndarray
    baseline: np.ndarray
    outcome: np.ndarray
    outcome_baseline: np.ndarray
    early_outcome: np.ndarray
    visits: tuple[str, ...]
    outcomes: np.ndarray
    characteristics: tuple[Characteristic, ...]
    characteristic_values: np.ndarray

    @property
    def blocks(self) -> np.ndarray:
        """(n,) number of arm x stratum: within these people are resampled and permuted."""
        return self.arm * (self.strata + 1) + self.stratum

    def place(self, key: str) -> int:
        """The column of a marker."""
        return [marker.key for marker in self.markers].index(key)


def make_marker_table(
    protocol: Protocol,
    records: Records,
    groups: Groups,
    datasets: Mapping[str, Dataset],
    plan: PredictionPlan,
) -> MarkerTable:
    """All markers of the plan with the outcome.

    Parameters
    ----------
    datasets
        The data of every continuous endpoint, by key.
    """
    frame = groups.members.rename({"_group": "group"}).join(
        strata_of(protocol, records), on="participant", how="left", maintain_order="left"
    )
    markers: list[Marker] = []
    for key in plan.predictors:
        point = protocol.endpoints[key]
        log = point.scale is Scale.LOG_FOLD
        markers.append(Marker(key, point.label, "endpoint", log, protocol.unit_of(key)))
        part = changes_of(protocol, datasets, key, plan.early_visit, f"early {key}").select(
            "participant", f"early {key}"
        )
        first = baseline_of(protocol, records, key, f"early {key}_baseline")
        for piece in (part, first):
            frame = frame.join(piece, on="participant", how="left", maintain_order="left")
    for key in plan.labs:
        lab = protocol.labs[key]
        markers.append(Marker(key, lab.label, "lab", True, str(lab.unit)))
        part = _lab_changes(protocol, records, key, plan.early_visit)
        frame = frame.join(part, on="participant", how="left", maintain_order="left")
    for visit, name in ((plan.landmark, "outcome"), (plan.early_visit, "early_outcome")):
        part = changes_of(protocol, datasets, plan.outcome, visit, name)
        part = part.select("participant", name)
        frame = frame.join(part, on="participant", how="left", maintain_order="left")
    visits = later_visits(protocol, plan)
    for visit in visits:
        part = changes_of(protocol, datasets, plan.outcome, visit, f"outcome {visit}")
        part = part.select("participant", f"outcome {visit}")
        frame = frame.join(part, on="participant", how="left", maintain_order="left")
    first = baseline_of(protocol, records, plan.outcome, "outcome_baseline")
    frame = frame.join(first, on="participant", how="left", maintain_order="left")
    people, characteristics = _characteristics(protocol, records)
    frame = frame.join(people, on="participant", how="left", maintain_order="left")
    frame = frame.drop("participant")
    measured = [f"early {marker.key}" for marker in markers]
    frame = frame.with_columns(
        pl.col("group").cast(pl.Enum(list(groups.keys))).to_physical().alias("arm")
    ).drop("group")
    frame = frame.sort("arm", "stratum", "outcome", *sorted(set(frame.columns)))

    def column(name: str) -> np.ndarray:
        return frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()

    n = frame.height
    arm = frame["arm"].to_numpy().astype(np.int64)
    early = np.array([column(name) for name in measured]).reshape(-1, n).T
    baseline = np.array([column(f"{name}_baseline") for name in measured]).reshape(-1, n).T
    for key, composite in plan.composites.items():
        places = [[m.key for m in markers].index(member) for member in composite.members]
        weights = np.array(list(composite.members.values()), dtype=float)
        weights = weights / spread_within(early[:, places], arm)
        early = np.column_stack([early, early[:, places] @ weights])
        baseline = np.column_stack([baseline, baseline[:, places] @ weights])
        markers.append(Marker(key, composite.label, "composite", False, "SD"))
    return MarkerTable(
        markers=tuple(markers),
        groups=tuple(groups.keys),
        group_labels=tuple(group.label for group in groups.groups),
        strata=len(protocol.strata),
        arm=arm,
        stratum=frame["stratum"].to_numpy().astype(np.int64),
        early=early,
        baseline=baseline,
        outcome=column("outcome"),
        outcome_baseline=column("outcome_baseline"),
        early_outcome=column("early_outcome"),
        visits=visits,
        outcomes=np.array([column(f"outcome {visit}") for visit in visits]).reshape(-1, n).T,
        characteristics=characteristics,
        characteristic_values=np.array([column(f"characteristic {c.key}") for c in characteristics])
        .reshape(-1, n)
        .T,
    )


def later_visits(protocol: Protocol, plan: PredictionPlan) -> tuple[str, ...]:
    """Visits after the early one at which the outcome is measured, in their order."""
    early = protocol.visit(plan.early_visit).day
    return tuple(
        visit
        for visit in protocol.endpoint_visits(plan.outcome)
        if protocol.visit(visit).day > early
    )


def baseline_of(protocol: Protocol, records: Records, endpoint: str, name: str) -> pl.DataFrame:
    """participant, baseline under `name` on the endpoint's scale, seen again later or not."""
    log = protocol.endpoints[endpoint].scale is Scale.LOG_FOLD
    values = values_of(protocol, records, endpoint).filter(
        pl.col("visit").cast(pl.String) == protocol.baseline.id
    )
    if log:
        values = values.filter(pl.col("value") > 0)
    number = pl.col("value").log() if log else pl.col("value")
    return values.select("participant", number.alias(name))


def changes_of(
    protocol: Protocol, datasets: Mapping[str, Dataset], endpoint: str, visit: str, name: str
) -> pl.DataFrame:
    """participant, change under `name` and its baseline, on the endpoint's scale."""
    log = protocol.endpoints[endpoint].scale is Scale.LOG_FOLD
    rows = datasets[endpoint].frame.filter(pl.col("visit").cast(pl.String) == visit)
    return rows.select(
        "participant",
        pl.col("log_fold" if log else "change").alias(name),
        pl.col("log_baseline" if log else "baseline").alias(f"{name}_baseline"),
    )


def _lab_changes(protocol: Protocol, records: Records, key: str, visit: str) -> pl.DataFrame:
    """The same of a laboratory value, as the log of the ratio; values of 0 have none."""
    labs = records.labs
    name = f"early {key}"
    if labs is None:
        schema = {"participant": pl.String, name: pl.Float64, f"{name}_baseline": pl.Float64}
        return pl.DataFrame(schema=schema)
    values = labs.filter(pl.col("analyte") == key).select(
        "participant", pl.col("visit").cast(pl.String), pl.col("value").cast(pl.Float64)
    )
    values = values.drop_nulls().filter(pl.col("value") > 0)
    first = values.filter(pl.col("visit") == protocol.baseline.id).select(
        "participant", pl.col("value").log().alias(f"{name}_baseline")
    )
    later = values.filter(pl.col("visit") == visit).select(
        "participant", pl.col("value").log().alias("later")
    )
    joined = first.join(later, on="participant", how="left", maintain_order="left")
    return joined.select(
        "participant",
        (pl.col("later") - pl.col(f"{name}_baseline")).alias(name),
        f"{name}_baseline",
    )


def strata_of(protocol: Protocol, records: Records) -> pl.DataFrame:
    """participant, stratum: its number in the plan; whoever has no stratum is in one beyond."""
    number = pl.lit(0, dtype=pl.Int64)
    for name in protocol.randomisation.strata:
        levels = protocol.population.covariates[name].levels
        code = pl.col(name).cast(pl.String).cast(pl.Enum(list(levels))).to_physical()
        number = number * len(levels) + code.cast(pl.Int64)
    return records.participants.select(
        "participant", number.fill_null(len(protocol.strata)).alias("stratum")
    )


def _characteristics(
    protocol: Protocol, records: Records
) -> tuple[pl.DataFrame, tuple[Characteristic, ...]]:
    """participant and one number a characteristic; covariates first, then exposures."""
    exposures = baseline_exposures(protocol, records)
    frame = records.participants.select("participant", *protocol.population.covariates).join(
        exposures, on="participant", how="left", maintain_order="left"
    )
    found: list[Characteristic] = []
    columns: list[pl.Expr] = []
    for key, covariate in protocol.population.covariates.items():
        found.append(Characteristic(key, covariate.label, covariate.levels, covariate.unit))
    for key in exposures.columns:
        if key != "participant":
            exposure = protocol.exposures[key]
            found.append(Characteristic(key, exposure.label, exposure.levels, exposure.unit))
    for one in found:
        value = pl.col(one.key)
        if one.levels:
            value = value.cast(pl.String).cast(pl.Enum(list(one.levels))).to_physical()
        columns.append(value.cast(pl.Float64).alias(f"characteristic {one.key}"))
    return frame.select("participant", *columns), tuple(found)


def spread_within(early: np.ndarray, arm: np.ndarray) -> np.ndarray:
    """(m,) standard deviation of each column within arms, pooled; NaN where it cannot be had."""
    found = np.full(early.shape[1], np.nan)
    for place, values in enumerate(early.T):
        squares, spare = 0.0, 0
        for number in np.unique(arm):
            own = values[(arm == number) & np.isfinite(values)]
            if own.size > 1:
                squares += float(((own - own.mean()) ** 2).sum())
                spare += own.size - 1
        if spare and squares > 0.0:
            found[place] = np.sqrt(squares / spare)
    return found
