"""The rows that a mixed model sees: one endpoint, one row a participant and a visit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.exposures import covariate_exposures
from equipoise.protocol.endpoint_sources import source_of
from equipoise.protocol.questions import Scale

if TYPE_CHECKING:
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.records import Records


@dataclass(frozen=True, slots=True)
class Dataset:
    """An endpoint's data.

    Attributes
    ----------
    frame
        participant, arm, visit, value, baseline, change or log_baseline, log_fold, site,
        covariates and the exposures that models may name; factors are Enum in the protocol's
        order. Rows have a baseline and a value.
    no_baseline, no_follow_up
        Participants left out, by reason.
    not_positive
        Values that have no logarithm and were left out.
    """

    frame: pl.DataFrame
    no_baseline: tuple[str, ...]
    no_follow_up: tuple[str, ...]
    not_positive: int

    @property
    def participants(self) -> list[str]:
        """Who is analysed."""
        return self.frame["participant"].unique(maintain_order=True).to_list()


def values_of(protocol: Protocol, records: Records, endpoint: str) -> pl.DataFrame:
    """participant, visit, day, value of an endpoint's measurement, missing values left out."""
    point = protocol.endpoints[endpoint]
    source = source_of(point)
    table: pl.DataFrame | None = getattr(records, source.records)
    if table is None:
        return pl.DataFrame(
            schema={
                "participant": pl.String,
                "visit": pl.String,
                "day": pl.Float64,
                "value": pl.Float64,
            }
        )
    wanted = {source.column: str(getattr(point, source.field))}
    if source.part is not None:
        field, column, whole = source.part
        wanted[column] = getattr(point, field) or whole
    if source.detail is not None:
        field, _, column = source.detail
        wanted[column] = str(getattr(point, field))
    value = pl.col(source.value).cast(pl.Float64).alias("value")
    return table.filter(**wanted).select("participant", "visit", "day", value).drop_nulls()


def make_dataset(
    protocol: Protocol,
    records: Records,
    groups: Groups,
    endpoint: str,
    *,
    values: pl.DataFrame | None = None,
    members: set[str] | None = None,
    everybody: bool = False,
) -> Dataset:
    """The data of one endpoint, with the reasons why people are left out.

    Parameters
    ----------
    values
        participant, visit, value, where a strategy for intercurrent events has changed them.
    members
        The analysis set; everybody when left out.
    everybody
        A row at every visit for all who have a baseline, without a value where there is none.
    """
    point = protocol.endpoints[endpoint]
    if values is None:
        values = values_of(protocol, records, endpoint)
    values = values.select("participant", "visit", "value")
    if members is not None:
        values = values.filter(pl.col("participant").is_in(list(members)))
    log = point.scale is Scale.LOG_FOLD
    not_positive = int((values["value"] <= 0).sum()) if log else 0
    if log:
        values = values.filter(pl.col("value") > 0)
    first = values.filter(pl.col("visit") == protocol.baseline.id).select(
        "participant", pl.col("value").alias("baseline")
    )
    visits = protocol.endpoint_visits(endpoint)
    after = values.filter(pl.col("visit").is_in(visits))
    people = groups.members["participant"]
    if members is not None:
        people = people.filter(people.is_in(list(members)))
    no_baseline = people.filter(~people.is_in(first["participant"].implode())).to_list()
    no_follow_up = people.filter(
        people.is_in(first["participant"].implode()) & ~people.is_in(after["participant"].implode())
    ).to_list()
    covariates = protocol.population.covariates
    casts = [
        pl.col(name).cast(pl.Enum(list(covariate.levels)))
        for name, covariate in covariates.items()
        if covariate.type == "categorical"
    ]
    exposures = covariate_exposures(protocol, records)
    order = list(groups.keys)
    if everybody:
        grid = first.select("participant").join(pl.DataFrame({"visit": list(visits)}), how="cross")
        after = grid.join(after, on=["participant", "visit"], how="left", maintain_order="left")
    frame = (
        groups.members.rename({"_group": "arm"})
        .join(records.participants, on="participant", how="left", maintain_order="left")
        .join(exposures, on="participant", how="left", maintain_order="left")
        .join(first, on="participant", how="inner", maintain_order="left")
        .join(after, on="participant", how="inner", maintain_order="left")
        .with_columns(
            pl.col("visit").cast(pl.Enum(list(visits))), pl.col("arm").cast(pl.Enum(order)), *casts
        )
        .sort("participant", "visit", maintain_order=True)
    )
    if log:
        frame = frame.with_columns(
            log_baseline=pl.col("baseline").log(),
            log_fold=(pl.col("value") / pl.col("baseline")).log(),
        )
    else:
        frame = frame.with_columns(change=pl.col("value") - pl.col("baseline"))
    return Dataset(frame, tuple(no_baseline), tuple(no_follow_up), not_positive)
