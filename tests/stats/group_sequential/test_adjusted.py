"""Inference after looks: fixed designs, the multivariate normal, simulated coverage."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import multivariate_normal, norm, t

from equipoise.stats import ArgumentError
from equipoise.stats.group_sequential import efficacy_boundaries, stagewise_inference


def test_a_trial_without_looks_has_the_usual_numbers():
    found = stagewise_inference([4.0], [1.96], 2.5)
    assert found.p == pytest.approx(2 * norm.sf(2.5), abs=1e-12)
    assert found.estimate == pytest.approx(1.25, abs=1e-8)
    assert found.lower == pytest.approx(1.25 - norm.isf(0.025) / 2, abs=1e-8)
    assert found.upper == pytest.approx(1.25 + norm.isf(0.025) / 2, abs=1e-8)


@pytest.mark.parametrize("df", [8.0, 30.0])
def test_without_looks_a_t_statistic_has_students_interval(df):
    found = stagewise_inference([4.0], [1.96], 2.5, df=df)
    assert found.p == pytest.approx(2 * t.sf(2.5, df), rel=1e-9)
    assert found.estimate == pytest.approx(1.25, abs=1e-8)
    assert found.lower == pytest.approx(1.25 - t.isf(0.025, df) / 2, abs=1e-8)
    assert found.upper == pytest.approx(1.25 + t.isf(0.025, df) / 2, abs=1e-8)


def test_a_trial_that_stops_at_the_first_look_has_the_numbers_of_that_look():
    """The earlier, the more extreme: later looks do not matter."""
    first = stagewise_inference([2.0], [2.8], 3.1)
    assert first.p == pytest.approx(2 * norm.sf(3.1), abs=1e-12)


@pytest.mark.parametrize("z", [-2.5, 0.3, 1.7, 2.4])
def test_at_the_second_look_it_is_the_probability_in_the_plane(z):
    information, bound = (1.0, 2.0), 2.178
    found = stagewise_inference(information, [bound, bound], z)
    rho = math.sqrt(0.5)

    def more_extreme(drift):
        mean = drift * np.sqrt(information)
        plane = multivariate_normal(mean, [[1.0, rho], [rho, 1.0]])
        box = [  # P(-b < Z1 < b, Z2 < z)
            plane.cdf([bound, z]) - plane.cdf([-bound, z]),
            norm.cdf(bound - mean[0]) - norm.cdf(-bound - mean[0]),
        ]
        return norm.sf(bound - mean[0]) + box[1] - box[0]

    up = more_extreme(0.0)
    assert found.p == pytest.approx(2 * min(up, 1 - up), abs=2e-6)
    for value, share in ((found.lower, 0.025), (found.estimate, 0.5), (found.upper, 0.975)):
        assert more_extreme(value) == pytest.approx(share, abs=5e-6)


@pytest.mark.parametrize("drift", [0.0, 2.0])
def test_intervals_cover_and_estimates_have_their_median_where_they_should(drift):
    """Three looks like O'Brien and Fleming's, 250 trials; the naive estimate is off."""
    information = np.array([1.0, 2.0, 3.0]) / 3.0
    bounds = np.array(efficacy_boundaries(information, 0.05).upper)
    rng = np.random.default_rng(3)
    steps = rng.normal(drift / 3.0, math.sqrt(1 / 3), size=(250, 3))
    z = steps.cumsum(axis=1) / np.sqrt(information)
    crossed = np.abs(z[:, :2]) >= bounds[:2]
    ends = np.where(crossed.any(axis=1), crossed.argmax(axis=1), 2)
    found = [
        stagewise_inference(information[: k + 1], bounds[: k + 1], row[k])
        for row, k in zip(z[:250], ends[:250], strict=True)
    ]
    n = len(found)
    covered = np.mean([one.lower <= drift <= one.upper for one in found])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / n)
    above = np.mean([one.estimate > drift for one in found])
    assert abs(above - 0.5) < 4 * 0.5 / math.sqrt(n)
    small = np.mean([one.p < 0.05 for one in found])
    shown = (np.abs(z[np.arange(250), ends[:250]]) >= bounds[ends[:250]]).mean()
    assert small == pytest.approx(shown, abs=0.005)  # p and boundary decide alike


def test_bad_input_is_refused():
    for arguments in (([1.0, 1.0], [2, 2], 1.0), ([1.0], [2, 2], 1.0), ([1.0], [2], math.nan)):
        with pytest.raises(ArgumentError):
            stagewise_inference(*arguments)
    with pytest.raises(ArgumentError):
        stagewise_inference([1.0], [2.0], 1.0, 0.0)
