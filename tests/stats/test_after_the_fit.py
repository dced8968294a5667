"""Residuals, simulated responses, influence, and a fit as a value."""

from __future__ import annotations

import copy
import json
import pickle
import re
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
import statsmodels.api as sm
from test_mmrm_twin import random_trial
from test_sandwich import at_covariance, cases, fit_like

from equipoise.stats import ArgumentError, MMRMFit, mmrm
from equipoise.stats.influence import without_participant


def fit_trial(formula: str = "y ~ age + dose + arm*week", **options: Any) -> MMRMFit:
    options = {"subject": "id", "visit": "week", **options}
    return mmrm(formula, random_trial(options.pop("seed", 1)), **options)


# -- residuals ------------------------------------------------------------------------------


def test_residuals_by_their_definitions() -> None:
    fit = fit_trial()
    data = fit.data
    raw = fit.residuals()
    assert raw.columns == ["participant", "visit", "row", "response", "fitted", "residual"]
    assert raw["row"].to_list() == data.source_row.tolist()
    assert raw["fitted"].to_numpy() == pytest.approx(data.design @ fit.effects.estimate, rel=1e-12)
    residual = raw["residual"].to_numpy()
    assert residual == pytest.approx(data.response - raw["fitted"].to_numpy(), rel=1e-9)
    pearson = fit.residuals("pearson")["residual"].to_numpy()
    sd = np.sqrt(np.diagonal(fit.covariance))[data.visit]
    assert pearson == pytest.approx(residual / sd, rel=1e-12)
    student = fit.residuals("student")["residual"].to_numpy()
    phi = fit.effects.root @ fit.effects.root.T
    left = sd**2 - np.einsum("ip,pq,iq->i", data.design, phi, data.design)
    assert student == pytest.approx(residual / np.sqrt(left), rel=1e-9)
    scaled = fit.residuals("scaled")["residual"].to_numpy()
    for i in range(data.n_subjects):
        rows = np.flatnonzero(data.subject == i)
        rows = rows[np.argsort(data.visit[rows])]
        v = fit.covariance[np.ix_(data.visit[rows], data.visit[rows])]
        expected = np.linalg.solve(np.linalg.cholesky(v), residual[rows])
        assert scaled[rows] == pytest.approx(expected, rel=1e-10, abs=1e-12)


@pytest.mark.parametrize("key", ["orthodont_us", "synth1_us", "synth1_weighted_us"])
@pytest.mark.parametrize(("kind", "theirs"), [("scaled", "normalized"), ("pearson", "pearson")])
def test_residuals_equal_nlme(key: str, kind: str, theirs: str) -> None:
    """At R's covariance matrix; its rows stand by participant and visit."""
    case = cases()[key]
    fit = at_covariance(fit_like(key), np.array(case["covariance"]))
    order = np.lexsort((fit.data.visit, fit.data.subject))
    ours = fit.residuals(kind)["residual"].to_numpy()
    position = np.argsort(np.argsort(fit.data.source_row))
    assert ours[position[order]] == pytest.approx(case[theirs], rel=1e-8, abs=1e-10)


@pytest.mark.parametrize(("method", "lost"), [("reml", 8), ("ml", 0)])
def test_squared_scaled_residuals_sum_to_their_number(method: str, lost: int) -> None:
    """The likelihood equation for a common scale: n − p under REML, n under ML."""
    fit = fit_trial(method=method, df="satterthwaite")
    total = float((fit.residuals("scaled")["residual"] ** 2).sum())
    assert total == pytest.approx(fit.n_observations - lost, rel=1e-6)


def test_unknown_residuals_are_refused() -> None:
    with pytest.raises(
        ArgumentError, match=r"kind: unknown word.*Valid: raw, pearson, student, scaled"
    ):
        fit_trial().residuals("normalized")


# -- simulate -------------------------------------------------------------------------------


def test_simulated_responses_have_the_moments_of_the_fit() -> None:
    """20,000 replicates: means within 5 standard errors, covariances within 5 % of their SDs."""
    fit = fit_trial()
    y = fit.simulate(3, 20_000)
    data = fit.data
    assert y.shape == (20_000, fit.n_observations)
    same = data.subject[:, None] == data.subject[None, :]
    v = np.where(same, fit.covariance[np.ix_(data.visit, data.visit)], 0.0)
    sd = np.sqrt(np.diagonal(v))
    mean = data.design @ fit.effects.estimate
    assert np.max(np.abs(y.mean(axis=0) - mean) / sd) < 5.0 / np.sqrt(20_000)
    assert np.max(np.abs(np.cov(y.T) - v) / np.outer(sd, sd)) < 0.05


def test_new_parameters_add_the_error_of_the_coefficients() -> None:
    for vcov in ("model", "cr0"):
        fit = fit_trial(vcov=vcov, df="satterthwaite")
        extra = np.cov(fit.simulate(4, 20_000, new_parameters=True).T)
        data = fit.data
        same = data.subject[:, None] == data.subject[None, :]
        v = np.where(same, fit.covariance[np.ix_(data.visit, data.visit)], 0.0)
        v += data.design @ fit.coefficient_covariance @ data.design.T
        sd = np.sqrt(np.diagonal(v))
        assert np.max(np.abs(extra - v) / np.outer(sd, sd)) < 0.05


def test_streams_are_counter_based_and_follow_the_users_rows() -> None:
    fit = fit_trial()
    many = fit.simulate(11, 5)
    assert np.array_equal(fit.simulate(11, 2), many[:2])
    assert not np.array_equal(fit.simulate(12, 2), many[:2])
    assert not np.array_equal(fit.simulate(11 + 2**64, 2), many[:2])
    assert len(np.unique(many)) == many.size
    before = np.random.get_state()[1].copy()
    fit.simulate(1)
    assert np.array_equal(before, np.random.get_state()[1])


def test_seeds_and_replicates_are_whole_numbers() -> None:
    fit = fit_trial()
    for seed in (-1, 1.5, True, "1", 2**128):
        with pytest.raises(ArgumentError, match=re.escape("seed: a whole number from 0 to 2^128")):
            fit.simulate(seed)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="replicates: a whole number from 1"):
        fit.simulate(1, 0)


# -- influence ------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_one_step_deletion_equals_leaving_out_at_fixed_covariance(method: str) -> None:
    fit = fit_trial("y ~ age + arm*week", method=method, df="satterthwaite")
    p = len(fit.terms)
    frame = fit.influence()
    assert frame["leverage"].sum() == pytest.approx(p, rel=1e-10)
    assert frame["rows"].sum() == fit.n_observations
    precision = np.linalg.inv(fit.effects.root @ fit.effects.root.T)
    contrasts = fit.influence_on()
    for i, row in enumerate(frame.iter_rows(named=True)):
        data = without_participant(fit.data, i)
        without = at_covariance(replace(fit, data=data), fit.covariance)
        change = fit.effects.estimate - without.effects.estimate
        phi = without.effects.root @ without.effects.root.T
        cook = change @ precision @ change / p
        assert row["cooks_distance"] == pytest.approx(cook, rel=1e-7)
        assert row["mdffits"] == pytest.approx(change @ np.linalg.solve(phi, change) / p, rel=1e-7)
        ratio = np.linalg.det(phi) * np.linalg.det(precision)
        assert row["covratio"] == pytest.approx(ratio, rel=1e-7)
        trace = np.trace(precision @ phi) - p
        assert row["covtrace"] == pytest.approx(abs(trace), rel=1e-6)
        expected = None if method == "reml" else pytest.approx(p * cook, rel=1e-7)
        assert row["likelihood_displacement"] == expected
        own = contrasts.filter(pl.col("participant") == row["participant"])
        assert own["contrast"].to_list() == list(fit.terms)
        assert own["change"].to_numpy() == pytest.approx(change, rel=1e-6, abs=1e-10)
        standardised = change / np.sqrt(np.diagonal(phi))
        assert own["standardised_change"].to_numpy() == pytest.approx(
            standardised, rel=1e-6, abs=1e-10
        )


@pytest.mark.parametrize("method", ["reml", "ml"])
def test_refits_equal_fits_without_the_participant(method: str) -> None:
    data = random_trial(3, n=24)
    options: Any = {"subject": "id", "visit": "week", "method": method, "df": "satterthwaite"}
    fit = mmrm("y ~ age + arm*week", data, **options)
    frame = fit.influence(refit=True)
    assert set(frame["outcome"]) == {"refitted"}
    L = np.eye(len(fit.terms))[-1]
    one = fit.influence_on(L, ["last"], refit=True)
    for i in (0, 7):
        label = frame["participant"][i]
        without = mmrm("y ~ age + arm*week", data.filter(pl.col("id") != label), **options)
        row = one.filter(pl.col("participant") == label).to_dicts()[0]
        assert row["contrast"] == "last"
        assert row["estimate_without"] == pytest.approx(without.effects.estimate[-1], rel=1e-6)
        phi = without.effects.root @ without.effects.root.T
        ratio = np.linalg.det(phi) / np.linalg.det(fit.effects.root) ** 2
        assert frame["covratio"][i] == pytest.approx(ratio, rel=1e-6)
    assert frame["likelihood_displacement"].min() >= 0.0


def test_the_likelihood_at_its_own_estimates_is_its_own() -> None:
    from equipoise.stats.influence import likelihood_at

    for method in ("reml", "ml"):
        fit = fit_trial(method=method, df="satterthwaite")
        assert likelihood_at(fit, fit) == pytest.approx(fit.minus2_log_likelihood, rel=1e-11)


def test_one_visit_equals_the_influence_of_least_squares() -> None:
    """Cook's distance holds the variance; COVRATIO estimates it again (statsmodels, R)."""
    data = random_trial(2).filter((pl.col("week") == "W1") & pl.col("y").is_not_nan())
    fit = mmrm("y ~ age + arm", data, subject="id", visit="week")
    ols = sm.OLS(fit.data.response, fit.data.design).fit().get_influence()
    frame = fit.influence()
    assert frame["leverage"].to_numpy() == pytest.approx(ols.hat_matrix_diag, rel=1e-9)
    assert frame["cooks_distance"].to_numpy() == pytest.approx(ols.cooks_distance[0], rel=1e-8)
    student = fit.residuals("student")["residual"].to_numpy()
    assert student == pytest.approx(ols.resid_studentized_internal, rel=1e-9)
    refit = fit.influence(refit=True)
    assert refit["covratio"].to_numpy() == pytest.approx(ols.cov_ratio, rel=1e-6)


def test_a_participant_without_whom_there_is_no_estimate() -> None:
    fit = fit_like("orthodont_alone_us")
    student = fit.residuals("student").filter(pl.col("residual").is_null())
    assert set(student["participant"]) <= {"M09"}
    for refit in (False, True):
        frame = fit.influence(refit=refit)
        row = frame.filter(pl.col("participant") == "M09").to_dicts()[0]
        assert row["outcome"] == "a coefficient is not estimable without this participant"
        assert row["cooks_distance"] is None
        assert row["covratio"] is None
        assert frame["cooks_distance"].null_count() == 1
        if refit:
            break


def test_changes_of_participants_make_the_jackknife() -> None:
    fit = fit_trial(vcov="cr3")
    changes = fit.influence_on()["change"].to_numpy().reshape(fit.n_subjects, -1)
    assert changes.T @ changes == pytest.approx(fit.coefficient_covariance, rel=1e-9, abs=1e-12)


# -- a fit as a value -----------------------------------------------------------------------


@pytest.mark.parametrize("vcov", ["model", "cr2"])
def test_pickles_and_copies_answer_the_same(vcov: str) -> None:
    data = random_trial(1)
    fit = mmrm("y ~ poly(age, 2) + dose + arm*week", data, subject="id", visit="week", vcov=vcov)
    twins = [pickle.loads(pickle.dumps(fit)), copy.copy(fit), copy.deepcopy(fit)]
    for twin in twins:
        assert repr(twin) == repr(fit)
        assert twin.to_dict() == fit.to_dict()
        assert twin.vcov is fit.vcov
        assert twin.lsmeans("arm", by="week").equals(fit.lsmeans("arm", by="week"))
        assert twin.predict(data).equals(fit.predict(data))
        assert np.array_equal(twin.simulate(1), fit.simulate(1))


def test_glance_is_one_row_of_plain_values() -> None:
    fit = fit_trial()
    (row,) = fit.glance().to_dicts()
    assert row["n_subjects"] == fit.n_subjects
    assert row["minus2_log_likelihood"] == fit.minus2_log_likelihood
    assert (row["covariance"], row["df"], row["vcov"]) == ("us", "kenward-roger", "model")
    assert pl.concat([fit.glance(), fit_trial(vcov="cr2").glance()]).height == 2
    json.dumps(row)


def test_the_dict_is_json_and_holds_everything() -> None:
    for options in ({}, {"vcov": "cr2"}, {"df": "between-within"}):
        fit = fit_trial(**options)
        back = json.loads(json.dumps(fit.to_dict(), allow_nan=False))
        assert back == fit.to_dict()
        assert np.array(back["coefficient_covariance"]) == pytest.approx(fit.coefficient_covariance)
        assert np.array(back["covariance"]) == pytest.approx(fit.covariance)
        assert (back["subject"], back["visit"], back["response"]) == ("id", "week", "y")
        assert (back["weights"], back["group"], back["coordinates"]) == (None, None, [])
        assert back["levels"] == {"arm": ["control", "drug"], "week": ["W0", "W1", "W2"]}
        assert back["vcov"] == fit.vcov.word
        assert [row["term"] for row in back["coefficients"]] == list(fit.terms)


def test_what_is_not_a_number_is_none_in_the_dict() -> None:
    fit = fit_trial()
    broken = replace(fit, aic=float("nan"), bic=float("inf"))
    assert (broken.to_dict()["aic"], broken.to_dict()["bic"]) == (None, None)


def test_html_for_notebooks_is_escaped() -> None:
    from html.parser import HTMLParser

    data = random_trial(1).with_columns(
        week=pl.col("week").replace("W1", "W1<script>alert('x')</script>"),
    )
    fit = mmrm("y ~ arm*week", data, subject="id", visit="week", covariance="cs")
    html = fit._repr_html_()
    assert "<script" not in html
    assert "W1&lt;script&gt;alert(&#x27;x&#x27;)" in html
    opened: list[str] = []
    texts: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: Any) -> None:
            opened.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert opened.pop() == tag

        def handle_data(self, data: str) -> None:
            texts.append(data)

    Reader().feed(html)
    assert opened == []
    assert set(repr(fit).split()) <= set(" ".join(texts).split())
