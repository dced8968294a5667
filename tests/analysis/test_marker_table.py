"""The table of all markers: what stands in it, and that the order of the records does not."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import polars as pl
import pytest

from equipoise.analysis.dataset import make_dataset
from equipoise.analysis.groups import make_groups
from equipoise.analysis.prediction.marker_table import make_marker_table
from equipoise.protocol.prediction_plan import Composite


@pytest.fixture(scope="module")
def planned(il2):
    return il2.analysis.prediction.model_copy(
        update={
            "labs": ("crp",),
            "composites": {
                "regulation": Composite(
                    label="Regulation", members={"treg_percent": 1.0, "crp": -1.0}
                )
            },
        }
    )


def table_of(protocol, records, plan):
    groups = make_groups(protocol, records)
    datasets = {k: make_dataset(protocol, records, groups, k)
                for k, p in protocol.endpoints.items() if p.scale.continuous}  # fmt: skip
    return make_marker_table(protocol, records, groups, datasets, plan)


def test_values_are_those_of_the_records(il2, il2_records, planned):
    table = table_of(il2, il2_records, planned)
    assert table.early.shape == (36, 10)
    assert [m.kind for m in table.markers[-2:]] == [
        "lab",
        "composite",
    ]
    labs = il2_records.labs.filter(analyte="crp")
    first = dict(labs.filter(visit="baseline").select("participant", "value").iter_rows())
    later = dict(labs.filter(visit="day5").select("participant", "value").iter_rows())
    plain = sorted(math.log(later[p] / first[p]) for p in first if p in later)
    crp = table.early[:, table.place("crp")]
    np.testing.assert_allclose(sorted(crp[np.isfinite(crp)]), plain, rtol=1e-12)


def test_a_composite_is_the_weighted_sum_per_spread_within_arms(il2, il2_records, planned):
    table = table_of(il2, il2_records, planned)
    expected = np.zeros(36)
    for key, weight in (("treg_percent", 1.0), ("crp", -1.0)):
        x = table.early[:, table.place(key)]
        frame = pl.DataFrame({"arm": table.arm, "x": x}).filter(pl.col("x").is_finite())
        residual = frame.select(pl.col("x") - pl.col("x").mean().over("arm"))["x"].to_numpy()
        sd = math.sqrt((residual**2).sum() / (frame.height - frame["arm"].n_unique()))
        expected = expected + weight * x / sd
    np.testing.assert_allclose(table.early[:, -1], expected, rtol=1e-10)


def test_the_order_of_the_records_does_not_matter(il2, il2_records, planned):
    turned = il2_records.participants.reverse()
    table = table_of(il2, il2_records, planned)
    other = table_of(il2, dataclasses.replace(il2_records, participants=turned), planned)
    np.testing.assert_array_equal(table.early, other.early)
    np.testing.assert_array_equal(table.outcome, other.outcome)
