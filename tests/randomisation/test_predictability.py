"""How well an allocation is foretold: exact where every path can be counted."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import equipoise as eq
from equipoise.protocol.changes import change_protocol
from equipoise.randomisation import draw_lists
from equipoise.randomisation.permuted_blocks import permuted_blocks
from equipoise.randomisation.predictability import foretold, imbalances
from equipoise.simulation import simulate_arrays
from equipoise.streams import stream


@pytest.fixture(scope="module")
def twin():
    return eq.load_protocol("il2-depression")


def changed(twin, **values):
    return change_protocol(twin, {f"randomisation.{k}": v for k, v in values.items()}).protocol


def one_stratum(protocol, arms):
    """The forecast of a list of the first stratum alone."""
    return foretold(protocol, np.zeros(len(arms), dtype=np.int64), np.asarray(arms))


def conditional(lists):
    """Share of each arm at every place, among lists that agree up to it: by counting lists."""

    def of(arms):
        found = []
        for place in range(len(arms)):
            same = [other for other in lists if other[:place] == tuple(arms[:place])]
            after = np.bincount([other[place] for other in same], minlength=2)
            found.append(after / after.sum())
        return np.array(found)

    return of


def test_in_blocks_of_one_size_it_is_the_share_of_the_lists_that_agree(twin):
    """Blocks of 6 at 1 : 2: placebo is arm 0 here, all 15 arrangements of a block are alike."""
    block = [p for p in itertools.product((0, 1), repeat=6) if sum(p) == 4]
    protocol = twin
    assert next(iter(protocol.arms)) == "placebo"
    expected = conditional([a + b + c for a in block for b in block for c in block])
    for seed in range(3):
        arms = draw_lists(protocol, seed)[protocol.strata[0]]
        np.testing.assert_allclose(one_stratum(protocol, arms), expected(arms.tolist()), atol=1e-12)


def test_in_blocks_of_random_size_it_is_the_share_of_many_lists(twin, write_protocol):
    """The first six places of blocks of 3 or 6, against 200,000 drawn lists."""
    text = ("block_sizes = [6]", "block_sizes = [3, 6]")
    protocol = eq.load_protocol(write_protocol(text))
    generator = stream(1, "many")
    ratio = np.array([1, 2])
    lists = [
        tuple(permuted_blocks(18, ratio, (3, 6), generator, complete=True)[:6].tolist())
        for _ in range(40_000)
    ]
    expected = conditional(lists)
    for arms in ((1, 1, 0, 1, 0, 1), (1, 1, 1, 1, 0, 0), (0, 0, 1, 1, 1, 1)):
        found = one_stratum(protocol, arms)
        n = [sum(other[:k] == arms[:k] for other in lists) for k in range(6)]
        assert np.all(np.abs(found - expected(arms))[:, 0] < 4 * 0.5 / np.sqrt(n) + 1e-9)
        # Four of the active arm in a row end a block of six in all but name.
    assert one_stratum(protocol, (1, 1, 1, 1, 0, 0))[5, 0] == pytest.approx(1.0)


@pytest.mark.parametrize("method", ["biased-coin", "urn", "minimisation"])
def test_at_equal_shares_the_rule_itself_is_the_forecast(twin, method):
    plan = {"randomisation.method": method, "arms.il2.ratio": 1}
    protocol = change_protocol(twin, plan).protocol
    arms = np.array([0, 1, 1, 0, 0, 1])
    found = one_stratum(protocol, arms)[:, 0]
    if method == "urn":  # empty at first: balls are how often the other arm was given
        expected = [0.5, 0, 0.5, 2 / 3, 0.5, 2 / 5]
    else:
        behind = np.cumsum(1 - 2 * arms)  # placebo minus the other
        expected = [0.5, *(0.2 if d > 0 else 0.8 if d < 0 else 0.5 for d in behind[:-1])]
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("method", ["biased-coin", "urn", "minimisation"])
def test_at_unequal_shares_the_forecast_is_calibrated(twin, method):
    """The filter follows parts that are not seen: what it says at 70 % happens in 70 %."""
    protocol = changed(twin, method=method)
    said, happened = [], []
    for trial in range(150):
        arrays = simulate_arrays(protocol, 4, trial=trial, asked=frozenset())
        said.append(foretold(protocol, arrays.stratum, arrays.arm, seed=trial)[:, 1])
        happened.append(arrays.arm == 1)
    p, y = np.concatenate(said), np.concatenate(happened)
    np.testing.assert_array_equal((p >= 0) & (p <= 1), True)
    for low, high in itertools.pairwise(np.quantile(p, [0, 0.25, 0.5, 0.75, 1])):
        here = (p >= low) & (p <= high)
        error = np.sqrt(y[here].mean() * (1 - y[here].mean()) / here.sum())
        assert abs(p[here].mean() - y[here].mean()) < 4 * error + 0.01
    # And it knows more than the ratio: the log likelihood of what happened says so.
    base = np.full_like(p, 2 / 3)
    gain = [np.where(y, np.log(q), np.log1p(-q)).sum() for q in (np.clip(p, 1e-9, 1 - 1e-9), base)]
    assert gain[0] > gain[1]


def test_nothing_is_foretold_of_free_draws(twin):
    protocol = changed(twin, method="simple")
    arrays = simulate_arrays(protocol, 1, asked=frozenset())
    found = foretold(protocol, arrays.stratum, arrays.arm)
    np.testing.assert_allclose(found, np.tile([1 / 3, 2 / 3], (36, 1)))


def test_imbalance_is_the_distance_from_the_share(twin):
    stratum = np.array([0, 0, 0, 1, 1, 1])
    arm = np.array([0, 0, 0, 1, 1, 1])
    found = imbalances(twin, stratum, arm)
    assert found == {"all": 1.0, "diagnosis": 2.0}
