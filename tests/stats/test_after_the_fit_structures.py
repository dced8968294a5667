"""Sandwich, predictions, residuals, simulation and influence with groups, weights and coordinates.

Everything is compared with dense matrices built here from the reported parameters.
"""

from __future__ import annotations

import json
import pickle
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import pytest
from test_mmrm_twin import random_trial

from equipoise.stats import ArgumentError, DesignError, MMRMFit, mmrm
from equipoise.stats.covariance_estimate import covariance_matrices
from equipoise.stats.influence import likelihood_at, without_participant

MODELS: dict[str, dict[str, Any]] = {
    "us, grouped": {"covariance": "us", "group": "arm"},
    "csh, grouped and weighted": {"covariance": "csh", "group": "arm", "weights": "weight"},
    "ar1, weighted": {"covariance": "ar1", "weights": "weight"},
    "sp_exp": {"covariance": "sp_exp", "coordinates": ["day"]},
    "sp_exp, grouped, weighted, two coordinates": {
        "covariance": "sp_exp",
        "coordinates": ["day", "place"],
        "group": "arm",
        "weights": "weight",
    },
}
FORMULA = "y ~ age + arm*week"


@cache
def trial() -> pl.DataFrame:
    data = random_trial(6, n=45)
    rng = np.random.default_rng(6)
    n = len(data)
    return data.with_columns(
        weight=pl.Series(rng.uniform(0.5, 2.0, n)),
        day=pl.Series(np.tile([0.0, 7.0, 21.0], n // 3) + rng.integers(-2, 3, n)),
        place=pl.Series(rng.normal(size=n)),
    )


@cache
def fit_model(name: str, **options: Any) -> MMRMFit:
    return mmrm(
        FORMULA, trial(), subject="id", visit="week", df="satterthwaite",
        **MODELS[name], **options,
    )  # fmt: skip


def covariance_between(
    fit: MMRMFit,
    one: tuple[int, np.ndarray, float],
    other: tuple[int, np.ndarray, float],
    group: str | None,
) -> float:
    """From the reported parameters: visit, coordinates and weight of two rows of one person."""
    scale = 1.0 / np.sqrt(one[2] * other[2])
    if fit.structure.word != "sp_exp":
        matrix = fit.covariance[group] if isinstance(fit.covariance, dict) else fit.covariance
        return float(matrix[one[0], other[0]]) * scale
    frame = fit.covariance_parameters
    if group is not None:
        frame = frame.filter(pl.col("group") == group)
    value = dict(zip(frame["parameter"], frame["estimate"], strict=True))
    apart = float(np.linalg.norm(one[1] - other[1]))
    return value["Residual"] * np.exp(-apart / value["SP(EXP)"]) * scale


def rows_of(fit: MMRMFit, frame: pl.DataFrame) -> list[tuple[str, str, tuple[Any, ...]]]:
    """Participant, group and (visit, coordinates, weight) of each row of a frame."""
    names = list(fit.data.roles.coordinates)
    return [
        (
            row["id"],
            row["arm"],
            (
                fit.visits.index(row["week"]),
                np.array([row[name] for name in names]),
                row["weight"] if fit.data.weights is not None else 1.0,
            ),
        )
        for row in frame.iter_rows(named=True)
    ]


def dense(fit: MMRMFit, frame: pl.DataFrame) -> np.ndarray:
    rows = rows_of(fit, frame)
    out = np.zeros((len(rows), len(rows)))
    for i, (person, arm, one) in enumerate(rows):
        for j, (same, _, other) in enumerate(rows):
            if person == same:
                group = arm if fit.data.group_levels else None
                out[i, j] = covariance_between(fit, one, other, group)
    return out


def used(fit: MMRMFit) -> pl.DataFrame:
    return trial()[fit.data.source_row.tolist()]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", ["cr0", "cr2-root", "cr2", "cr3"])
def test_sandwiches(name: str, kind: str) -> None:
    fit = fit_model(name, vcov=kind)
    x, y = fit.data.design, fit.data.response
    v = dense(fit, used(fit))
    w = np.linalg.inv(v)
    phi = np.linalg.inv(x.T @ w @ x)
    project = np.eye(len(y)) - x @ phi @ x.T @ w
    residual = project @ y
    weights = np.zeros((fit.n_subjects, x.shape[1], len(y)))
    for i in range(fit.n_subjects):
        rows = np.flatnonzero(fit.data.subject == i)
        own = np.ix_(rows, rows)
        a = np.eye(len(rows))
        if kind == "cr3":
            a = np.linalg.inv(project[own])
        elif kind == "cr2-root":
            a = np.linalg.inv(root(project[own]))
        elif kind == "cr2":
            s = (project @ v)[own]
            a = np.linalg.inv(s) @ root(s @ v[own])
        score = phi @ x[rows].T @ w[own] @ a
        weights[i] = score @ project[rows]
    scores = weights @ y
    assert fit.effects.estimate == pytest.approx(phi @ x.T @ w @ y, rel=1e-7)
    assert residual == pytest.approx(fit.residuals()["residual"].to_numpy(), abs=1e-7)
    scale = np.sqrt(np.diagonal(phi))
    error = fit.coefficient_covariance - scores.T @ scores
    assert np.max(np.abs(error) / np.outer(scale, scale)) < 1e-7
    row = fit.coefficients.to_dicts()[-1]
    g = weights[:, -1, :]
    form = g @ v @ g.T
    assert row["df"] == pytest.approx(np.trace(form) ** 2 / np.sum(form**2), rel=1e-6)


def root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eig(matrix)
    return np.real((vectors * np.sqrt(values)) @ np.linalg.inv(vectors))


def error_of_slopes(fit: MMRMFit, i: int) -> float:
    """By central differences of the prediction of row i in SAS's parameters, beta held."""
    estimate = fit.covariance_estimate
    person = trial()["id"][i]
    mine = np.flatnonzero((trial()["id"] == person).to_numpy())
    arm = str(trial()["arm"][i])
    group = fit.data.group_levels.index(arm) if fit.data.group_levels else 0
    frame = trial()[mine.tolist()]
    weight = frame["weight"].to_numpy() if fit.data.weights is not None else np.ones(len(mine))
    visits = np.array([fit.visits.index(v) for v in frame["week"]])
    distances = np.zeros((1, 3, 3))
    if fit.data.roles.coordinates:
        places = frame.select(fit.data.roles.coordinates).to_numpy()
        distances = np.linalg.norm(places[:, None] - places[None], axis=2)[None]
        visits = np.arange(3)
    here = np.flatnonzero(mine == i)
    seen = np.flatnonzero(np.isin(mine, fit.data.source_row))
    used_rows = np.searchsorted(fit.data.source_row, mine[seen])
    residual = (fit.data.response - fit.data.design @ fit.effects.estimate)[used_rows]

    def shift(parameters: np.ndarray) -> float:
        if fit.structure.word == "us":
            v = np.zeros((3, 3))
            v[np.tril_indices(3)] = parameters
            v = v + np.tril(v, -1).T
        else:
            v = covariance_matrices(fit.structure, parameters[None], distances, 3)[0]
        v = v[np.ix_(visits, visits)] / np.sqrt(np.outer(weight, weight))
        slopes = np.linalg.solve(v[np.ix_(seen, seen)], v[np.ix_(seen, here)])
        return float(slopes[:, 0] @ residual)

    at = estimate.parameters[group]
    q = len(at)
    part = estimate.parameter_covariance[group * q : (group + 1) * q, group * q : (group + 1) * q]
    steps = np.diag(1e-5 * np.abs(at))
    slope = np.array([(shift(at + h) - shift(at - h)) / (2.0 * h.max()) for h in steps])
    return float(slope @ part @ slope)


@pytest.mark.parametrize("name", MODELS)
def test_predictions(name: str) -> None:
    """Universal kriging: one bordered system a row, with the dense covariance."""
    fit = fit_model(name)
    frame = fit.predict(trial(), interval="prediction")
    v = dense(fit, used(fit))
    everybody = dense(fit, trial())
    x, y = fit.data.design, fit.data.response
    p = x.shape[1]
    system = np.block([[v, x], [x.T, np.zeros((p, p))]])
    from equipoise.stats.new_rows import rows_of_frame

    rows = rows_of_frame(fit.data, trial()).design
    missing = np.flatnonzero(frame["response"].is_null().to_numpy())
    assert len(missing)
    for i in missing:
        c = everybody[i, fit.data.source_row]
        solution = np.linalg.solve(system, np.concatenate([c, rows[i]]))
        estimate = solution[:-p] @ y
        variance = everybody[i, i] - solution[:-p] @ c - solution[-p:] @ rows[i]
        variance += error_of_slopes(fit, int(i))
        assert frame["estimate"][int(i)] == pytest.approx(estimate, rel=1e-7, abs=1e-7)
        assert frame["se"][int(i)] == pytest.approx(np.sqrt(variance), rel=1e-6)
    marginal = fit.predict(trial(), conditional=False, interval="prediction")
    phi = fit.coefficient_covariance
    expected = np.sqrt(np.einsum("ip,pq,iq->i", rows, phi, rows) + np.diagonal(everybody))
    assert marginal["se"].to_numpy() == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("name", MODELS)
def test_residuals(name: str) -> None:
    fit = fit_model(name)
    v = dense(fit, used(fit))
    raw = fit.residuals()["residual"].to_numpy()
    order = np.lexsort((fit.data.visit, fit.data.subject))
    expected = np.empty_like(raw)
    expected[order] = np.linalg.solve(np.linalg.cholesky(v[np.ix_(order, order)]), raw[order])
    assert fit.residuals("scaled")["residual"].to_numpy() == pytest.approx(expected, abs=1e-8)
    pearson = raw / np.sqrt(np.diagonal(v))
    assert fit.residuals("pearson")["residual"].to_numpy() == pytest.approx(pearson, abs=1e-8)


@pytest.mark.parametrize("name", MODELS)
def test_simulated_covariances(name: str) -> None:
    """10,000 replicates: a covariance has an error of about 1 % of the SDs; 6 % is far out."""
    fit = fit_model(name)
    v = dense(fit, used(fit))
    sd = np.sqrt(np.diagonal(v))
    found = np.cov(fit.simulate(9, 10_000).T)
    assert np.max(np.abs(found - v) / np.outer(sd, sd)) < 0.06


@pytest.mark.parametrize("name", MODELS)
def test_influence(name: str) -> None:
    fit = fit_model(name)
    v = dense(fit, used(fit))
    frame = fit.influence()
    x, y = fit.data.design, fit.data.response
    phi = fit.effects.root @ fit.effects.root.T
    for i in range(0, fit.n_subjects, 9):
        kept = fit.data.subject != i
        w = np.linalg.inv(v[np.ix_(kept, kept)])
        without = np.linalg.inv(x[kept].T @ w @ x[kept])
        change = fit.effects.estimate - without @ x[kept].T @ w @ y[kept]
        row = frame.to_dicts()[i]
        cook = change @ np.linalg.solve(phi, change) / len(change)
        assert row["cooks_distance"] == pytest.approx(cook, rel=1e-6)
        assert row["covratio"] == pytest.approx(
            np.linalg.det(without) / np.linalg.det(phi), rel=1e-6
        )
    assert likelihood_at(fit, fit) == pytest.approx(fit.minus2_log_likelihood, rel=1e-10)


@pytest.mark.parametrize("name", ["csh, grouped and weighted", "sp_exp"])
def test_refits_are_fits_of_the_filtered_frame(name: str) -> None:
    fit = fit_model(name)
    i = 4
    label = fit.data.participants[i]
    filtered = mmrm(
        FORMULA, trial().filter(pl.col("id") != label), subject="id", visit="week",
        df="satterthwaite", **MODELS[name],
    )  # fmt: skip
    data = without_participant(fit.data, i)
    for attribute in ("design", "response", "subject", "visit", "weights", "group", "coordinates"):
        assert np.array_equal(getattr(data, attribute), getattr(filtered.data, attribute))
    assert data.participants == filtered.data.participants
    row = fit.influence(refit=True).to_dicts()[i]
    phi = filtered.effects.root @ filtered.effects.root.T
    ratio = np.linalg.det(phi) / np.linalg.det(fit.effects.root) ** 2
    assert row["covratio"] == pytest.approx(ratio, rel=1e-6)
    assert row["likelihood_displacement"] > 0.0


def test_weights_of_two_are_twice_the_observation() -> None:
    """Doubling all weights halves nothing but the covariance at weight 1: inference is the same."""
    name = "ar1, weighted"
    fit = fit_model(name, vcov="cr2")
    doubled = mmrm(
        FORMULA, trial().with_columns(pl.col("weight") * 2.0), subject="id", visit="week",
        df="satterthwaite", vcov="cr2", **MODELS[name],
    )  # fmt: skip
    for column in ("estimate", "se", "df"):
        assert doubled.coefficients[column].to_numpy() == pytest.approx(
            fit.coefficients[column].to_numpy(), rel=1e-6
        )


@pytest.mark.parametrize("name", MODELS)
def test_pickle_dict_and_html(name: str) -> None:
    fit = fit_model(name)
    twin = pickle.loads(pickle.dumps(fit))
    assert twin.to_dict() == json.loads(json.dumps(fit.to_dict(), allow_nan=False))
    assert twin.predict(trial()).equals(fit.predict(trial()))
    assert ("group drug" in fit._repr_html_()) == bool(fit.data.group_levels)
    back = fit.to_dict()
    assert back["weights"] == fit.data.roles.weights
    assert back["coordinates"] == list(fit.data.roles.coordinates)
    if fit.data.group_levels:
        assert list(back["covariance"]) == ["control", "drug"]


def test_what_prediction_asks_of_groups_weights_and_coordinates() -> None:
    fit = fit_model("sp_exp, grouped, weighted, two coordinates")
    with pytest.raises(ArgumentError, match="the values of weight, day, place at unobserved"):
        fit.predict()
    with pytest.raises(DesignError, match=r"data\['place'\]: no such column"):
        fit.predict(trial().drop("place"))
    with pytest.raises(DesignError, match="weight: a weight is not positive"):
        fit.predict(trial().with_columns(weight=pl.lit(0.0)))
    two = trial().with_columns(
        arm=pl.when((pl.col("id") == "P03") & (pl.col("week") == "W1"))
        .then(pl.lit("drug"))
        .otherwise("arm")
    )
    with pytest.raises(DesignError, match="arm: a participant stands in two covariance groups"):
        fit.predict(two)
