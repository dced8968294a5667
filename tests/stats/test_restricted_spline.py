"""The restricted cubic spline: its basis from the definition, R's ns, refusals."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tests.stats.stats_reference import STORED

from equipoise.stats.early_change import dose_response, landmark_data, spline_columns
from equipoise.stats.errors import ArgumentError


@pytest.fixture(scope="module")
def stored():
    return json.loads((STORED / "surrogacy.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def data(stored):
    columns = {
        key: np.array([row.get(key, np.nan) for row in stored["data"]], dtype=float)
        for key in ("arm", "stratum", "base_score", "base_cells", "early", "outcome")
    }
    return landmark_data(
        columns["outcome"], columns["early"], [columns["base_score"], columns["base_cells"]],
        columns["arm"].astype(int), columns["stratum"].astype(int),
    )  # fmt: skip


@pytest.mark.parametrize("knots", [3, 4])
def test_test_and_curve_equal_those_of_r_s_natural_splines(data, stored, knots):
    """The space is that of splines::ns with the same knots."""
    found = dose_response(data, knots=knots, points=5)
    wanted = stored[f"spline_{knots}"]
    assert (found.df1, found.df2) == (wanted["df1"], wanted["df2"])
    assert found.statistic == pytest.approx(wanted["statistic"], rel=1e-8)
    assert found.p == pytest.approx(wanted["p"], rel=1e-8)
    for name in ("at", "curve", "lower", "upper", "line"):
        np.testing.assert_allclose(getattr(found, name), wanted[name], rtol=1e-8)


def test_the_basis_is_linear_outside_and_smooth_at_the_knots():
    knots = [-1.0, 0.2, 0.7, 2.0]
    x = np.array([-4.0, -3.0, -2.0, 3.0, 4.0, 5.0])
    found = spline_columns(x, knots)
    assert found.shape == (6, 3)
    np.testing.assert_array_equal(found[:, 0], x)
    np.testing.assert_allclose(np.diff(found[:3], n=2, axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(np.diff(found[3:], n=2, axis=0), 0.0, atol=1e-10)
    assert (found[:3, 1:] == 0.0).all()
    # Value, slope and bend do not jump at a knot; the third derivative does.
    h = 1e-3
    for knot in knots:
        left = spline_columns(knot - h * np.arange(4)[::-1], knots)
        right = spline_columns(knot + h * np.arange(4), knots)
        np.testing.assert_allclose(left[-1], right[0])
        bend = np.diff(left, n=2, axis=0)[-1] - np.diff(right, n=2, axis=0)[0]
        np.testing.assert_allclose(bend / h**2, 0.0, atol=0.05)
    # A third derivative of 6/(t_k - t_1)^2 begins at the knot of its column.
    third = np.diff(spline_columns(0.3 + h * np.arange(4), [0.0, 1.0, 2.0]), n=3, axis=0)[0, 1]
    assert third / h**3 == pytest.approx(6 / 4, rel=1e-3)


def test_a_straight_line_is_found_straight_and_a_bend_bent():
    rng = np.random.default_rng(7)
    arm, x = np.tile([0, 1, 1], 60), rng.normal(size=180)
    noise = rng.normal(0, 0.5, 180)
    straight = dose_response(landmark_data(x + noise + arm, x, [], arm))
    bent = dose_response(landmark_data(np.maximum(x, 0) * 2 + noise + arm, x, [], arm))
    assert len(straight.knots) == 4
    assert straight.p > 0.05
    assert bent.p < 1e-6
    few = landmark_data((x + noise)[:36], x[:36], [], arm[:36])
    assert len(dose_response(few).knots) == 3


def test_the_type_one_error_of_the_test_is_nominal():
    """F is exact under normal errors: within three binomial errors of 5 % in 600 trials."""
    rng = np.random.default_rng(11)
    arm, below = np.tile([0, 1, 1], 12), 0
    for _ in range(600):
        x = rng.normal(size=36) + arm
        data = landmark_data(-x + rng.normal(size=36), x, [rng.normal(size=36)], arm)
        below += dose_response(data, points=2).p < 0.05
    assert abs(below / 600 - 0.05) < 3 * (0.05 * 0.95 / 600) ** 0.5


def test_adjusted_points_scatter_about_the_curve_by_the_residuals(data):
    found = dose_response(data, points=400)
    known = np.isfinite(found.adjusted)
    assert known.sum() == found.n == 57
    fitted = np.interp(data.early[0, known], found.at, found.curve)
    left = found.adjusted[known] - fitted
    assert abs(left.mean()) < 1e-3
    moved = landmark_data(
        data.outcome[0] + 5 * data.arm[0], data.early[0], [c[0] for c in data.covariates],
        data.arm[0], data.stratum[0],
    )  # fmt: skip
    other = dose_response(moved)
    # An effect of the arm moves everybody's adjusted outcome alike.
    shift = other.adjusted[known] - found.adjusted[known]
    np.testing.assert_allclose(shift, 5 * data.arm[0, known].mean())


def test_too_few_people_or_values_give_nothing():
    arm = np.array([0, 0, 1, 1])
    few = dose_response(landmark_data(np.arange(4.0), np.arange(4.0), [np.ones(4)], arm))
    assert np.isnan(few.p)
    assert few.n == 4
    assert few.knots.size == 0
    tied = np.repeat([0.0, 1.0], 20)
    assert np.isnan(dose_response(landmark_data(tied, tied, [], np.tile([0, 1], 20))).p)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: spline_columns([1.0], [0, 1]), r"knots: at least three rising knots \(got"),
        (lambda d: spline_columns([1.0], [0, 1, 1]), r"knots: at least three rising knots \(got"),
        (lambda d: dose_response(d, knots=5), r"knots: 3 or 4 \(got 5\)\."),
        (lambda d: dose_response(d, points=1), r"points: a whole number of at least 2 \(got 1\)\."),
        (
            lambda d: dose_response(
                landmark_data(np.ones((2, 4)), np.ones((2, 4)), [], np.array([0, 0, 1, 1]))
            ),
            r"data: one trial at a time \(got \(2,\)\)\.",
        ),
    ],
)
def test_refusals(data, call, message):
    with pytest.raises(ArgumentError, match=message):
        call(data)
