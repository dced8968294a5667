"""Latent profiles: the likelihood and its maximum against scikit-learn, planted profiles found."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.stats.errors import ArgumentError
from equipoise.stats.profiles import (
    Mixture,
    adjusted_rand,
    correlated_bic,
    fit_mixture,
    permute_relation,
    profile_means,
    relative_entropy,
)


def planted(n=400, gap=3.0, seed=1):
    """Two profiles, 60 to 40, that lie `gap` apart in the first of three markers."""
    g = np.random.default_rng(seed)
    who = (np.arange(n) < 0.4 * n).astype(int)
    values = g.normal(size=(n, 3))
    values[:, 0] += gap * who
    return values, who


def test_the_likelihood_is_scikit_learns():
    from sklearn.mixture import GaussianMixture

    values, _ = planted()
    peer = GaussianMixture(2, covariance_type="diag", random_state=1, reg_covar=0.0, tol=1e-9)
    peer.fit(values)
    ours = Mixture(
        peer.weights_[None], peer.means_[None], peer.covariances_[None], False,
        np.array([peer.score(values) * len(values)]), np.array([float(len(values))]),
    )  # fmt: skip
    np.testing.assert_allclose(ours.probabilities(values)[0], peer.predict_proba(values), atol=1e-9)
    assert ours.bic[0] == pytest.approx(peer.bic(values), rel=1e-12)


def test_with_many_people_the_maximum_is_scikit_learns():
    from sklearn.mixture import GaussianMixture

    values, _ = planted(n=2000)
    found = fit_mixture(values, 2, np.random.default_rng(1), shared=False)
    peer = GaussianMixture(2, covariance_type="diag", random_state=1, n_init=5, tol=1e-9)
    peer.fit(values)
    order = np.argsort(-peer.weights_)
    # the prior is worth five people on each variance; profiles that overlap pass it on
    np.testing.assert_allclose(found.share[0], peer.weights_[order], atol=0.01)
    np.testing.assert_allclose(found.mean[0], peer.means_[order], atol=0.02)
    np.testing.assert_allclose(found.variance[0], peer.covariances_[order], rtol=0.03)
    reached = float(found.log_likelihood[0]) / len(values)
    assert reached == pytest.approx(peer.score(values), abs=2e-4)


def test_one_profile_has_closed_form():
    values, _ = planted(n=50)
    found = fit_mixture(values, 1, np.random.default_rng(1))
    np.testing.assert_allclose(found.mean[0, 0], values.mean(axis=0), rtol=1e-9, atol=1e-12)
    spread = values.var(axis=0)
    np.testing.assert_allclose(found.variance[0, 0], (spread + 50 * spread) / 55, rtol=1e-9)


def test_counts_are_people_taken_more_than_once():
    values, _ = planted(n=60)
    counts = np.random.default_rng(3).multinomial(60, [1 / 60] * 60, size=2)
    found = fit_mixture(
        values, 2, np.random.default_rng(1), counts=counts, starts=1000, shared=False
    )
    prior = values.var(axis=0) / 4

    def plain(rows, fit, place):
        """Log-likelihood and log posterior by definition, one person after another."""
        total = 0.0
        for row in rows:
            parts = [
                fit.share[place, k]
                * np.exp(-0.5 * ((row - fit.mean[place, k]) ** 2 / fit.variance[place, k]).sum())
                / np.sqrt((2 * np.pi * fit.variance[place, k]).prod())
                for k in range(2)
            ]
            total += float(np.log(sum(parts)))
        v = fit.variance[place]
        return total, total - float((2.5 * np.log(v) + 0.5 * prior / v).sum())

    for place, count in enumerate(counts):
        rows = np.repeat(values, count, axis=0)
        likelihood, posterior = plain(rows, found, place)
        assert found.n[place] == 60
        assert found.log_likelihood[place] == pytest.approx(likelihood, abs=1e-8)
        # nobody who starts elsewhere, with the prior of the sample's own spread, gets higher
        again = fit_mixture(rows, 2, np.random.default_rng(2), starts=40, shared=False)
        assert posterior > plain(rows, again, 0)[1] - 1e-4


def test_planted_profiles_are_found_and_none_is_made_up():
    values, who = planted()
    found = [fit_mixture(values, k, np.random.default_rng(1)) for k in (1, 2, 3)]
    assert int(np.argmin([m.bic[0] for m in found])) == 1
    probabilities = found[1].probabilities(values)[0]
    assert adjusted_rand(probabilities.argmax(axis=1), who) > 0.7
    one = np.random.default_rng(5).normal(size=(400, 3))
    bics = [fit_mixture(one, k, np.random.default_rng(1)).bic[0] for k in (1, 2, 3)]
    assert int(np.argmin(bics)) == 0


def test_no_profile_closes_on_one_person():
    g = np.random.default_rng(4)
    values = np.vstack([g.normal(size=(35, 2)), [[9.0, 9.0]]])
    found = fit_mixture(values, 3, np.random.default_rng(1), shared=False)
    assert (found.variance > values.var(axis=0) / 9 / 8).all()


def test_a_shared_variance_is_the_pooled_one_at_its_maximum():
    """At the fit a further round by definition, with the prior, changes nothing."""
    values, _ = planted(n=120)
    found = fit_mixture(values, 2, np.random.default_rng(1))
    assert found.parameters == 2 * 3 + 3 + 1
    np.testing.assert_array_equal(found.variance[0, 0], found.variance[0, 1])
    p = found.probabilities(values)[0]
    square = sum(
        (p[:, k, None] * (values - np.average(values, axis=0, weights=p[:, k])) ** 2).sum(axis=0)
        for k in range(2)
    )
    expected = (values.var(axis=0) / 4 + square) / (5 + 120)
    np.testing.assert_allclose(found.variance[0, 0], expected, rtol=0.01)
    np.testing.assert_allclose(found.share[0], p.mean(axis=0), atol=0.003)


def test_agreement_is_scikit_learns():
    from sklearn.metrics import adjusted_rand_score

    g = np.random.default_rng(2)
    for _ in range(20):
        a, b = g.integers(0, 3, 40), g.integers(0, 4, 40)
        assert adjusted_rand(a, b) == pytest.approx(adjusted_rand_score(a, b), abs=1e-12)
    assert adjusted_rand(a, a) == 1.0
    assert adjusted_rand(np.zeros(5), np.ones(5)) == 1.0


def test_entropy_at_its_ends():
    assert relative_entropy(np.eye(3)[[0, 1, 2, 0]]) == pytest.approx(1.0)
    assert relative_entropy(np.full((4, 3), 1 / 3)) == pytest.approx(0.0)
    assert relative_entropy(np.ones((4, 1))) == 1.0


def test_a_relation_is_found_and_its_test_keeps_its_level():
    values, who = planted(n=60)
    probabilities = np.column_stack([1.0 - who, who]) * 0.9 + 0.05
    p = permute_relation(probabilities, values[:, [0]], 499, np.random.default_rng(1))
    assert p == 1 / 500
    means = profile_means(probabilities, values)
    plain = [np.average(values[:, 0], weights=probabilities[:, k]) for k in (0, 1)]
    np.testing.assert_allclose(means[:, 0], plain)
    hits = 0
    for seed in range(200):
        g = np.random.default_rng(seed)
        hits += permute_relation(probabilities, g.normal(size=(60, 1)), 99, g) <= 0.05
    assert abs(hits - 10) < 5 * np.sqrt(200 * 0.05 * 0.95)


def test_what_cannot_be_is_refused():
    values, _ = planted(n=20)
    g = np.random.default_rng(1)
    with pytest.raises(ArgumentError, match="every value is known"):
        fit_mixture(np.where(values > 2, np.nan, values), 2, g)
    with pytest.raises(ArgumentError, match="each marker varies"):
        fit_mixture(np.ones((20, 2)), 2, g)
    with pytest.raises(ArgumentError, match="a number from 1 to 19"):
        fit_mixture(values, 20, g)
    with pytest.raises(ArgumentError, match="something varies"):
        permute_relation(np.ones((20, 1)), np.ones((20, 1)), 19, g)


def test_one_group_whose_markers_go_together_is_no_two_profiles():
    from scipy import stats

    g = np.random.default_rng(3)
    line = g.normal(size=(400, 1))
    values = np.hstack([line, -line, line]) + 0.5 * g.normal(size=(400, 3))
    covariance = np.cov(values.T, bias=True)
    normal = stats.multivariate_normal(values.mean(axis=0), covariance)
    expected = -2 * normal.logpdf(values).sum() + 9 * np.log(400)
    assert correlated_bic(values) == pytest.approx(expected, rel=1e-10)
    mixtures = [fit_mixture(values, k, np.random.default_rng(1)).bic[0] for k in (1, 2)]
    assert mixtures[1] < mixtures[0]  # a mixture sees two profiles where there is one line
    assert correlated_bic(values) < mixtures[1]
    planted_values, _ = planted()
    two = fit_mixture(planted_values, 2, np.random.default_rng(1)).bic[0]
    assert two < correlated_bic(planted_values)
