"""Who leaves: by what was seen, or by what was not."""

from __future__ import annotations

import numpy as np
import pytest

from equipoise.patients import cumulative_probabilities
from equipoise.simulation.observation import ObservationPlan, observed_days
from equipoise.streams import stream

N = 60_000
#: Two visits after baseline, of which each is the last with probability about 0.15.
PLAN = {
    "day": np.array([0.0, 14.0, 28.0]), "earliest": np.array([0.0, 12.0, 26.0]),
    "latest": np.array([0.0, 16.0, 30.0]), "jitter": 0.4,
    "logit": np.array([np.log(0.15 / 0.85)]),
    "seen": 0.0, "unseen": 0.0, "missed": 0.1, "reasons": ("a", "b"),
    "cumulative": cumulative_probabilities([0.5, 0.5]), "instrument": "x", "sign": 1.0,
    "rated": (0, 1, 2),
}  # fmt: skip


@pytest.fixture(scope="module")
def scores():
    generator = np.random.default_rng(1)
    root = np.linalg.cholesky(0.6 ** np.abs(np.subtract.outer(range(3), range(3))))
    return 20 + 4 * generator.standard_normal((N, 3)) @ root.T


def left(scores, **options):
    plan = ObservationPlan(**{**PLAN, **options})
    arms = np.zeros(N, dtype=np.int64)
    days, leaving, _ = observed_days(plan, {"x": scores}, arms, stream(5, "t"))
    return days, leaving


def logistic(y, *columns):
    """Slopes of a logistic regression by Newton's method, and their standard errors."""
    x = np.column_stack([np.ones(len(y)), *columns])
    b = np.zeros(x.shape[1])
    for _ in range(25):
        p = 1 / (1 + np.exp(-x @ b))
        information = x.T @ (x * (p * (1 - p))[:, None])
        b += np.linalg.solve(information, x.T @ (y - p))
    return b[1:], np.sqrt(np.diag(np.linalg.inv(information)))[1:]


def standardised(scores):
    return (scores - scores.mean(axis=0)) / scores.std(axis=0)


@pytest.mark.parametrize(
    ("seen", "unseen"), [(0.0, 0.0), (0.8, 0.0), (0.0, 0.8), (-0.5, 0.7), (0.8, -0.4)]
)
def test_leaving_follows_the_seen_and_the_unseen_score_by_their_slopes(scores, seen, unseen):
    """Leaving before the second visit, on the baseline and the score that it would have given."""
    _, leaving = left(scores, seen=seen, unseen=unseen)
    z = standardised(scores)
    first = leaving < 14
    slopes, errors = logistic(first.astype(float), z[:, 0], z[:, 1])
    assert np.abs(slopes - [seen, unseen]).max() < 4 * errors.max()


def test_a_missed_visit_is_not_seen(scores):
    """After a missed second visit leaving follows the baseline score, else the second."""
    days, leaving = left(scores, seen=1.0)
    z = standardised(scores)
    at_risk = leaving > 12  # by the earliest day of the second visit the others have left
    missed = at_risk & np.isnan(days[:, 1])
    assert abs(missed.sum() / at_risk.sum() - 0.1) < 0.01
    for who, expected in ((at_risk & ~missed, (0.0, 1.0)), (missed, (1.0, 0.0))):
        gone = np.isfinite(leaving[who]).astype(float)
        slopes, errors = logistic(gone, z[who, 0], z[who, 1])
        assert np.abs(slopes - expected).max() < 4.5 * errors.max()


def test_higher_is_better_turns_the_sign(scores):
    _, leaving = left(scores, seen=0.8, sign=-1.0)
    slopes, errors = logistic((leaving < 14).astype(float), standardised(scores)[:, 0])
    assert abs(slopes[0] + 0.8) < 4 * errors[0]


def test_nobody_leaves_at_probability_0_however_steep_the_slope(scores):
    _, leaving = left(scores, seen=500.0, unseen=-800.0, logit=np.array([-np.inf]))
    assert np.isinf(leaving).all()


def test_who_left_is_not_seen_again(scores):
    days, leaving = left(scores, seen=0.5)
    gone = np.isfinite(leaving)
    assert not (days[gone] > leaving[gone, None]).any()
    assert np.isfinite(days[:, 0]).all()
