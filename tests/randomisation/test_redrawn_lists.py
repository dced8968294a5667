"""The list drawn again: by the same scheme, at the same places, reproducibly."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

import equipoise as eq
from equipoise.randomisation import redraw


@pytest.fixture
def scheme(write_protocol):
    def make(*changes):
        return eq.load_protocol(write_protocol(*changes))

    return make


BLOCKS = "block_sizes = [6]\nstratum_sizes = { MDD = 18, BD = 18 }"


def test_every_list_holds_the_ratio_and_the_first_ones_stay(il2):
    places = {"MDD": range(1, 19), "BD": range(1, 19)}
    found = redraw(il2, places, 50, seed=3)
    more = redraw(il2, places, 80, seed=3)
    active = list(il2.arms).index("il2")
    for stratum in places:
        assert found[stratum].shape == (50, 18)
        np.testing.assert_array_equal(more[stratum][:50], found[stratum])
        blocks = (found[stratum] == active).reshape(50, 3, 6).sum(axis=2)
        assert (blocks == 4).all()
    assert (found["MDD"] != found["BD"]).any()
    assert (redraw(il2, places, 50, seed=4)["MDD"] != found["MDD"]).any()
    # Not the stream that drew the list of a trial with this seed.
    listed = eq.randomise(il2, seed=3).frame.filter(stratum="MDD")["arm"].to_list()
    keys = np.array(list(il2.arms))
    assert keys[found["MDD"][0]].tolist() != listed


def test_places_that_nobody_took_are_passed_over(il2):
    every = redraw(il2, {"MDD": range(1, 19)}, 20, seed=1)["MDD"]
    some = redraw(il2, {"MDD": [2, 7, 18]}, 20, seed=1)["MDD"]
    np.testing.assert_array_equal(some, every[:, [1, 6, 17]])


def test_more_people_than_places_go_on_in_blocks(il2):
    found = redraw(il2, {"MDD": range(1, 22)}, 30, seed=1)["MDD"]
    active = list(il2.arms).index("il2")
    assert ((found[:, :18] == active).reshape(30, 3, 6).sum(axis=2) == 4).all()
    assert ((found[:, 18:] == active).sum(axis=1) >= 1).all()


def test_random_block_sizes_are_drawn_again(scheme):
    """The first three arms of a stratum, against lists of their own seeds."""
    protocol = scheme((BLOCKS, "block_sizes = [3, 6]\nincomplete_blocks = true"))
    drawn = redraw(protocol, {"MDD": [1, 2, 3]}, 3000, seed=5)["MDD"]
    keys = np.array(list(protocol.arms))
    mine = Counter("".join(word[0] for word in keys[row]) for row in drawn)
    # A block of 3 has one placebo in any place; the first half of a block of 6 has none, one or
    # two: 4, 12 and 4 of 20.
    placebos = Counter(sum(letter == "p" for letter in word) for word in mine.elements())
    wanted = np.array([0.5 * 0.2, 0.5 + 0.5 * 0.6, 0.5 * 0.2]) * 3000
    assert chisquare([placebos[k] for k in (0, 1, 2)], wanted).pvalue > 1e-4
    other = Counter()
    for seed in range(400):
        frame = eq.randomise(protocol, seed=seed).frame.filter(stratum="MDD")
        other["".join(arm[0] for arm in frame["arm"][:3])] += 1
    assert set(other) == set(mine)


def test_complete_blocks_stay_complete(scheme):
    protocol = scheme(("block_sizes = [6]", "block_sizes = [6, 12]"))
    drawn = redraw(protocol, {"MDD": range(1, 19)}, 200, seed=5)["MDD"]
    active = list(protocol.arms).index("il2")
    assert ((drawn == active).sum(axis=1) == 12).all()


def test_simple_randomisation_draws_each_by_itself(antidepressant):
    found = redraw(antidepressant, {"all": range(1, 173)}, 500, seed=2)["all"]
    counts = found.sum(axis=1)
    assert counts.std() > 4  # binomial(172, 1/2): 6.6; blocks would give 0
    assert abs(counts.mean() - 86) < 5 * 6.56 / np.sqrt(500)
