"""Exposures and images in the baseline table, as covariates and as endpoints."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.exposed import write_exposed

import equipoise as eq


@pytest.fixture(scope="module")
def protocol(tmp_path_factory):
    return eq.load_protocol(write_exposed(tmp_path_factory.mktemp("exposed")))


@pytest.fixture(scope="module")
def records(protocol):
    return eq.simulate(protocol, seed=1)


@pytest.fixture(scope="module")
def results(protocol, records):
    return eq.analyse(protocol, records)


def row(results, variable):
    return next(r for r in results.baseline.rows if r.variable == variable)


def test_categories_are_counted_by_hand(results, records):
    known = records.exposures.filter(exposure="cmv").join(records.allocation, on="participant")
    positive = next(r for r in results.baseline.rows if r.level == "Positive")
    for value in positive.values:
        mine = known.filter(arm=value.group)["value"]
        assert value.count == (mine == "positive").sum()
        assert value.percent == pytest.approx(100 * (mine == "positive").mean())
        assert value.n == mine.len()


def test_numbers_have_mean_and_sd(results, records):
    known = records.exposures.filter(exposure="ctq").join(records.allocation, on="participant")
    for value in row(results, "ctq").values:
        mine = known.filter(arm=value.group)["value"].cast(pl.Float64)
        assert value.mean == pytest.approx(mine.mean())
        assert value.sd == pytest.approx(mine.std())
    assert row(results, "ctq").unit == "points"


def test_images_stand_once_each(results):
    names = [r.variable for r in results.baseline.rows]
    assert names.count("tspo_hippocampus") == 1  # the endpoint's own baseline
    assert "tspo:hippocampus" not in names
    assert {"tspo:prefrontal cortex", "volume:hippocampus"} <= set(names)
    assert names.count("titre") == 1


def ancova(protocol, records, values):
    """Twin: least squares with baseline, sex, serology and arm; estimate, SE and df."""
    people = records.participants.join(
        records.allocation.select("participant", "arm"), on="participant"
    )
    cmv = records.exposures.filter(exposure="cmv").select("participant", cmv="value")
    first = values.filter(visit="baseline").select("participant", first="value")
    last = values.filter(visit="week6").select("participant", last="value")
    frame = (
        people.join(cmv, on="participant")
        .join(first, on="participant")
        .join(last, on="participant")
    )
    columns = [
        np.ones(frame.height), frame["first"], frame["sex"] == "M",
        frame["cmv"] == "positive", frame["arm"] == "drug",
    ]  # fmt: skip
    X = np.column_stack([np.asarray(c, dtype=float) for c in columns])
    y = (frame["last"] - frame["first"]).to_numpy()
    beta, *_ = np.linalg.lstsq(X, y, rcond=None)
    df = len(y) - X.shape[1]
    sigma2 = ((y - X @ beta) ** 2).sum() / df
    return beta[-1], np.sqrt(sigma2 * np.linalg.inv(X.T @ X)[-1, -1]), df


@pytest.mark.parametrize("key", ["tspo_hippocampus", "titre"])
def test_an_endpoint_with_a_serology_as_covariate_equals_its_twin(key, protocol, records, results):
    if key == "titre":
        values = records.exposures.filter(exposure="titre").with_columns(
            pl.col("value").cast(float)
        )
    else:
        values = records.imaging.filter(measure="tspo", region="hippocampus")
    estimate, se, df = ancova(protocol, records, values)
    (contrast,) = results.endpoints[key].contrasts
    # One visit: the mixed model is this least-squares fit; only rounding differs.
    assert contrast.estimate == pytest.approx(estimate, rel=1e-8)
    assert contrast.se == pytest.approx(se, rel=1e-6)
    assert contrast.df == pytest.approx(df, rel=1e-6)


def test_a_missing_serology_refuses_the_model_and_says_why(protocol, records):
    frames = records.frames()
    seen = records.exposures.filter(exposure="titre", visit="week6")["participant"][0]
    frames["exposures"] = frames["exposures"].filter(
        ~((pl.col("exposure") == "cmv") & (pl.col("participant") == seen))
    )
    results = eq.analyse(
        protocol, eq.records_from_tables(protocol, frames, manifest=records.manifest)
    )
    assert "cmv" in results.endpoints["titre"].failure
    assert results.endpoints["hdrs_change"].failure is None


def test_tables_that_were_not_collected(protocol, records):
    frames = {k: v for k, v in records.frames().items() if k not in ("exposures", "imaging")}
    results = eq.analyse(
        protocol, eq.records_from_tables(protocol, frames, manifest=records.manifest)
    )
    assert not {"cmv", "ctq", "tspo:prefrontal cortex"} & {
        r.variable for r in results.baseline.rows
    }
    assert results.endpoints["tspo_hippocampus"].failure


def test_few_positive_people_are_not_shown_in_observed_data(records, tmp_path):
    protocol = eq.load_protocol(write_exposed(tmp_path))
    protocol.lock(tmp_path)
    observed = eq.records_from_tables(protocol, records.frames(), source="a hospital")
    frames = observed.frames()
    ids = observed.allocation.filter(arm="drug")["participant"].head(2)
    level = pl.when(pl.col("participant").is_in(ids.implode())).then(pl.lit("positive"))
    frames["exposures"] = frames["exposures"].with_columns(
        value=pl.when(pl.col("exposure") == "cmv")
        .then(level.otherwise(pl.lit("negative")))
        .otherwise(pl.col("value"))
    )
    few = eq.records_from_tables(protocol, frames, source="a hospital")
    rows = [r for r in eq.analyse(protocol, few).baseline.rows if r.variable == "cmv"]
    assert all(v.suppressed and v.count is None for r in rows for v in r.values)
    assert all(r.standardised_difference is None for r in rows)


def test_a_blinded_report_pools_and_leaves_out_what_unblinds(protocol, records, tmp_path):
    results = eq.analyse(protocol, records.without_allocation())
    names = {r.variable for r in results.baseline.rows}
    assert {"cmv", "ctq"} <= names
    assert "volume:hippocampus" not in names
    page = eq.write_report(results, tmp_path).read_text(encoding="utf-8")
    assert "Grey matter" not in page
    assert "arm" not in results.endpoints["titre"].fit.formula


def test_an_exposure_that_unblinds_stays_out_of_everything_blinded(tmp_path):
    protocol = eq.load_protocol(
        write_exposed(
            tmp_path, ("maximum = 125\n", "maximum = 125\nunblinding = true\n"),
            ('regions = ["hippocampus", "prefrontal cortex"]', 'regions = ["hippocampus", "prefrontal cortex"]\nunblinding = true'),
        )
    )  # fmt: skip
    records = eq.simulate(protocol, seed=1)
    results = eq.analyse(protocol, records.without_allocation())
    names = {r.variable for r in results.baseline.rows}
    assert "cmv" in names
    assert not {"ctq", "tspo:prefrontal cortex", "tspo_hippocampus"} & names
    assert "tspo_hippocampus" not in results.endpoints
    page = eq.write_report(results, tmp_path / "out").read_text(encoding="utf-8")
    for word in ("Childhood adversity", "TSPO"):
        assert word not in page
    assert "ctq" in {r.variable for r in eq.analyse(protocol, records).baseline.rows}


def test_the_report_has_a_chapter_for_each(results, tmp_path):
    page = eq.write_report(results, tmp_path).read_text(encoding="utf-8")
    for chapter, endpoint in (("imaging", "tspo_hippocampus"), ("exposures", "titre")):
        assert page.index(f'id="endpoint-{endpoint}"') > page.index(f'<section id="{chapter}"')
    assert "PET, 11C-PK11195; binding potential (ratio); hippocampus, prefrontal cortex" in page
    assert "serology; Negative, Positive" in page
    assert (tmp_path / "tables" / "tspo_hippocampus_contrasts.csv").is_file()
