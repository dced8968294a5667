"""Stopping rules: exact fractions, every sequence of twelve, and a simulated twin."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from equipoise.stats import ArgumentError, stopping_boundary, stopping_characteristics


def exact_tail(count: int, n: int, p: Fraction) -> Fraction:
    return sum(
        (math.comb(n, x) * p**x * (1 - p) ** (n - x) for x in range(count, n + 1)), Fraction(0)
    )


@pytest.mark.parametrize(("p0", "alpha"), [("1/10", "1/20"), ("1/20", "1/20"), ("1/3", "1/10")])
def test_boundary_in_exact_fractions(p0: str, alpha: str) -> None:
    p, level = Fraction(p0), Fraction(alpha)
    found = stopping_boundary(range(1, 41), float(p), float(level))
    for n, count, tail in zip(found.looks, found.events, found.tail, strict=True):
        stopping = [x for x in range(n + 1) if exact_tail(x, n, p) <= level]
        assert count == (stopping[0] if stopping else None)
        if count is None:
            assert math.isnan(tail)
        else:
            assert tail == pytest.approx(float(exact_tail(count, n, p)), rel=1e-12)
    # (1/20, 1/20) has a tail of exactly alpha at the first look: it stops
    assert (found.events[0] == 1) == (p <= level)


def walk(looks: list[int], events: list[int | None], p: float) -> tuple[list[float], float, float]:
    """Every sequence of events, one after the other."""
    crossing, participants, total = [0.0] * len(looks), 0.0, 0.0
    for sequence in itertools.product((0, 1), repeat=looks[-1]):
        probability = math.prod(p if e else 1 - p for e in sequence)
        for k, (n, count) in enumerate(zip(looks, events, strict=True)):
            if count is not None and sum(sequence[:n]) >= count:
                crossing[k] += probability
                break
        else:
            n = looks[-1]
        participants += probability * n
        total += probability * sum(sequence[:n])
    return crossing, participants, total


@pytest.mark.parametrize(
    ("looks", "events"),
    [
        ([3, 6, 9, 12], [2, 3, 4, 5]),
        (list(range(1, 13)), [None, 2, 2, 3, 3, 3, 4, 4, 4, 4, 5, 5]),
        ([12], [3]),
        ([4, 8], [None, 9]),
    ],
)
def test_characteristics_by_counting_every_sequence(
    looks: list[int], events: list[int | None]
) -> None:
    rates = [0.0, 0.1, 0.35, 1.0]
    found = stopping_characteristics(looks, events, rates)
    for i, p in enumerate(rates):
        crossing, participants, total = walk(looks, events, p)
        assert found.first_crossing[i] == pytest.approx(crossing, abs=1e-13)
        assert found.stop[i] == pytest.approx(sum(crossing), abs=1e-13)
        assert found.expected_participants[i] == pytest.approx(participants, abs=1e-11)
        assert found.expected_events[i] == pytest.approx(total, abs=1e-11)


def test_one_look_is_the_binomial_tail() -> None:
    rule = stopping_boundary([24], 0.1, 0.05)
    assert rule.events == (6,)
    found = stopping_characteristics(rule.looks, rule.events, [0.1, 0.3])
    assert found.stop[0] == pytest.approx(rule.tail[0], rel=1e-12)
    assert found.stop[1] == pytest.approx(float(exact_tail(6, 24, Fraction(3, 10))), rel=1e-12)


def test_many_looks_stop_more_often_than_one() -> None:
    """At the acceptable rate a look after each of 36 stops far more often than alpha."""
    rule = stopping_boundary(range(1, 37), 0.1, 0.05)
    found = stopping_characteristics(rule.looks, rule.events, [0.1])
    assert found.stop[0] > 0.10
    assert max(tail for tail in rule.tail if tail == tail) <= 0.05


def test_simulated_twin() -> None:
    rng = np.random.default_rng(7)
    rule = stopping_boundary([6, 12, 18, 24, 30, 36], 0.1, 0.05)
    found = stopping_characteristics(rule.looks, rule.events, [0.25])
    drawn = 40_000
    cumulated = np.cumsum(rng.random((drawn, 36)) < 0.25, axis=1)
    at_look = cumulated[:, np.array(rule.looks) - 1]
    crossed = at_look >= np.array([99 if e is None else e for e in rule.events])
    first = np.where(crossed.any(axis=1), crossed.argmax(axis=1), -1)
    for k in range(6):
        share = found.first_crossing[0, k]
        error = math.sqrt(share * (1 - share) / drawn)
        assert (first == k).mean() == pytest.approx(share, abs=5 * error)
    treated = np.where(first >= 0, np.array(rule.looks)[first], 36)
    error = treated.std() / math.sqrt(drawn)
    assert treated.mean() == pytest.approx(found.expected_participants[0], abs=5 * error)
    # Wald's identity: a stopping time of independent participants
    assert found.expected_events == pytest.approx(0.25 * found.expected_participants)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stopping_boundary([], 0.1, 0.05), "there is at least one"),
        (lambda: stopping_boundary([6, 6], 0.1, 0.05), r"looks are at least 1 and rise.*got \[6, 6\]"),
        (lambda: stopping_boundary([0, 6], 0.1, 0.05), "looks are at least 1"),
        (lambda: stopping_boundary([6.5], 0.1, 0.05), "looks are whole numbers"),
        (lambda: stopping_boundary([6], 0.0, 0.05), r"p0: the acceptable probability lies between 0 and 1"),
        (lambda: stopping_boundary([6], 0.1, 1.0), "alpha lies between"),
        (lambda: stopping_characteristics([6, 9], [2], 0.1), "events: one count a look, 2 in all"),
        (lambda: stopping_characteristics([6], [0], 0.1), "events at look 6: a stopping count"),
        (lambda: stopping_characteristics([6], [2], [1.2]), "rates lie between 0 and 1"),
    ],
)  # fmt: skip
def test_what_is_refused(call: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call()  # pyright: ignore[reportCallIssue]
