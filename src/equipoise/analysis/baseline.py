"""Baseline characteristics by group, with standardised differences and no p-values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from equipoise.analysis.dataset import values_of
from equipoise.analysis.exposures import baseline_exposures
from equipoise.analysis.results import Baseline, BaselineRow, BaselineValue
from equipoise.analysis.small_cells import smallest_shown, too_small
from equipoise.instruments import TOTAL
from equipoise.protocol.endpoint_sources import source_of
from equipoise.stats import standardised_difference_mean, standardised_difference_proportions

if TYPE_CHECKING:
    from equipoise.analysis.groups import Groups
    from equipoise.protocol import Protocol
    from equipoise.protocol.questions import Endpoint
    from equipoise.records import Records


def make_baseline(protocol: Protocol, records: Records, groups: Groups) -> Baseline:
    """Covariates and exposures, what endpoints are measured by, other scales and images, by group.

    The standardised difference compares the control with the active arm; with several active
    arms the largest in absolute value is shown.
    """
    people = groups.members.join(
        records.participants, on="participant", how="left", maintain_order="left"
    )
    rows: list[BaselineRow] = []
    smallest = smallest_shown(protocol, records)
    for name, covariate in protocol.population.covariates.items():
        if covariate.type == "numeric":
            rows.append(
                _numeric(name, covariate.label, covariate.unit, people, groups, name, smallest)
            )
        else:
            labels = {level: covariate.level_labels.get(level, level) for level in covariate.levels}
            rows += _categorical(name, covariate.label, labels, people, groups, smallest)
    rows += _exposures(protocol, records, people, groups, smallest)
    shown: set[tuple[str, ...]] = set()
    for key, endpoint in protocol.endpoints.items():
        measured = _measured(endpoint)
        # Response and change of one scale have one baseline.
        if measured in shown or (groups.closed and protocol.reveals_arm(key)):
            continue
        shown.add(measured)
        values = values_of(protocol, records, key)
        first = values.filter(pl.col("visit") == protocol.baseline.id)
        if first.is_empty():
            continue
        frame = people.select("participant", "_group").join(
            first.select("participant", "value"), on="participant", how="left"
        )
        # The label of cells names the unit.
        unit = None if endpoint.cells else protocol.unit_of(key)
        label = endpoint.label
        if endpoint.instrument:
            label = _part_label(protocol, endpoint.instrument, endpoint.part)
        rows.append(_numeric(key, label, unit, frame, groups, "value", smallest))
    rows += _ratings(protocol, records, people, groups, smallest, shown)
    rows += _images(protocol, records, people, groups, smallest)
    return Baseline(rows=tuple(rows))


def _measured(endpoint: Endpoint) -> tuple[str, ...]:
    """What an endpoint is measured by: its source, and the part, unit or region of it."""
    source = source_of(endpoint)
    part = endpoint.part if endpoint.part != TOTAL else None
    part = part or endpoint.cell_unit or endpoint.region or ""
    return source.field, str(getattr(endpoint, source.field)), str(part)


def _part_label(protocol: Protocol, instrument: str, part: str | None) -> str:
    scale = protocol.scale(instrument)
    return f"{scale.label} {scale.label_of(part)}"


def _ratings(
    protocol: Protocol,
    records: Records,
    people: pl.DataFrame,
    groups: Groups,
    smallest: int,
    shown: set[tuple[str, ...]],
) -> list[BaselineRow]:
    """Totals and subscales at baseline of what is no endpoint."""
    if records.scores is None:
        return []
    rows: list[BaselineRow] = []
    first = records.scores.filter(visit=protocol.baseline.id)
    for key in protocol.instruments:
        for part in protocol.parts(key):
            whole = part == TOTAL
            mine = first.filter(instrument=key, item=part).select("participant", "score")
            known = ("instrument", key, "" if whole else part) in shown
            if part.isdecimal() or known or mine["score"].drop_nulls().is_empty():
                continue
            frame = people.select("participant", "_group").join(mine, on="participant", how="left")
            name, label = key if whole else f"{key}:{part}", _part_label(protocol, key, part)
            rows.append(_numeric(name, label, "points", frame, groups, "score", smallest))
    return rows


def _exposures(
    protocol: Protocol, records: Records, people: pl.DataFrame, groups: Groups, smallest: int
) -> list[BaselineRow]:
    """Exposures at baseline; one that is an endpoint stands among the endpoints."""
    if records.exposures is None:
        return []
    rows: list[BaselineRow] = []
    endpoints = {point.exposure for point in protocol.endpoints.values()}
    known = baseline_exposures(protocol, records)
    frame = people.select("participant", "_group").join(known, on="participant", how="left")
    for key, exposure in protocol.exposures.items():
        hidden = groups.closed and exposure.unblinding
        if hidden or key in endpoints or frame[key].null_count() == frame.height:
            continue
        if exposure.type == "numeric":
            rows.append(_numeric(key, exposure.label, exposure.unit, frame, groups, key, smallest))
        else:
            labels = {level: exposure.level_labels.get(level, level) for level in exposure.levels}
            rows += _categorical(key, exposure.label, labels, frame, groups, smallest)
    return rows


def _images(
    protocol: Protocol, records: Records, people: pl.DataFrame, groups: Groups, smallest: int
) -> list[BaselineRow]:
    """Regional values at baseline of what is no endpoint."""
    if records.imaging is None:
        return []
    rows: list[BaselineRow] = []
    endpoints = {(point.imaging, point.region) for point in protocol.endpoints.values()}
    first = records.imaging.filter(visit=protocol.baseline.id)
    for key, image in protocol.imaging.items():
        if groups.closed and image.unblinding:
            continue
        for region in image.regions:
            mine = first.filter(measure=key, region=region).select("participant", "value")
            if (key, region) in endpoints or mine["value"].drop_nulls().is_empty():
                continue
            frame = people.select("participant", "_group").join(mine, on="participant", how="left")
            label, name = f"{image.label}, {region}", f"{key}:{region}"
            rows.append(_numeric(name, label, image.unit, frame, groups, "value", smallest))
    return rows


def _numeric(
    key: str,
    label: str,
    unit: str | None,
    people: pl.DataFrame,
    groups: Groups,
    column: str,
    smallest: int,
) -> BaselineRow:
    values: list[BaselineValue] = []
    for group in groups.groups:
        mine = people.filter(pl.col("_group") == group.key)[column]
        known = mine.drop_nulls()
        n = known.len()
        if n < max(smallest, 1):
            few = n > 0
            values.append(
                BaselineValue(group=group.key, n=n, missing=mine.len() - n, suppressed=few)
            )
            continue
        # Quartiles of few are values of single people.
        quartiles = [_number(known.quantile(q, "linear")) for q in (0.25, 0.5, 0.75)]
        if n < 4 * smallest and smallest > 1:
            quartiles = [None, None, None]
        values.append(
            BaselineValue(
                group=group.key,
                n=n,
                missing=mine.len() - n,
                mean=_number(known.mean()),
                sd=_number(known.std()) if n > 1 else None,
                lower_quartile=quartiles[0],
                median=quartiles[1],
                upper_quartile=quartiles[2],
            )
        )
    return BaselineRow(
        variable=key,
        label=label,
        level=None,
        unit=unit,
        values=tuple(values),
        standardised_difference=_difference_of_means(values),
    )


def _number(value: object) -> float | None:
    return None if value is None else float(value)  # type: ignore[arg-type]


def _difference_of_means(values: list[BaselineValue]) -> float | None:
    reference, *others = values
    found = [
        standardised_difference_mean(other.mean, other.sd, reference.mean, reference.sd)
        for other in others
        if other.mean is not None
        and reference.mean is not None
        and other.sd is not None
        and reference.sd is not None
        and other.sd + reference.sd > 0
    ]
    return max(found, key=abs) if found else None


def _categorical(
    key: str,
    label: str,
    levels: dict[str, str],
    people: pl.DataFrame,
    groups: Groups,
    smallest: int,
) -> list[BaselineRow]:
    counts: dict[str, list[int]] = {}
    missing: dict[str, int] = {}
    for group in groups.groups:
        mine = people.filter(pl.col("_group") == group.key)[key]
        counts[group.key] = [int((mine == level).sum()) for level in levels]
        missing[group.key] = mine.null_count()
    proportions = {
        group: [n / sum(numbers) for n in numbers]
        for group, numbers in counts.items()
        if sum(numbers)
    }
    # Hidden in one group is hidden in all: a blinded report of the same data shows the sum.
    hide = any(too_small(numbers, smallest) for numbers in counts.values())
    reference, *others = groups.keys
    found = [
        standardised_difference_proportions(proportions[other], proportions[reference])
        for other in others
        if other in proportions and reference in proportions
    ]
    difference = max(found, key=abs) if found else None
    if hide:
        difference = None  # it would give a hidden count back
    rows = []
    for index, level_label in enumerate(levels.values()):
        values = []
        for group in groups.keys:
            total = sum(counts[group])
            n = counts[group][index]
            values.append(
                BaselineValue(
                    group=group,
                    n=total,
                    missing=missing[group],
                    count=None if hide else n,
                    percent=None if hide or not total else 100 * n / total,
                    suppressed=hide,
                )
            )
        rows.append(
            BaselineRow(
                variable=key,
                label=label,
                level=level_label,
                unit=None,
                values=tuple(values),
                standardised_difference=difference if index == 0 else None,
            )
        )
    return rows
