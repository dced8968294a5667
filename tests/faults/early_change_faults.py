"""Refusals of the methods of the early change and of who benefits.

Calls that provoke some of them, and the test files in which the others are provoked.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from equipoise.stats.early_change import landmark_data, permute_jointly
from equipoise.stats.forecast import fit_ridge_forecast, predictor_columns, riley_binary
from equipoise.stats.heterogeneity import interaction_data
from equipoise.stats.largest_statistic import westfall_young
from equipoise.stats.mediation import (
    bca_interval,
    confounded,
    mediation_data,
    product_of_slopes,
    without_assay_error,
)
from equipoise.stats.multivariate import (
    adjust_sets,
    fit_elastic_net,
    fit_partial_least_squares,
    make_folds,
)
from equipoise.stats.profiles import adjusted_rand, correlated_bic
from equipoise.stats.surrogate_effects import fieller, surrogacy


def _mediation(interaction=False):
    g = np.random.default_rng(1)
    t = np.tile([0, 1], 10)
    return mediation_data(
        g.normal(size=20), g.normal(size=20), t, np.zeros((20, 0)), t, interaction=interaction
    )


def _marker(people=8):
    g = np.random.default_rng(1)
    arm = np.tile([0, 1], people // 2)
    return landmark_data(g.normal(size=people), g.normal(size=people), [], arm)


def _generator():
    return np.random.default_rng(1)


def _copies():
    """Two predictors that are nearly copies, and next to no penalty: sweeps creep."""
    gram = np.array([[[1.0, 1.0 - 1e-12], [1.0 - 1e-12, 1.0]]])
    return fit_elastic_net(
        gram, np.array([[[0.5, -0.5]]]), penalty=1e-9, mixing=0.5, tolerance=1e-15
    )


def _ridge(people=3, columns=3):
    g = np.random.default_rng(1)
    return fit_ridge_forecast(
        g.normal(size=(people, columns)), g.normal(size=people), [False] * columns,
        penalties=[1.0], folds=2, generator=g,
    )  # fmt: skip


EARLY_CHANGE_CALLS: dict[str, list[Callable[[], object]]] = {
    "Mediation, profiles and heterogeneity": [
        lambda: interaction_data([1.0, 2.0], [1], [[1], [2]], [[1], [2]], [True]),
        lambda: product_of_slopes(_mediation(interaction=True)),
        lambda: bca_interval(np.arange(9.0), 1.0, np.ones(3), np.ones(4)),
        lambda: confounded(_mediation(), np.array([1.0])),
        lambda: without_assay_error(_mediation(), None, -1.0),
        lambda: without_assay_error(_mediation(), -1, 0.1),
        lambda: adjusted_rand(np.ones(3), np.ones(4)),
        lambda: correlated_bic(np.tile(np.arange(5.0)[:, None], 2)),
    ],
    "Several markers, surrogacy and forecasts": [
        lambda: permute_jointly([_marker(), _marker(10)], 19, [_generator()]),
        lambda: permute_jointly([_marker()], 19, [_generator(), _generator()]),
        lambda: westfall_young(np.ones(3), np.ones((19, 2))),
        lambda: fieller(1.0, 2.0, (1.0, 1.0, 2.0), 10.0),
        lambda: surrogacy(np.ones(4), np.ones(3), [0, 1, 0, 1]),
        lambda: surrogacy(np.ones(4), np.ones(4), [0, 1, 2, 1]),
        lambda: adjust_sets(np.ones((4, 2)), np.ones((4, 1)), np.ones((4, 1)), np.ones((1, 4))),
        lambda: make_folds(
            np.ones((4, 2)),
            np.ones((4, 2)),
            np.ones((4, 1)),
            np.zeros(4, dtype=int),
            folds=9,
            repeats=1,
            generator=_generator(),
        ),
        lambda: fit_partial_least_squares(np.ones((1, 2, 2)), np.ones((1, 1, 3)), 1),
        _copies,
        lambda: predictor_columns(np.ones((4, 2)), [True]),
        _ridge,
        lambda: riley_binary(0.8, 5, 0.3),
    ],
}

EARLY_CHANGE_ELSEWHERE = {
    "0 for control and 1 for active": "tests/stats/test_mediation.py",
    "0 for control and 1 for active, people in both": "tests/stats/test_heterogeneity.py",
    "3 or 4": "tests/stats/test_restricted_spline.py",
    "a finite number": "tests/stats/test_surrogacy.py",
    "a number from 1 to …": "tests/stats/test_profiles.py",
    "a positive number": "tests/stats/test_surrogacy.py",
    "a share between 0 and 1": "tests/stats/test_forecast_validation.py",
    "a value is missing or infinite": "tests/stats/test_marker_imputation.py",
    "a whole number of at least 1": "tests/stats/test_marker_imputation.py",
    "above 0": "tests/stats/test_heterogeneity.py",
    "an arm, stratum or level has nobody with a value": "tests/stats/test_marker_imputation.py",
    "at least 1": "tests/stats/test_marker_imputation.py",
    "at least one": "tests/stats/test_forecast_validation.py",
    "at least one marker": "tests/stats/test_maximum_statistic.py",
    "at least three rising knots": "tests/stats/test_restricted_spline.py",
    "best or one-standard-error": "tests/stats/test_multivariate.py",
    "between 0 and 1": "tests/stats/test_forecast_validation.py",
    "both arms have people with all values": "tests/stats/test_mediation.py",
    "components or a mixing": "tests/stats/test_multivariate.py",
    "each marker varies": "tests/stats/test_profiles.py",
    "every value is known": "tests/stats/test_profiles.py",
    "finite numbers above 0": "tests/stats/test_ridge_forecast.py",
    "from 0 to 1": "tests/stats/test_multivariate.py",
    "from 2 to the number of people": "tests/stats/test_ridge_forecast.py",
    "it does not vary beyond what the model holds": "tests/stats/test_heterogeneity.py",
    "too few people to tell the interactions apart": "tests/stats/test_heterogeneity.py",
    "it does not vary beyond treatment and covariates": "tests/stats/test_mediation.py",
    "it does not vary within each arm": "tests/stats/test_heterogeneity.py",
    "nobody has a value": "tests/stats/test_marker_imputation.py",
    "none repeats treatment or the others": "tests/stats/test_heterogeneity.py",
    "one finite outcome a row": "tests/stats/test_ridge_forecast.py",
    "one weight a person": "tests/stats/test_multivariate.py",
    "people by columns, at least one": "tests/stats/test_marker_imputation.py",
    "places of columns": "tests/stats/test_ridge_forecast.py",
    "something varies": "tests/stats/test_profiles.py",
    "the people of `values`": "tests/stats/test_marker_imputation.py",
    "the values do not vary": "tests/stats/test_marker_imputation.py",
    "the values do not vary beyond the fixed columns": "tests/stats/test_marker_imputation.py",
    "too few people have a value": "tests/stats/test_marker_imputation.py",
    "too few people have all values": "tests/stats/test_mediation.py",
    "too few people in the training folds": "tests/stats/test_forecast_validation.py",
    "unpenalised columns are complete": "tests/stats/test_ridge_forecast.py",
    "values are there, and finite": "tests/stats/test_multivariate.py",
    "… people, as the outcome has": "tests/stats/test_mediation.py",
}
