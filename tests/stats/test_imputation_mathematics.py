"""What the mathematics guarantees of the imputation: closed forms, limits, twins, invariances.

Closed forms hold at the optimum of the likelihood; the optimiser stops within 1e-9 of it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pytest
import statsmodels.formula.api as smf
from imputation_twin import ancova_difference, completed, random_trial
from stats_reference import read_data

from equipoise.stats import imputation, mmrm, reference_based_imputation
from equipoise.stats.imputation.pooling import rubin
from equipoise.stats.imputation.strategies import Strategy, marginal_covariance, marginal_means

MODEL = "y ~ base*visit + arm*visit"
KEYS = {"subject": "id", "visit": "visit", "arm": "arm"}
JACKKNIFE = "conditional-mean-jackknife"
STRATEGIES = [strategy.word for strategy in Strategy]


def last_visit(formula: str = "y ~ base + arm", visit: str = "V3") -> imputation.Ancova:
    return imputation.ancova(formula, visit=visit, reference="placebo")


def conditional_mean(
    data: pl.DataFrame, strategy: str, **options: object
) -> imputation.Imputations:
    draws = imputation.draw(MODEL, data, strategy=strategy, method=JACKKNIFE, **KEYS, **options)
    return imputation.impute(draws, reference="placebo")


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_conditional_means_are_the_twins(strategy: str) -> None:
    data = random_trial(1)
    found = conditional_mean(data, strategy).completed(0)
    np.testing.assert_allclose(found, completed(data, strategy), rtol=1e-8)


@pytest.mark.parametrize("strategy", ["mar", "jump-to-reference"])
def test_the_jackknife_is_its_definition(strategy: str) -> None:
    """Leave one participant out of everything: fit, imputation and analysis."""
    data = random_trial(2, n=24)
    pooled = imputation.pool(imputation.analyse(conditional_mean(data, strategy), last_visit()))
    row = pooled.row("drug - placebo")

    def whole(frame: pl.DataFrame) -> float:
        first = frame.filter(pl.col("visit") == "V1").sort("id")
        drug = (first["arm"] == "drug").to_numpy().astype(float)
        return ancova_difference(completed(frame, strategy)[:, 2], first["base"].to_numpy(), drug)

    left_out = np.array(
        [whole(data.filter(pl.col("id") != person)) for person in data["id"].unique().sort()]
    )
    n = len(left_out)
    variance = (n - 1) / n * np.sum((left_out - left_out.mean()) ** 2)
    assert row["estimate"] == pytest.approx(whole(data), rel=1e-8)
    assert row["se"] == pytest.approx(np.sqrt(variance), rel=1e-8)


def test_under_mar_conditional_means_give_the_estimate_of_the_mixed_model() -> None:
    """The score equation of the fixed effects given the completed data: docs/methods."""
    data = random_trial(3, n=60, loss=0.25)
    means = conditional_mean(data, "mar")
    fit = mmrm(MODEL, data, subject="id", visit="visit")
    contrasts = fit.contrasts("arm", reference="placebo", by="visit")
    for visit, expected in zip(contrasts["visit"], contrasts["estimate"], strict=True):
        pooled = imputation.pool(imputation.analyse(means, last_visit(visit=str(visit))))
        assert pooled.row("drug - placebo")["estimate"] == pytest.approx(expected, rel=1e-8)


def test_under_mar_many_imputations_agree_with_the_mixed_model() -> None:
    data = random_trial(4, n=80, loss=0.2)
    pooled = reference_based_imputation(
        MODEL, data, last_visit(), method="bayes", imputations=1000, seed=3, thin=2, **KEYS
    )
    row = pooled.row("drug - placebo")
    expected = mmrm(MODEL, data, subject="id", visit="visit").contrasts(
        "arm", reference="placebo", by="visit"
    ).row(2, named=True)  # fmt: skip
    assert row["estimate"] == pytest.approx(expected["estimate"], abs=4 * row["monte_carlo_error"])
    assert row["se"] == pytest.approx(expected["se"], rel=0.05)  # both approximate, n = 80
    assert row["monte_carlo_error"] < 0.02 * row["se"]


def one_visit(seed: int = 5, n: int = 30) -> pl.DataFrame:
    data = random_trial(seed, n=n, visits=1)
    gone = np.random.default_rng(seed).random(n) < 0.3
    return data.with_columns(pl.when(pl.Series(gone)).then(None).otherwise("y").alias("y"))


def test_one_visit_jump_to_reference_shrinks_by_the_share_observed() -> None:
    data = one_visit()
    pooled = reference_based_imputation(
        "y ~ arm", data, imputation.ancova("y ~ arm", visit="V1", reference="placebo"),
        reference="placebo", strategy="JR", method=JACKKNIFE, **KEYS,
    )  # fmt: skip
    seen = data.drop_nulls("y")
    means = {arm: frame["y"].mean() for (arm,), frame in seen.group_by("arm")}
    drug = data.filter(pl.col("arm") == "drug")["y"]
    share = drug.is_not_null().mean()
    assert 0.4 < share < 1.0
    expected = share * (means["drug"] - means["placebo"])
    assert pooled.row("drug - placebo")["estimate"] == pytest.approx(expected, rel=1e-9)


def test_two_visits_jump_to_reference_in_closed_form() -> None:
    """docs/methods: monotone, the first visit complete, no covariate."""
    data = random_trial(6, n=40, visits=2, loss=0.35)
    pooled = reference_based_imputation(
        "y ~ arm*visit", data,
        imputation.ancova("y ~ arm", visit="V2", reference="placebo"),
        reference="placebo", strategy="JR", method=JACKKNIFE, **KEYS,
    )  # fmt: skip
    wide = data.pivot("visit", index=["id", "arm"], values="y")
    y1, y2 = wide["V1"].to_numpy(), wide["V2"].to_numpy()
    drug, stayed = (wide["arm"] == "drug").to_numpy(), ~np.isnan(y2)
    top = bottom = 0.0
    for arm in (drug, ~drug):
        x, y = y1[arm & stayed], y2[arm & stayed]
        top += np.sum((x - x.mean()) * (y - y.mean()))
        bottom += np.sum((x - x.mean()) ** 2)
    slope = top / bottom
    mean2 = {
        name: y2[arm & stayed].mean() + slope * (y1[arm].mean() - y1[arm & stayed].mean())
        for name, arm in (("drug", drug), ("placebo", ~drug))
    }
    share = stayed[drug].mean()
    assert 0.3 < share < 0.9
    gone = y1[drug & ~stayed].mean()
    drug2 = share * y2[drug & stayed].mean() + (1 - share) * (
        mean2["placebo"] + slope * (gone - y1[drug].mean())
    )
    expected = drug2 - mean2["placebo"]
    assert pooled.row("drug - placebo")["estimate"] == pytest.approx(expected, rel=1e-8)


def test_where_nothing_is_imputed_the_result_is_the_ancova() -> None:
    data = random_trial(7)
    draws = imputation.draw(MODEL, data, strategy="CR", imputations=5, seed=1, **KEYS)
    pooled = imputation.pool(
        imputation.analyse(imputation.impute(draws, reference="placebo"), last_visit(visit="V1"))
    )
    row = pooled.row("drug - placebo")
    frame = pd.DataFrame(data.filter(pl.col("visit") == "V1").to_dict(as_series=False))
    frame["drug"] = (frame["arm"] == "drug").astype(float)
    expected = smf.ols("y ~ base + drug", frame).fit()
    assert row["estimate"] == pytest.approx(expected.params["drug"], rel=1e-10)
    assert row["se"] == pytest.approx(expected.bse["drug"], rel=1e-10)
    assert row["df"] == expected.df_resid
    assert row["p"] == pytest.approx(expected.pvalues["drug"], rel=1e-9)
    assert row["missing_information"] == 0.0
    means = expected.predict(pd.DataFrame({"base": [frame["base"].mean()] * 2, "drug": [1.0, 0.0]}))
    assert [pooled.row(arm)["estimate"] for arm in ("drug", "placebo")] == pytest.approx(
        list(means), rel=1e-10
    )


def test_a_delta_moves_the_estimate_by_its_share() -> None:
    data = random_trial(8)
    means = conditional_mean(data, "mar")
    analysis = last_visit("y ~ arm")
    plain = imputation.pool(imputation.analyse(means, analysis)).row("drug - placebo")
    last = data.filter(pl.col("visit") == "V3")
    for arm, sign in (("drug", 1.0), ("placebo", -1.0)):
        share = last.filter(pl.col("arm") == arm)["y"].is_null().mean()
        assert share > 0.0
        deltas = imputation.delta_adjustment(means, 2.5, arms=[arm])
        moved = imputation.pool(imputation.analyse(means, analysis, deltas)).row("drug - placebo")
        assert moved["estimate"] - plain["estimate"] == pytest.approx(sign * 2.5 * share, rel=1e-9)


def test_lagged_deltas_are_the_five_macros() -> None:
    """The worked tables in the help of rbmi's delta_template, four visits."""
    data = random_trial(21, n=80, visits=4, loss=0.2)
    means = conditional_mean(data, "mar")
    first = means.events.first[means.participant]

    def of(delta: list[float], lag: list[float], event: int) -> list[float]:
        shift = imputation.delta_adjustment(means, delta, lag=lag).shift
        return [float(shift[(first == event) & (means.visit == v)][0]) for v in range(event, 4)]

    assert of([5, 6, 7, 8], [1, 2, 3, 4], 1) == [6, 20, 44]
    assert of([5, 6, 7, 8], [1, 2, 3, 4], 2) == [7, 23]
    assert of([5, 5, 5, 5], [1, 0, 0, 0], 1) == [5, 5, 5]
    assert of([0, 4, 1, 3], [3, 3, 3, 3], 2) == [3, 12]
    between = first > means.visit
    assert between.any()
    assert not np.any(imputation.delta_adjustment(means, [1] * 4, lag=[1] * 4).shift[between])
    constant = imputation.delta_adjustment(means, 1.0, before_event=False).shift
    assert np.array_equal(constant == 0.0, between)


def test_the_tipping_point_lies_where_p_crosses_alpha() -> None:
    data = random_trial(10, n=80)
    draws = imputation.draw(MODEL, data, imputations=40, seed=2, **KEYS)
    imputed = imputation.impute(draws)
    grid = [0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0]
    tip = imputation.tipping_point(
        imputed, last_visit(), parameter="drug - placebo", deltas={"drug": grid}
    )
    assert tip.significant
    assert tip.frame["delta drug"].to_list() == grid
    (found,) = tip.tips
    changed = tip.frame.filter("changed")
    assert found["drug"] == changed["delta drug"].min()
    assert tip.crossing is not None
    assert found["drug"] - 4.0 < tip.crossing <= found["drug"]
    at = imputation.delta_adjustment(imputed, tip.crossing, arms=["drug"])
    row = imputation.pool(imputation.analyse(imputed, last_visit(), at)).row("drug - placebo")
    assert row["p"] == pytest.approx(0.05, abs=1e-6)
    both = imputation.tipping_point(
        imputed, last_visit(), parameter="drug - placebo",
        deltas={"drug": [0.0, found["drug"]], "placebo": [0.0, -2.0]},
    )  # fmt: skip
    assert len(both.frame) == 4
    assert {"drug": found["drug"], "placebo": 0.0} in both.tips
    none = imputation.tipping_point(
        imputed, last_visit(), parameter="drug - placebo", deltas={"drug": [0.0, 0.5]}
    )
    assert none.tips == ()
    assert none.crossing is None


def test_rubins_rules_on_numbers_worked_by_hand() -> None:
    """Three imputations: estimates 1, 2, 3, all variances 4, 20 complete-data df."""
    frame = rubin(
        np.array([[1.0], [2.0], [3.0]]), np.full((3, 1), 2.0), np.full((3, 1), 20.0),
        np.array([True]), 0.05,
    )  # fmt: skip
    row = frame.row(0, named=True)
    total = 4.0 + 4.0 / 3.0
    share = (4.0 / 3.0) / total
    old = 2.0 / share**2
    observed = 21.0 / 23.0 * 20.0 * (1.0 - share)
    df = old * observed / (old + observed)
    assert (row["estimate"], row["within"], row["between"]) == (2.0, 4.0, 1.0)
    assert row["se"] == pytest.approx(np.sqrt(total))
    assert row["df"] == pytest.approx(df)
    assert row["relative_increase"] == pytest.approx(1.0 / 3.0)
    assert row["missing_information"] == pytest.approx((1 / 3 + 2 / (df + 3)) / (4 / 3))
    assert row["monte_carlo_error"] == pytest.approx(np.sqrt(1.0 / 3.0))
    endless = rubin(
        np.array([[1.0], [2.0], [3.0]]), np.full((3, 1), 2.0), np.full((3, 1), np.inf),
        np.array([True]), 0.05,
    )  # fmt: skip
    assert endless["df"][0] == pytest.approx(old)


def test_row_order_and_explicit_empty_rows_do_not_matter() -> None:
    data = random_trial(11)
    full = conditional_mean(data, "CIR").values
    shuffled = data.sample(fraction=1.0, shuffle=True, seed=1)
    np.testing.assert_allclose(conditional_mean(shuffled, "CIR").values, full, rtol=1e-10)
    sparse = data.drop_nulls("y")
    assert len(sparse) < len(data)
    np.testing.assert_allclose(conditional_mean(sparse, "CIR").values, full, rtol=1e-10)
    pandas = conditional_mean(pd.DataFrame(data.to_dict(as_series=False)), "CIR").values  # type: ignore[arg-type]
    np.testing.assert_array_equal(pandas, full)


def test_units_scale_and_shift() -> None:
    data = random_trial(12)
    other = data.with_columns((1000.0 + 10.0 * pl.col("y")).alias("y"))
    one = conditional_mean(data, "JR")
    ten = conditional_mean(other, "JR")
    np.testing.assert_allclose(ten.values, 1000.0 + 10.0 * one.values, rtol=1e-9)
    draws = [
        imputation.draw(MODEL, frame, imputations=3, seed=4, **KEYS) for frame in (data, other)
    ]
    np.testing.assert_allclose(
        imputation.impute(draws[1]).values, 1000.0 + 10.0 * imputation.impute(draws[0]).values,
        rtol=1e-8,
    )  # fmt: skip


def test_the_same_seed_is_the_same_and_more_imputations_keep_the_first() -> None:
    data = random_trial(13)

    def values(imputations: int, seed: int, method: str) -> np.ndarray:
        draws = imputation.draw(
            MODEL, data, imputations=imputations, seed=seed, method=method, **KEYS
        )
        return imputation.impute(draws).values

    for method in ("bayes", "approximate-bayes"):
        first = values(4, 7, method)
        np.testing.assert_array_equal(values(4, 7, method), first)
        np.testing.assert_array_equal(values(9, 7, method)[:4], first)
        assert not np.any(values(4, 8, method) == first)


def test_the_reference_arm_is_imputed_as_missing_at_random() -> None:
    data = random_trial(14)
    own = conditional_mean(data, "mar")
    arm = own.draws.data.arm[own.participant]
    placebo = arm == own.draws.data.arm_levels.index("placebo")
    for strategy in ("JR", "CR", "CIR"):
        other = conditional_mean(data, strategy)
        np.testing.assert_allclose(other.values[:, placebo], own.values[:, placebo], rtol=1e-10)
        assert not np.allclose(other.values[0, ~placebo], own.values[0, ~placebo])


def test_another_strategy_without_drawing_again_is_the_same() -> None:
    data = random_trial(15)
    draws = imputation.draw(MODEL, data, strategy="JR", imputations=3, seed=1, **KEYS)
    again = imputation.impute(draws, reference="placebo", strategy="CIR").values
    whole = imputation.draw(MODEL, data, strategy="CIR", imputations=3, seed=1, **KEYS)
    np.testing.assert_array_equal(imputation.impute(whole, reference="placebo").values, again)


def test_values_after_an_event_inform_the_model_under_mar_only() -> None:
    data = random_trial(16, loss=0.0)
    data = data.with_columns(
        pl.when((pl.col("id") == "P03") & (pl.col("visit") == "V3")).then(None)
        .otherwise("y").alias("y")
    )  # fmt: skip
    events = pl.DataFrame({"id": ["P03"], "visit": ["V2"], "strategy": ["JR"]})
    kept = data.filter((pl.col("id") != "P03") | (pl.col("visit") != "V2"))
    draws = imputation.draw(MODEL, data, events=events, method=JACKKNIFE, **KEYS)
    without = imputation.draw(MODEL, kept, method=JACKKNIFE, **KEYS)
    np.testing.assert_allclose(draws.beta[0], without.beta[0], rtol=1e-9)
    imputed = imputation.impute(draws, reference="placebo")
    row = data.filter((pl.col("id") == "P03") & (pl.col("visit") == "V2"))["y"][0]
    assert imputed.completed(0)[3, 1] == row  # observed: it stays
    mar = imputation.draw(
        MODEL, data, events=events.with_columns(strategy=pl.lit("MAR")), method=JACKKNIFE, **KEYS
    )
    assert not np.allclose(mar.beta[0], draws.beta[0])


def test_the_five_strategies_by_their_formulas() -> None:
    own, reference = np.array([1.0, 2.0, 3.0]), np.array([10.0, 20.0, 40.0])
    means = {
        strategy.short: marginal_means(strategy, own, reference, 1).tolist()
        for strategy in Strategy
    }
    assert means == {
        "MAR": [1.0, 2.0, 3.0],
        "JR": [1.0, 20.0, 40.0],
        "CR": [10.0, 20.0, 40.0],
        "CIR": [1.0, 11.0, 31.0],
        "LMCF": [1.0, 1.0, 1.0],
    }
    for strategy in (Strategy.JUMP_TO_REFERENCE, Strategy.COPY_INCREMENTS):
        assert marginal_means(strategy, own, reference, 0).tolist() == reference.tolist()
        assert marginal_means(strategy, own, reference, 3).tolist() == own.tolist()


@pytest.mark.parametrize("strategy", [Strategy.JUMP_TO_REFERENCE, Strategy.COPY_INCREMENTS])
@pytest.mark.parametrize("event", [1, 2, 3])
def test_the_covariance_after_an_event_regresses_as_the_reference_arm(
    strategy: Strategy, event: int
) -> None:
    rng = np.random.default_rng(17)
    own, reference = (a @ a.T + np.eye(4) for a in rng.normal(size=(2, 4, 4)))
    found = marginal_covariance(strategy, own, reference, event)
    before, after = slice(0, event), slice(event, 4)
    np.testing.assert_allclose(found[before, before], own[before, before])
    slopes = found[after, before] @ np.linalg.inv(found[before, before])
    theirs = reference[after, before] @ np.linalg.inv(reference[before, before])
    np.testing.assert_allclose(slopes, theirs, rtol=1e-10)
    rest = found[after, after] - slopes @ found[before, after]
    np.testing.assert_allclose(
        rest, reference[after, after] - theirs @ reference[before, after], rtol=1e-10
    )
    assert np.linalg.eigvalsh(found)[0] > 0.0
    same = marginal_covariance(strategy, own, own.copy(), event)
    np.testing.assert_allclose(same, own, rtol=1e-10)
    assert marginal_covariance(Strategy.MAR, own, reference, event) is own
    assert marginal_covariance(Strategy.COPY_REFERENCE, own, reference, event) is reference


def test_covariances_by_arm_are_those_of_two_fits_when_all_is_crossed_with_the_arm() -> None:
    data = random_trial(18, n=60)
    formula = "y ~ base*visit*arm"
    draws = imputation.draw(
        formula, data, strategy="JR", method=JACKKNIFE, same_covariance=False, **KEYS
    )
    for code, arm in enumerate(draws.data.arm_levels):
        alone = mmrm(
            "y ~ base*visit", data.filter(pl.col("arm") == arm), subject="id", visit="visit"
        )
        np.testing.assert_allclose(draws.covariances[0, code], alone.covariance, rtol=1e-6)


@pytest.mark.parametrize("structure", ["us", "toeph", "ar1h", "cs"])
def test_the_model_is_the_mixed_model_under_every_structure(structure: str) -> None:
    """The fit to all, and one without a participant, equal `mmrm` on the same rows."""
    data = random_trial(23, n=60)
    draws = imputation.draw(
        MODEL, data, strategy="JR", method=JACKKNIFE, covariance=structure, **KEYS
    )
    for at, rows in ((0, data), (8, data.filter(pl.col("id") != "P07"))):
        fit = mmrm(MODEL, rows, subject="id", visit="visit", covariance=structure)
        np.testing.assert_allclose(draws.covariances[at], [fit.covariance], rtol=1e-6)
        np.testing.assert_allclose(draws.beta[at], fit.effects.estimate, rtol=1e-6)


def test_a_function_of_ones_own_is_analysed() -> None:
    data = random_trial(19)
    draws = imputation.draw(MODEL, data, imputations=4, seed=5, **KEYS)
    imputed = imputation.impute(draws)

    def mixed(frame: pl.DataFrame) -> dict[str, tuple[float, float, float]]:
        fit = mmrm(MODEL, frame, subject="id", visit="visit")
        row = fit.contrasts("arm", reference="placebo", by="visit").row(2, named=True)
        return {"drug - placebo": (row["estimate"], row["se"], row["df"])}

    own = imputation.pool(imputation.analyse(imputed, mixed)).row("drug - placebo")
    ours = imputation.pool(imputation.analyse(imputed, last_visit())).row("drug - placebo")
    for name in ("estimate", "se", "df", "p"):  # complete data: an MMRM is an ANCOVA a visit
        assert own[name] == pytest.approx(ours[name], rel=1e-6)


def test_the_bootstrap_pools_by_standard_deviation_or_percentiles() -> None:
    data = random_trial(20)
    draws = imputation.draw(
        MODEL, data, strategy="JR", method="conditional-mean-bootstrap", imputations=120, seed=6,
        **KEYS,
    )  # fmt: skip
    imputed = imputation.impute(draws, reference="placebo")
    analyses = imputation.analyse(imputed, last_visit())
    normal = imputation.pool(analyses).row("drug - placebo")
    samples = analyses.estimate[1:, 0]
    assert normal["se"] == pytest.approx(samples.std(ddof=1), rel=1e-12)
    percentile = imputation.pool(analyses, interval="percentile").row("drug - placebo")
    ordered = np.sort(samples)
    # R's type 6: position (n + 1) p in the ordered sample
    assert percentile["lower"] == pytest.approx(ordered[2] + 0.025 * (ordered[3] - ordered[2]))
    assert percentile["p"] == pytest.approx(
        min(1.0, 2 * (min((samples <= 0).sum(), (samples >= 0).sum()) + 1) / 121)
    )
    frame = imputed.frame(1)
    assert len(frame) == len(data)
    assert frame["y"].null_count() == 0
    drawn = imputed.draws.samples[1]  # type: ignore[index]
    assert frame["id"].n_unique() == len(data["id"].unique())
    assert len(np.unique(drawn)) < len(drawn)
    assert len(imputed.frame(0)) == len(data)


def test_a_small_trial_with_five_visits() -> None:
    """36 participants, the last visits of every fourth taken away."""
    data = read_data("synth1.csv")
    late = pl.col("visit").is_in(["V4", "V5"])
    data = data.filter(~(late & (pl.col("subject").str.slice(1).cast(pl.Int64) % 4 == 0)))
    pooled = reference_based_imputation(
        "y ~ base*visit + arm*visit", data,
        imputation.ancova("y ~ base + arm", visit="V5", reference="CONTROL"),
        subject="subject", visit="visit", arm="arm", reference="CONTROL",
        strategy={"ACTIVE": "copy-increments"}, imputations=50, seed=1,
    )  # fmt: skip
    row = pooled.row("ACTIVE - CONTROL")
    assert row["lower"] < row["estimate"] < row["upper"]
    assert 0.0 < row["missing_information"] < 1.0
    assert "Rubin's rules" in repr(pooled)
