"""Several trials at once are the trials one by one, bit for bit, whatever their company."""

from __future__ import annotations

import numpy as np
import pytest

import equipoise as eq
from equipoise.design.trial_values import serious_among, values_of_trials
from equipoise.protocol.changes import change_protocol
from equipoise.simulation import at_once, simulate_arrays, simulate_block
from equipoise.trial_generators import TrialGenerators

TRIALS = (4, 0, 17, 5, 900_001)


def same(one, other):
    np.testing.assert_array_equal(one, other)
    assert one.dtype == other.dtype


def asked_of(protocol):
    return frozenset(
        key
        for key, point in protocol.endpoints.items()
        if at_once(protocol, frozenset({key})) and point.scale.continuous
    )


@pytest.mark.parametrize("scenario", ["planned", "null", "link-off", "cells-only"])
@pytest.mark.parametrize("patients", ["mechanistic", "statistical"])
def test_a_trial_is_the_same_in_any_company(il2, patients, scenario):
    asked = asked_of(il2)
    block = simulate_block(il2, 3, TRIALS, asked, scenario=scenario, patients=patients)
    assert (len(block), block.size) == (5, 36)
    for place, trial in enumerate(TRIALS):
        own = simulate_arrays(
            il2, 3, trial=trial, scenario=scenario, patients=patients, asked=asked
        )
        for name in ("site", "stratum", "sequence", "arm", "days", "leaving", "stopped"):
            same(block.by_trial(getattr(block.arrays, name))[place], getattr(own, name))
        for table in ("covariates", "cells", "labs", "vitals", "exposures", "imaging"):
            mine = getattr(own, table)
            assert set(mine) == set(getattr(block.arrays, table))
            for key, values in mine.items():
                same(block.by_trial(getattr(block.arrays, table)[key])[place], values)
        for key, scores in own.scores.items():
            same(block.by_trial(block.arrays.scores[key].values[0])[place], scores.values[0])
        mine = np.flatnonzero(block.arrays.events.participant // 36 == place)
        assert len(mine) == len(own.events.participant) > 0
        same(block.arrays.events.participant[mine] - 36 * place, own.events.participant)
        for name in ("term", "start", "end", "grade", "serious", "related", "stopping"):
            same(getattr(block.arrays.events, name)[mine], getattr(own.events, name))


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("il2-bipolar", {}),
        ("antidepressant-example", {}),
        ("minocycline-depression", {}),
        ("antidepressant-example", {"population.size": 50}),
    ],
)
def test_every_study_gives_the_same_values_in_a_block(name, changes):
    protocol = eq.load_protocol(name)
    for field, value in changes.items():
        protocol = change_protocol(protocol, {field: value}).protocol
    asked = asked_of(protocol)
    block = simulate_block(protocol, 8, range(10, 13), asked)
    single = [simulate_arrays(protocol, 8, trial=k, asked=asked) for k in range(10, 13)]
    whole, parts = (values_of_trials(protocol, each, sorted(asked)) for each in ([block], single))
    for mine, other in (
        (whole.arm, parts.arm), (whole.stratum, parts.stratum), (whole.serious, parts.serious),
        *((whole.factors[k], parts.factors[k]) for k in parts.factors),
        *((whole.numbers[k], parts.numbers[k]) for k in parts.numbers),
        *((whole.endpoints[k], parts.endpoints[k]) for k in parts.endpoints),
    ):  # fmt: skip
        same(mine, other)


@pytest.mark.parametrize("method", ["minimisation", "urn", "biased-coin", "simple"])
def test_lists_of_every_method_are_those_of_each_trial(il2, method):
    protocol = change_protocol(il2, {"randomisation.method": method}).protocol
    block = simulate_block(protocol, 2, (3, 1), frozenset({"treg_percent"}))
    for place, trial in enumerate((3, 1)):
        own = simulate_arrays(protocol, 2, trial=trial, asked=frozenset())
        same(block.by_trial(block.arrays.arm)[place], own.arm)
        same(block.by_trial(block.arrays.sequence)[place], own.sequence)


def test_serious_events_are_counted_among_who_enrolled_first(il2):
    changed = change_protocol(
        il2, {"assumptions.statistical.events.Headache.serious": 0.9}
    ).protocol
    block = simulate_block(changed, 1, range(3), frozenset(), patients="statistical")
    own = [simulate_arrays(changed, 1, trial=k, patients="statistical") for k in range(3)]
    sizes = np.array([10, 36, 0])
    found = serious_among([block], sizes)
    for trial, size, count in zip(own, sizes, found, strict=True):
        who = {int(p) for p, s in zip(trial.events.participant, trial.events.serious, strict=True)
               if s and p < size}  # fmt: skip
        assert count == len(who)
    assert found[1] > found[2] == 0
    same(found, serious_among(own, sizes))


def test_items_of_forms_are_not_drawn_at_once(il2):
    protocol = eq.load_protocol("antidepressant-example")
    key = next(k for k, p in protocol.endpoints.items() if p.instrument is not None)
    assert at_once(protocol, frozenset({key}))
    point = protocol.endpoints[key].model_copy(update={"part": "1"})
    changed = protocol.model_copy(update={"endpoints": {**protocol.endpoints, key: point}})
    assert not at_once(changed, frozenset({key}))
    with pytest.raises(ValueError, match="items of forms are drawn trial by trial"):
        simulate_block(changed, 1, range(2), frozenset({key}))
    with pytest.raises(eq.EquipoiseError, match="a trial's index is a whole number"):
        simulate_block(protocol, 1, (0, -1), frozenset({key}))


def test_generators_of_several_trials_refuse_a_size_that_is_not_theirs():
    pair = [np.random.Generator(np.random.Philox(key=k)) for k in (1, 2)]
    both = TrialGenerators(pair, 5)
    with pytest.raises(ValueError, match="9 rows asked of 2 trials of 5"):
        both.random(9)
    drawn = both.in_columns("random", (3, 10, 2))
    alone = np.random.Generator(np.random.Philox(key=2)).random((3, 5, 2))
    np.testing.assert_array_equal(drawn[:, 5:], alone)


def test_large_trials_are_simulated_a_few_at_a_time(il2, monkeypatch):
    from equipoise.design import chunks

    work = chunks.prepare(il2, 3)
    whole = chunks.run_chunk(work, 0, 5)
    asked = []
    real = eq.simulation.simulate_block

    def watched(protocol, seed, trials, *rest, **more):
        asked.append(list(trials))
        return real(protocol, seed, trials, *rest, **more)

    monkeypatch.setattr(chunks, "BLOCK_ROWS", 80)
    monkeypatch.setattr("equipoise.simulation.simulate_block", watched)
    parts = chunks.run_chunk(work, 0, 5)
    assert asked == [[0, 1], [2, 3], [4]]
    for name in ("hits", "estimate", "se", "df", "fits", "serious"):
        same(getattr(parts, name), getattr(whole, name))
