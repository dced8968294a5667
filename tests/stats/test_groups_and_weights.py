"""What the mathematics guarantees about groups, weights and limiting structures.

Fits that are the same fit agree to the optimiser's last step: 1e-8 is far above it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.api as sm
from test_mmrm_twin import random_trial
from test_structures_twin import trial

from equipoise.stats import CovarianceStructure, MMRMFit, mmrm
from equipoise.stats.information_criteria import information_criteria
from equipoise.stats.participant_blocks import participant_blocks

SAME = 1e-8
WORDS = [member.word for member in CovarianceStructure if member.word != "sp_exp"]


def fit(data: Any, formula: str = "y ~ age + arm*week", **options: Any) -> MMRMFit:
    return mmrm(formula, data, subject="id", visit="week", **options)


def same(one: MMRMFit, other: MMRMFit) -> None:
    for name in ("estimate", "se", "df"):
        assert one.coefficients[name].to_numpy() == pytest.approx(
            other.coefficients[name].to_numpy(), rel=SAME
        )


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("method", ["reml", "ml"])
def test_a_design_crossed_with_the_group_is_each_group_alone(word: str, method: str) -> None:
    data = trial(4)
    together = fit(data, "y ~ site*week + site:age", covariance=word, group="site", method=method)
    means = together.lsmeans("week", by="site", at={"age": 40.0})
    total = 0.0
    covariance = together.covariance
    assert isinstance(covariance, dict)
    for level in ("north", "south"):
        alone = fit(data.filter(pl.col("site") == level), "y ~ week + age", covariance=word,
                    method=method)  # fmt: skip
        total += alone.minus2_log_likelihood
        assert covariance[level] == pytest.approx(alone.covariance, rel=1e-6)
        ours = means.filter(pl.col("site") == level)
        theirs = alone.lsmeans("week", at={"age": 40.0})
        for name in ("estimate", "se", "df"):
            assert ours[name].to_numpy() == pytest.approx(theirs[name].to_numpy(), rel=SAME)
        parameters = together.covariance_parameters.filter(pl.col("group") == level)
        assert parameters["upper"].to_numpy() == pytest.approx(
            alone.covariance_parameters["upper"].to_numpy(), rel=1e-6
        )
    assert together.minus2_log_likelihood == pytest.approx(total, abs=1e-8)


@pytest.mark.parametrize("word", WORDS)
def test_one_weight_for_all_changes_the_scale_only(word: str) -> None:
    data = trial(4)
    plain = fit(data, covariance=word)
    weighted = fit(data.with_columns(pl.lit(4).alias("w")), covariance=word, weights="w")
    same(plain, weighted)
    assert weighted.covariance == pytest.approx(4.0 * np.array(plain.covariance), rel=1e-7)
    assert weighted.minus2_log_likelihood == pytest.approx(plain.minus2_log_likelihood, abs=1e-8)


def test_weights_at_one_visit_are_weighted_least_squares() -> None:
    data = random_trial(3, loss=0.0).filter(pl.col("week") == "W1")
    data = data.with_columns((pl.int_range(pl.len()) % 3 + 1).alias("w"))
    ours = fit(data, "y ~ age + arm", weights="w")
    design = pd.DataFrame({"one": 1.0, "arm": data["arm"] == "drug", "age": data["age"]})
    model = sm.WLS(data["y"].to_numpy(), design.astype(float), weights=data["w"].to_numpy()).fit()
    frame = ours.coefficients.sort("term")  # Intercept, age, arm
    expected = model.params[["one", "age", "arm"]].to_numpy()
    assert frame.sort("term")["estimate"].to_numpy()[0] == pytest.approx(expected[0], rel=SAME)
    by_term = {row["term"]: row for row in frame.to_dicts()}
    for term, name in (("Intercept", "one"), ("age", "age"), ("arm[T.drug]", "arm")):
        assert by_term[term]["estimate"] == pytest.approx(model.params[name], rel=SAME)
        assert by_term[term]["se"] == pytest.approx(model.bse[name], rel=SAME)
        assert by_term[term]["df"] == pytest.approx(model.df_resid, rel=SAME)
    assert ours.covariance[0, 0] == pytest.approx(model.scale, rel=SAME)


def test_a_mean_of_k_measurements_with_weight_k_is_as_good_as_they_are() -> None:
    """Uncorrelated one-visit rows: weight 3 and the mean of three give the same coefficients."""
    rng = np.random.default_rng(8)
    single = rng.normal(size=(20, 3))
    x = rng.normal(size=20)
    mean = pl.DataFrame(
        {"id": np.arange(20), "week": "W0", "x": x, "y": single.mean(axis=1), "w": 3}
    )
    ours = fit(mean, "y ~ x", weights="w")
    exact = sm.OLS(single.ravel(), sm.add_constant(np.repeat(x, 3))).fit()
    assert ours.coefficients["estimate"].to_list() == pytest.approx(list(exact.params), rel=SAME)


def test_weights_of_a_visit_move_between_the_weights_and_its_variance() -> None:
    """Under a variance a visit, weights that depend on the visit change nothing but it."""
    data = trial(4).with_columns(
        pl.col("week").replace_strict({"W0": 1.0, "W1": 4.0, "W2": 0.25}).alias("w")
    )
    for word in ("us", "csh", "ar1h", "toeph", "adh"):
        plain, weighted = fit(data, covariance=word), fit(data, covariance=word, weights="w")
        same(plain, weighted)
        assert weighted.minus2_log_likelihood == pytest.approx(
            plain.minus2_log_likelihood, abs=1e-8
        )
        root = np.sqrt([1.0, 4.0, 0.25])
        assert weighted.covariance == pytest.approx(
            np.array(plain.covariance) * np.outer(root, root), rel=1e-7, abs=1e-8
        )


@pytest.mark.parametrize(
    ("general", "special"), [("us", "toeph"), ("us", "csh"), ("us", "ar1h"), ("us", "adh")]
)
def test_with_two_visits_heterogeneous_structures_are_unstructured(
    general: str, special: str
) -> None:
    """The same model in other parameters: all but the second-derivative term is the same."""
    data = random_trial(6).filter(pl.col("week") != "W2")
    for df in ("satterthwaite", "kenward-roger-firstorder"):
        same(fit(data, covariance=general, df=df), fit(data, covariance=special, df=df))


def test_equally_spaced_days_make_the_spatial_structure_autoregressive() -> None:
    data = trial(4).with_columns(
        pl.col("week").replace_strict({"W0": 0, "W1": 5, "W2": 10}).alias("day")
    )
    spatial = fit(data, covariance="sp_exp", coordinates="day", df="kenward-roger-firstorder")
    serial = fit(data, covariance="ar1", df="kenward-roger-firstorder")
    same(spatial, serial)
    assert spatial.minus2_log_likelihood == pytest.approx(serial.minus2_log_likelihood, abs=1e-8)
    moved = data.with_columns(1000 * pl.col("day") + 17)
    same(spatial, fit(moved, covariance="sp_exp", coordinates="day", df="kenward-roger-firstorder"))


def test_distances_are_all_that_coordinates_matter_for() -> None:
    """Participants who start on other days share a matrix; a rotation changes nothing."""
    data = trial(4)
    start = pl.col("id").rank("dense").cast(pl.Float64) * 8.0
    shifted = data.with_columns((start + pl.col("day")).alias("day"))
    plain = fit(data, covariance="sp_exp", coordinates="day")
    other = fit(shifted, covariance="sp_exp", coordinates="day")
    same(plain, other)
    assert not other.covariance_estimate.layout.by_visit
    assert len(other.covariance_estimate.matrices) < 10, "those with equal distances share one"
    angle = 0.7
    turned = data.with_columns(
        (np.cos(angle) * pl.col("day")).alias("x"), (np.sin(angle) * pl.col("day")).alias("y2")
    )
    same(plain, fit(turned, covariance="sp_exp", coordinates=["x", "y2"]))


@pytest.mark.parametrize("word", ["us", "ar1h", "sp_exp"])
def test_blocks_of_participants_hold_the_covariance_of_everyone(word: str) -> None:
    spatial = {"coordinates": "day_seen"} if word == "sp_exp" else {}
    ours = fit(trial(4), covariance=word, group="site", weights="w", **spatial)
    seen: list[int] = []
    for block in participant_blocks(ours):
        seen += block.participants.tolist()
        for rows, participant in zip(block.rows, block.participants, strict=True):
            assert ours.data.subject[rows].tolist() == [participant] * len(rows)
            if word != "sp_exp":
                level = ours.data.group_levels[ours.data.group[participant]]
                matrix = ours.covariance[level]
                visits = ours.data.visit[rows]
                assert block.covariance == pytest.approx(matrix[np.ix_(visits, visits)])
            else:
                day = ours.data.coordinates[rows, 0]
                range_, variance = ours.covariance_estimate.parameters[ours.data.group[participant]]
                expected = variance * np.exp(-np.abs(np.subtract.outer(day, day)) / range_)
                assert block.covariance == pytest.approx(expected)
    assert sorted(seen) == list(range(ours.n_subjects))


def test_the_summary_says_groups_weights_and_parameters() -> None:
    text = repr(fit(trial(4), covariance="ar1h", group="site", weights="w"))
    for piece in (
        "heterogeneous first-order autoregressive, 8 parameters",
        "groups       north, south, each its own covariance",
        "weights      0.5 to 3; covariances are those at weight 1",
        "as SAS", "as R", "ARH(1) north", "Var(3) south", "within participants, group south",
    ):  # fmt: skip
        assert piece in text, piece
    as_dict = fit(trial(4), covariance="ar1h", group="site", weights="w").to_dict()
    assert set(as_dict["covariance"]) == {"north", "south"}
    assert as_dict["information_criteria"]["SAS"]["n_parameters"] == 8
    assert as_dict["convergence"]["outcome"] == "converged"


def test_information_criteria_of_maximum_likelihood_count_differently() -> None:
    ours = fit(random_trial(4), covariance="cs", method="ml")
    criteria = ours.information_criteria
    assert criteria["R"].n_parameters == 2
    assert criteria["SAS"].n_parameters == 2 + len(ours.terms)
    assert criteria["SAS"].n_observations == ours.n_observations
    assert criteria["R"].aic == ours.aic
    assert criteria["R"].bic == pytest.approx(ours.bic, rel=1e-14)
    tiny = random_trial(4, n=4, visits=2, loss=0.0)
    few = fit(tiny, "y ~ week", covariance="csh", method="ml").information_criteria["SAS"]
    assert few.aicc == pytest.approx(few.aic + 2 * 5 * 6 / (8 - 5 - 1))


def test_aicc_of_too_few_observations_takes_d_plus_2() -> None:
    """SAS's rule; without it the criterion would be negative or infinite."""
    made = information_criteria("SAS", 8.651, n_parameters=3, n_observations=4, n_subjects=4)
    assert made.aicc == pytest.approx(8.651 + 2.0 * 3 * 5)
