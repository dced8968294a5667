"""Randomisation: exact ratios, sealed lists, distributions that are what they claim."""

from __future__ import annotations

import json
import stat

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import equipoise as eq
from equipoise.randomisation import read_seal, seal, verify_commitment, write_allocation
from equipoise.randomisation.permuted_blocks import permuted_blocks
from equipoise.randomisation.simple import simple
from equipoise.streams import stream

ratios = st.lists(st.integers(1, 4), min_size=2, max_size=4)


@given(ratio=ratios, multiples=st.lists(st.integers(1, 3), min_size=1, max_size=3, unique=True),
       blocks=st.integers(1, 12), seed=st.integers(0, 2**32))  # fmt: skip
@settings(deadline=None)
def test_every_complete_block_holds_the_ratio(ratio, multiples, blocks, seed):
    shares = np.array(ratio)
    unit = int(shares.sum())
    sizes = tuple(m * unit for m in multiples)
    size = sum(np.random.default_rng(seed).choice(sizes, blocks))
    arms = permuted_blocks(int(size), shares, sizes, stream(seed, "t"), complete=True)
    assert len(arms) == size
    # All complete: the whole list holds the ratio exactly, and so does every block: at each
    # place the imbalance is at most what one open block allows.
    counts = np.stack([(arms == k).cumsum() for k in range(len(ratio))])
    expected = shares[:, None] * np.arange(1, size + 1) / unit
    assert np.abs(counts - expected).max() <= max(sizes)
    np.testing.assert_array_equal(counts[:, -1] * unit, shares * size)


@given(ratio=ratios, size=st.integers(1, 50), seed=st.integers(0, 2**32))
@settings(deadline=None)
def test_an_incomplete_last_block_is_cut_not_rebalanced(ratio, size, seed):
    shares = np.array(ratio)
    unit = int(shares.sum())
    whole = size + -size % unit
    cut = permuted_blocks(size, shares, (unit,), stream(seed, "t"), complete=False)
    full = permuted_blocks(whole, shares, (unit,), stream(seed, "t"), complete=True)
    np.testing.assert_array_equal(cut, full[:size])


def test_every_arrangement_of_a_block_is_equally_likely():
    generator = stream(7, "t")
    n = 6000
    seen: dict[tuple[int, ...], int] = {}
    for _ in range(n):
        block = permuted_blocks(6, np.array([1, 2]), (6,), generator, complete=True)
        key = tuple(int(a) for a in block)
        seen[key] = seen.get(key, 0) + 1
    assert len(seen) == 15  # 6! / (2! 4!)
    # A fixed seed: this p-value is a constant, 1 in 1,000 would fail for a wrong shuffle only.
    assert stats.chisquare(list(seen.values())).pvalue > 0.001


def test_simple_randomisation_draws_in_the_ratio_and_independently():
    arms = simple(30_000, np.array([1, 2]), stream(11, "t"))
    share = (arms == 1).mean()
    assert abs(share - 2 / 3) < 4 * np.sqrt(2 / 9 / 30_000)
    pairs = np.bincount(arms[:-1] * 2 + arms[1:], minlength=4)
    expected = np.outer([1 / 3, 2 / 3], [1 / 3, 2 / 3]).ravel() * pairs.sum()
    assert stats.chisquare(pairs, expected).pvalue > 0.001


@pytest.mark.parametrize("seed", range(20))
def test_the_twin_gets_exactly_12_and_6_in_each_diagnosis(il2, seed):
    frame = eq.randomise(il2, seed).frame
    counts = {(s, a): n for s, a, n in frame.group_by("stratum", "arm").len().iter_rows()}
    assert counts == {
        ("MDD", "il2"): 12, ("MDD", "placebo"): 6, ("BD", "il2"): 12, ("BD", "placebo"): 6,
    }  # fmt: skip
    for _, part in frame.group_by("stratum"):
        assert part["sequence"].to_list() == list(range(1, 19))


def test_lists_depend_on_seed_and_trial_and_strata_do_not_share_a_stream(il2):
    first = eq.randomise(il2, 1).frame
    assert first.equals(eq.randomise(il2, 1).frame)
    assert not first.equals(eq.randomise(il2, 2).frame)
    assert not first.equals(eq.randomise(il2, 1, trial=1).frame)
    arms = {key[0]: part["arm"].to_list() for key, part in first.group_by("stratum")}
    assert arms["MDD"] != arms["BD"]


def test_random_block_sizes_fill_the_stratum_exactly(write_protocol):
    protocol = eq.load_protocol(write_protocol(("block_sizes = [6]", "block_sizes = [3, 6, 9]")))
    for seed in range(30):
        counts = eq.randomise(protocol, seed).frame.group_by("stratum", "arm").len()
        assert sorted(counts["len"].to_list()) == [6, 6, 12, 12]


def test_the_seal_proves_the_list_and_only_this_list(il2):
    frame = eq.randomise(il2, 5).frame
    made = seal(frame, il2.hash)
    shuffled = frame.sample(fraction=1, shuffle=True, seed=1)
    assert verify_commitment(shuffled, il2.hash, made.salt, made.commitment)
    other = eq.randomise(il2, 6).frame
    assert not verify_commitment(other, il2.hash, made.salt, made.commitment)
    assert not verify_commitment(frame, "0" * 64, made.salt, made.commitment)
    assert not verify_commitment(frame, il2.hash, seal(frame, il2.hash).salt, made.commitment)
    # Salted: the same list has another commitment each time, so that it cannot be guessed.
    assert seal(frame, il2.hash).commitment != made.commitment


def test_a_list_is_written_once_readable_by_its_owner(il2, tmp_path):
    drawn = eq.randomise(il2, 2**128 - 1)
    write_allocation(drawn, tmp_path, rehearsal=False)
    for name, mode in (("allocation-list.csv", 0o600), ("secret.json", 0o600)):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode
    public = (tmp_path / "commitment.json").read_text(encoding="utf-8")
    assert str(2**128 - 1) not in public
    secret = json.loads((tmp_path / "secret.json").read_text(encoding="utf-8"))
    assert secret["salt"] not in public
    assert secret["seed"] == str(2**128 - 1)
    frame, made = read_seal(tmp_path)
    assert verify_commitment(frame, il2.hash, made.salt, made.commitment)
    assert not (tmp_path / "equipoise-files.json").exists()  # no hash of the list anywhere
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(eq.EquipoiseError, match="never overwritten"):
        write_allocation(drawn, tmp_path, rehearsal=False)
    # The list is moved away, as one does with a list: its secret must survive.
    (tmp_path / "allocation-list.csv").unlink()
    with pytest.raises(eq.EquipoiseError, match="never overwritten"):
        write_allocation(drawn, tmp_path, rehearsal=False)
    del before["allocation-list.csv"]
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_neither_the_repr_of_a_list_nor_of_a_seal_shows_the_secret(il2):
    drawn = eq.randomise(il2, 123456789)
    assert "123456789" not in repr(drawn)
    made = seal(drawn.frame, il2.hash)
    assert made.salt not in repr(made)


@pytest.mark.parametrize("seed", [-1, 2**128])
def test_a_seed_outside_its_range_is_refused(il2, seed):
    with pytest.raises(eq.EquipoiseError, match=r"from 0 to 2\*\*128") as info:
        eq.randomise(il2, seed)
    assert str(seed) not in str(info.value)
