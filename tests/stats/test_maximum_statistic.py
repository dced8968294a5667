"""Max-T: from the definition in plain loops, by enumeration, and under partial nulls."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from equipoise.stats import ArgumentError, westfall_young
from equipoise.stats.early_change import associate, landmark_data, permute_jointly
from equipoise.stats.early_change.maximum_statistic import exchange_within, stepped_over


def plain_step_down(observed, drawn):
    """Westfall and Young's algorithm as it is printed, one draw and one member at a time."""
    order = sorted(range(len(observed)), key=lambda j: -observed[j])
    counts = [0] * len(observed)
    for row in drawn:
        for place in range(len(order)):
            largest = max(row[j] for j in order[place:])
            counts[place] += largest >= observed[order[place]]
    p, before = [0.0] * len(observed), 0.0
    for place, j in enumerate(order):
        before = max(before, (counts[place] + 1) / (len(drawn) + 1))
        p[j] = before
    return p


def test_the_algorithm_equals_plain_loops():
    rng = np.random.default_rng(4)
    for _ in range(5):
        observed = np.abs(rng.normal(0, 2, 6))
        drawn = np.abs(rng.normal(0, 1, (60, 6)) + rng.normal(0, 1, (60, 1)))
        found = westfall_young(observed, drawn)
        assert found.step_down.tolist() == plain_step_down(observed, drawn)
        single = [((drawn.max(axis=1) >= t).sum() + 1) / 61 for t in observed]
        assert found.single_step.tolist() == single
        own = [((drawn[:, j] >= t).sum() + 1) / 61 for j, t in enumerate(observed)]
        assert found.unadjusted.tolist() == own
        assert np.all(found.unadjusted <= found.step_down)
        assert np.all(found.step_down <= found.single_step)


def test_a_member_without_a_statistic_is_no_maximum_and_a_failed_draw_counts_as_extreme():
    drawn = np.array([[1.0, 9.0], [2.0, 9.0], [np.nan, 9.0]])
    found = westfall_young([3.0, np.nan], drawn)
    assert found.step_down[0] == found.unadjusted[0] == 2 / 4
    assert np.isnan(found.step_down[1])
    exact = westfall_young([2.0], [[1.0], [2.0], [3.0], [0.5]], exact=True)
    assert exact.step_down[0] == 0.5
    with pytest.raises(ArgumentError, match="one row of statistics"):
        westfall_young([1.0, 2.0], [[1.0]])


def markers_of(rng, n=18, m=3, missing=0, link=0.0):
    """One trial: two arms, two strata, correlated markers; some values missing."""
    arm, stratum = np.tile([0, 1, 1], n // 3), np.repeat([0, 1], n // 2)
    early = 0.7 * rng.normal(size=(n, 1)) + rng.normal(size=(n, m)) + 0.5 * arm[:, None]
    baseline, start = rng.normal(size=(n, m)), rng.normal(size=n)
    outcome = 0.4 * start + arm + link * early[:, 0] + rng.normal(size=n)
    for j in range(missing):
        early[rng.integers(n), j % m] = np.nan
    return [
        landmark_data(outcome, early[:, j], [start, baseline[:, j]], arm, stratum, strata=2)
        for j in range(m)
    ]


def plain_t(data, response):
    """t of the early change in the whole model fitted by least squares."""
    used = data.complete[0]
    columns = [np.ones(used.sum()), data.arm[0, used]]
    columns += [data.stratum[0, used]] * (data.strata > 1)
    columns += [c[0, used] for c in data.covariates] + [data.early[0, used]]
    design = np.column_stack(columns).astype(float)
    beta, *_ = np.linalg.lstsq(design, response[used], rcond=None)
    left = response[used] - design @ beta
    df = used.sum() - design.shape[1]
    covariance = np.linalg.inv(design.T @ design) * (left @ left) / df
    return beta[-1] / np.sqrt(covariance[-1, -1])


def plain_fit(data):
    """Fitted values and residuals without the early change, NaN where it is not complete."""
    used = data.complete[0]
    columns = [np.ones(used.sum()), data.arm[0, used]]
    columns += [data.stratum[0, used]] * (data.strata > 1)
    design = np.column_stack([*columns, *[c[0, used] for c in data.covariates]]).astype(float)
    fitted, left = np.full((2, len(used)), np.nan)
    fitted[used] = design @ np.linalg.lstsq(design, data.outcome[0, used], rcond=None)[0]
    left[used] = data.outcome[0, used] - fitted[used]
    return fitted, left


@pytest.mark.parametrize("missing", [0, 4])
def test_joint_permutation_equals_refits_person_by_person(missing):
    markers = markers_of(np.random.default_rng(7), missing=missing)
    (found,) = permute_jointly(markers, 40, [np.random.default_rng(3)])
    block = (markers[0].arm * markers[0].strata + markers[0].stratum)[0]
    some = np.flatnonzero(np.any([m.complete[0] for m in markers], axis=0))
    exchanged = exchange_within(block[some], 40, np.random.default_rng(3))
    drawn = np.zeros((40, len(markers)))
    for b, row in enumerate(exchanged):
        for j, data in enumerate(markers):
            fitted, left = plain_fit(data)
            new = np.full(len(block), np.nan)
            for place, person in enumerate(some):
                if not data.complete[0, person]:
                    continue
                target = row[place]
                while not data.complete[0, some[target]]:
                    target = row[target]
                assert block[some[target]] == block[person]
                new[person] = fitted[person] + left[some[target]]
            drawn[b, j] = abs(plain_t(data, new))
    seen = np.array([plain_t(data, data.outcome[0]) for data in markers])
    np.testing.assert_allclose(found.t, seen, rtol=1e-9)
    assert found.test.step_down.tolist() == plain_step_down(np.abs(seen), drawn)
    assert found.n.tolist() == [int(data.complete.sum()) for data in markers]


def test_t_is_that_of_the_association():
    markers = markers_of(np.random.default_rng(2), missing=3)
    (found,) = permute_jointly(markers, 19, [np.random.default_rng(3)])
    wanted = [float((a := associate(data)).slope / a.se) for data in markers]
    np.testing.assert_allclose(found.t, wanted, rtol=1e-10)


def test_stepping_over_gives_every_permutation_of_those_who_are_there_equally_often():
    every = np.array(list(itertools.permutations(range(5))))
    there = np.array([True, False, True, True, False])
    kept = stepped_over(every, there)[:, there]
    counts = np.unique(kept, axis=0, return_counts=True)[1]
    assert len(counts) == 6
    assert set(counts) == {20}


def test_exchanges_stay_within_blocks_and_are_equally_likely():
    block = np.array([1, 0, 1, 0, 1])
    drawn = exchange_within(block, 6000, np.random.default_rng(1))
    assert np.all(block[drawn] == block)
    counts = np.unique(drawn, axis=0, return_counts=True)[1]
    assert len(counts) == 12
    # Of 6,000 in 12 equally likely cells: chi-square with 11 df, 99.9 % quantile 31.3.
    assert ((counts - 500) ** 2 / 500).sum() < 31.3


def test_one_marker_is_near_the_exact_permutation_distribution():
    rng = np.random.default_rng(5)
    arm, start, early = np.repeat([0, 1], [3, 6]), rng.normal(size=9), rng.normal(size=9)
    data = landmark_data(early + arm + rng.normal(size=9), early, [start], arm, strata=1)
    fitted, left = plain_fit(data)
    seen = abs(plain_t(data, data.outcome[0]))
    every = [
        np.array([*one, *other])
        for one in itertools.permutations(range(3))
        for other in itertools.permutations(range(3, 9))
    ]
    extreme = [abs(plain_t(data, fitted + left[order])) >= seen * (1 - 1e-9) for order in every]
    share = float(np.mean(extreme))
    (found,) = permute_jointly([data], 4000, [np.random.default_rng(1)])
    # Four binomial standard errors of 4,000 draws.
    assert abs(found.test.step_down[0] - share) < 4 * (share * (1 - share) / 4000) ** 0.5 + 1 / 4000


def test_many_trials_have_the_numbers_of_each_by_itself():
    ones = [markers_of(np.random.default_rng(seed), missing=2) for seed in range(3)]
    both = [
        landmark_data(
            np.stack([one[j].outcome[0] for one in ones]),
            np.stack([one[j].early[0] for one in ones]),
            [np.stack([one[j].covariates[c][0] for one in ones]) for c in range(2)],
            np.stack([one[j].arm[0] for one in ones]),
            np.stack([one[j].stratum[0] for one in ones]),
            strata=2,
        )
        for j in range(3)
    ]
    many = permute_jointly(both, 50, [np.random.default_rng(s) for s in range(3)])
    for seed, (one, found) in enumerate(zip(ones, many, strict=True)):
        (alone,) = permute_jointly(one, 50, [np.random.default_rng(seed)])
        assert found.test.step_down.tolist() == alone.test.step_down.tolist()
        assert found.t.tolist() == alone.t.tolist()


def test_a_marker_that_does_not_vary_has_no_p_and_changes_nobody_elses():
    markers = markers_of(np.random.default_rng(8))
    flat = landmark_data(
        markers[0].outcome[0], np.ones(18), [c[0] for c in markers[0].covariates],
        markers[0].arm[0], markers[0].stratum[0], strata=2,
    )  # fmt: skip
    (with_it,) = permute_jointly([*markers, flat], 60, [np.random.default_rng(1)])
    (without,) = permute_jointly(markers, 60, [np.random.default_rng(1)])
    assert np.isnan(with_it.test.step_down[3])
    assert with_it.test.step_down[:3].tolist() == without.test.step_down.tolist()


def test_the_family_wise_error_is_kept_under_a_partial_null():
    """One true link among five: any of the other four at 5 % in at most about 5 % of trials."""
    rng, trials, n = np.random.default_rng(11), 400, 36
    arm, stratum = np.tile([0, 1, 1], 12), np.repeat([0, 1], 18)
    start = rng.normal(size=(trials, n))
    early = rng.normal(size=(5, trials, n))
    early[1:] += rng.normal(size=(1, trials, n))  # what the four have in common
    outcome = 0.4 * start + arm + 1.2 * early[0] + rng.normal(size=(trials, n))
    data = [
        landmark_data(outcome, one, [start, rng.normal(size=(trials, n))], arm, stratum, strata=2)
        for one in early
    ]
    found = permute_jointly(data, 99, [np.random.default_rng([1, k]) for k in range(trials)])
    p = np.array([trial.test.step_down for trial in found])
    # Three binomial standard errors above 5 % in 400 trials.
    assert np.any(p[:, 1:] <= 0.05, axis=1).mean() <= 0.05 + 3 * (0.05 * 0.95 / trials) ** 0.5
    assert (p[:, 0] <= 0.05).mean() > 0.9


def test_bad_input_is_refused():
    markers = markers_of(np.random.default_rng(1))
    with pytest.raises(ArgumentError, match="at least 19"):
        permute_jointly(markers, 18, [np.random.default_rng(1)])
    with pytest.raises(ArgumentError, match="at least one marker"):
        permute_jointly([], 19, [np.random.default_rng(1)])
    with pytest.raises(ArgumentError, match="one generator a trial"):
        permute_jointly(markers, 19, [])
    other = markers_of(np.random.default_rng(1), n=24)
    with pytest.raises(ArgumentError, match="the same people"):
        permute_jointly([markers[0], other[0]], 19, [np.random.default_rng(1)])
