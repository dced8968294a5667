"""Compressed rows have the sums of products of all rows, by either way of finding them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from equipoise.stats import DesignError, compressed_rows
from equipoise.stats.compressed_rows import compress_participants, index_patterns
from equipoise.stats.design_checks import refuse_design
from equipoise.stats.model_data import read_model_data


def rows_of(n: int, visits: int, seed: int, year: bool) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    observed = rng.random((n, visits)) < 0.8
    observed[~observed.any(axis=1), 0] = True
    subject, visit = np.nonzero(observed)
    z = np.column_stack([np.ones(n), np.arange(n) % 2, rng.normal(size=n)])
    if year:
        z[:, 2] = 2020.0 + rng.integers(-1, 2, n)
    by_visit = np.eye(visits)[visit]
    design = np.column_stack([z[subject], by_visit[:, 1:], by_visit[:, 1:] * z[subject, 1:2]])
    design = np.column_stack([design, rng.normal(size=len(subject))])  # changes within people
    response = 1e4 + design @ rng.normal(size=design.shape[1]) + rng.normal(size=len(subject))
    return subject, visit, np.ascontiguousarray(design), response


def products(
    design: np.ndarray, response: np.ndarray, subject: np.ndarray, visit: np.ndarray, g_rows
) -> np.ndarray:
    """Sum over participants of (rows side by side)'(rows side by side), by its definition."""
    q = design.shape[1] + 1
    total = np.zeros((g_rows.shape[1] * q, g_rows.shape[1] * q))
    both = np.column_stack([design, response])
    for rows in g_rows:
        flat = both[rows].ravel()
        total += np.outer(flat, flat)
    return total


@pytest.mark.parametrize("many", [1, 10**9], ids=["by products", "by Gram-Schmidt"])
@pytest.mark.parametrize("year", [False, True])
def test_sums_of_products_are_kept(monkeypatch: pytest.MonkeyPatch, many: int, year: bool) -> None:
    monkeypatch.setattr(compressed_rows, "_MANY", many)
    n, visits = 900, 2
    subject, visit, design, response = rows_of(n, visits, 5, year)
    index = index_patterns(subject, visit, visits)
    lengths = np.sqrt(np.einsum("ij,ij->j", design, design))
    got = compress_participants(design, response, 1.0 / lengths, index)
    q = design.shape[1] + 1
    for g, m in enumerate(index.n_visits):
        who = index.members[index.member_first[g] : index.member_first[g + 1]]
        expected = products(
            design / lengths, response, subject, visit, index.row_of[who][:, index.visits[g, :m]]
        )
        flat = got.rows[got.first[g] : got.first[g + 1]].reshape(-1, m * q)
        found = flat.T @ flat
        y = np.arange(m) * q + q - 1
        found[np.ix_(y, y)] += got.sums[g, :m, :m]
        scale = np.sqrt(np.maximum(np.diagonal(expected), np.min(np.diagonal(expected)[y])))
        assert np.max(np.abs(found - expected) / np.outer(scale, scale)) < 1e-12
        assert len(flat) < len(who) / 4, "it compresses"


def test_patterns_index_every_row_once() -> None:
    subject, visit, _, _ = rows_of(60, 4, 7, False)
    block = np.arange(60) % 2
    index = index_patterns(subject, visit, 4, block)
    assert sorted(index.members) == list(range(60))
    assert (np.diff(index.block) >= 0).all()
    seen = []
    for g, m in enumerate(index.n_visits):
        for person in index.members[index.member_first[g] : index.member_first[g + 1]]:
            rows = index.row_of[person, index.visits[g, :m]]
            assert (subject[rows] == person).all()
            assert (visit[rows] == index.visits[g, :m]).all()
            assert block[person] == index.block[g]
            seen += rows.tolist()
    assert sorted(seen) == list(range(len(subject)))


def test_many_visits_are_sorted_by_whole_rows() -> None:
    rng = np.random.default_rng(1)
    observed = rng.random((30, 45)) < 0.9
    subject, visit = np.nonzero(observed)
    index = index_patterns(subject, visit, 45, np.zeros(30, dtype=np.int64))
    assert int(index.counts.sum()) == 30
    assert (index.observed.sum(axis=1) == index.n_visits).all()


def test_a_column_at_which_the_kernels_stop_is_named() -> None:
    """Where the design's own check would have passed it: the two tolerances differ by rounding."""
    frame = pl.DataFrame(
        {"id": [1, 1, 2, 2, 3, 3], "v": ["a", "b"] * 3, "x": range(6), "y": [1.0, 2, 4, 3, 6, 5]}
    )
    read = read_model_data("y ~ v + x", frame, subject="id", visit="v")
    with pytest.raises(DesignError, match="the column x is a linear combination of the columns"):
        refuse_design(read, read.terms.index("x"))
