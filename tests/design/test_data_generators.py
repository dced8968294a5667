"""A user's own function in the place of the virtual patients: the same door, the same numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest
from tests.analysis.test_interim import with_looks

import equipoise as eq
from equipoise.design import compare_looks, workers
from equipoise.design.recorded_values import serious_in_records, values_of_records
from equipoise.design.sequential_trials import ENDS_WITH
from equipoise.design.trial_values import serious_among, values_of_trials
from equipoise.protocol.changes import change_protocol
from equipoise.simulation import simulate_arrays

ROWS = ("hits", "estimate", "se", "df", "fits", "serious")


def as_simulated(protocol, seed, *, scenario, trial):
    """The package's own virtual patients, by way of their records."""
    return eq.simulate(protocol, seed, scenario=scenario, trial=trial)


def skewed(protocol, seed, *, scenario, trial):
    """Exponential changes, normal in no way; the drug takes 2 points off, but not under null."""
    records = eq.simulate(protocol, seed, scenario="null", trial=trial)
    rng = np.random.default_rng([seed, trial])
    arms = dict(records.allocation.select("participant", "arm").iter_rows())
    off = {"drug": 2.0 if scenario == "planned" else 0.0, "placebo": 0.0}
    scores = records.scores.with_columns(
        score=pl.Series(
            [
                max(0, min(52, round(20 - off[arms[p]] * (v != "baseline") + rng.exponential(6.0))))
                for p, v in records.scores.select("participant", "visit").iter_rows()
            ]
        )
    )
    return dataclasses.replace(records, scores=scores)


def of_two_sizes(protocol, seed, *, scenario, trial):
    """Trials of 60 or 100 people."""
    size = 60 if trial % 2 else 100
    other = change_protocol(protocol, {"population.size": size}).protocol
    records = eq.simulate(other, seed, scenario=scenario, trial=trial)
    manifest = records.manifest.model_copy(update={"protocol_hash": protocol.hash})
    return dataclasses.replace(records, manifest=manifest)


@pytest.fixture(scope="module")
def small():
    protocol = eq.load_protocol("antidepressant-example")
    analysis = protocol.analysis.model_copy(update={"sensitivity": {}})
    return protocol.model_copy(update={"analysis": analysis})


@pytest.mark.parametrize("study", ["il2-depression", "minocycline-randomised"])
def test_values_of_records_are_those_of_the_arrays(study):
    protocol = eq.load_protocol(study)
    keys = [key for key, point in protocol.endpoints.items() if point.scale.continuous]
    drawn = [simulate_arrays(protocol, 5, trial=k) for k in range(3)]
    records = [eq.simulate(protocol, 5, trial=k) for k in range(3)]
    ours = values_of_records(protocol, records, keys, "own")
    theirs = values_of_trials(protocol, drawn, keys)
    for name in ("arm", "stratum", "serious"):
        np.testing.assert_array_equal(getattr(ours, name), getattr(theirs, name))
    for name in ("factors", "numbers", "endpoints"):
        mine, other = getattr(ours, name), getattr(theirs, name)
        assert set(mine) == set(other)
        for key, values in mine.items():
            np.testing.assert_array_equal(values, other[key], err_msg=key)
    sizes = np.array([5, 36, 20])
    np.testing.assert_array_equal(serious_in_records(records, sizes), serious_among(drawn, sizes))


def test_the_packages_own_records_give_the_packages_own_numbers(il2):
    arguments = {"scenarios": ("planned", "null"), "workers": 1}
    own = eq.operating_characteristics(il2, 4, 3, patients=as_simulated, **arguments)
    known = eq.operating_characteristics(il2, 4, 3, **arguments)
    for name in ROWS:
        np.testing.assert_array_equal(getattr(own, name), getattr(known, name), err_msg=name)
    assert own.patients == f"own generator ({as_simulated.__module__}.as_simulated)"
    assert np.isnan(own.truth).all()
    assert [claim.key for claim in own.claims] == [claim.key for claim in known.claims]


def test_other_data_give_other_answers(small):
    found = eq.operating_characteristics(
        small, 60, 1, scenarios=("planned", "null"), patients=skewed, workers=1
    )
    key = "estimand:depression_week6:drug"
    assert found.performance("planned", key).mean == pytest.approx(-2.0, abs=0.4)
    assert found.performance("null", key).mean == pytest.approx(0.0, abs=0.4)
    claim = "estimand:depression_week6"
    assert found.tally("planned", claim).made > 5 * max(1, found.tally("null", claim).made)


def test_trials_may_differ_in_size(small):
    both = eq.operating_characteristics(
        small, 4, 2, scenarios="planned", patients=of_two_sizes, workers=1
    )
    for size, mine in ((100, [0, 2]), (60, [1, 3])):
        protocol = change_protocol(small, {"population.size": size}).protocol
        alone = eq.operating_characteristics(protocol, 4, 2, scenarios="planned", workers=1)
        for name in ("estimate", "se", "df"):
            ours, theirs = getattr(both, name)[0][mine], getattr(alone, name)[0][mine]
            np.testing.assert_allclose(ours, theirs, rtol=1e-8, err_msg=name)


def test_company_changes_no_bit(tmp_path):
    """Of trials that differ in size too: each ends, by its looks, with its own size at the most."""
    path = tmp_path / "protocol.toml"
    path.write_text(with_looks(), encoding="utf-8")
    small = eq.load_protocol(path)
    arguments = {"scenarios": "planned", "patients": of_two_sizes, "workers": 1}
    together = eq.operating_characteristics(small, 6, 2, chunk=6, **arguments)
    alone = eq.operating_characteristics(small, 6, 2, chunk=1, **arguments)
    for name in ROWS:
        assert getattr(together, name).tobytes() == getattr(alone, name).tobytes(), name
    place = [one.key for one in alone.quantities].index(ENDS_WITH)
    assert set(alone.estimate[0, 1::2, place]) <= {30.0, 60.0}
    assert {60.0, 100.0} <= set(alone.estimate[0, :, place])


def test_other_processes_and_kept_trials_give_the_same(small, tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "WORTH_PROCESSES", -1.0)
    arguments = {"scenarios": ("planned",), "patients": skewed, "chunk": 3}
    alone = eq.operating_characteristics(small, 12, 4, workers=1, **arguments)
    two = eq.operating_characteristics(small, 12, 4, workers=2, store=tmp_path, **arguments)
    kept = eq.operating_characteristics(small, 12, 4, workers=1, store=tmp_path, **arguments)
    for name in ROWS:
        assert getattr(two, name).tobytes() == getattr(alone, name).tobytes()
        assert getattr(kept, name).tobytes() == getattr(alone, name).tobytes()
    assert kept.patients == alone.patients
    files = len(list(tmp_path.iterdir()))
    other = {**arguments, "patients": as_simulated}
    eq.operating_characteristics(small, 3, 4, workers=1, store=tmp_path, **other)
    assert len(list(tmp_path.iterdir())) == files + 1


def test_maps_searches_and_looks_take_it_too(small):
    grid = {"population.size": [60, 100]}
    found = eq.map_characteristics(
        small, grid, 6, 1, scenarios="planned", patients=skewed, workers=1
    )
    assert found.patients.startswith("own generator")
    looked = compare_looks(small, [0.5], 6, 1, scenarios="planned", patients=skewed, workers=1)
    assert np.isnan(looked.scenarios[0].truth)


def test_without_assumptions_a_generator_is_enough(small):
    bare = small.model_copy(
        update={"assumptions": small.assumptions.model_copy(update={"statistical": None})}
    )
    with pytest.raises(eq.EquipoiseError, match="simulation needs the statistical assumptions"):
        eq.operating_characteristics(bare, 2, 1, scenarios="planned", workers=1)

    def kept(_, seed, *, scenario, trial):
        return skewed(small, seed, scenario=scenario, trial=trial)

    found = eq.operating_characteristics(bare, 2, 1, scenarios="planned", patients=kept, workers=1)
    assert np.isfinite(found.estimate[0, :, 0]).all()


def blinded(protocol, seed, *, scenario, trial):
    return eq.simulate(protocol, seed, scenario=scenario, trial=trial).without_allocation()


def observed(protocol, seed, *, scenario, trial):
    records = eq.simulate(protocol, seed, scenario=scenario, trial=trial)
    manifest = records.manifest.model_copy(update={"origin": "observed"})
    return dataclasses.replace(records, manifest=manifest)


def nothing(protocol, seed, *, scenario, trial):
    return None


def foreign(protocol, seed, *, scenario, trial):
    records = eq.simulate(protocol, seed, scenario=scenario, trial=trial)
    arms = records.allocation.with_columns(arm=pl.col("arm").str.replace("drug", "pill"))
    return dataclasses.replace(records, allocation=arms)


def short(protocol, seed, *, scenario, trial):
    records = eq.simulate(protocol, seed, scenario=scenario, trial=trial)
    return dataclasses.replace(records, allocation=records.allocation.head(9))


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (blinded, "gave records without an allocation"),
        (observed, "whose manifest calls them observed"),
        (nothing, "gave NoneType, not Records"),
        (foreign, "gave the arm `pill`"),
        (short, "gave participants without an arm"),
    ],
)
def test_what_is_no_trial_is_refused(small, function, words):
    with pytest.raises(eq.EquipoiseError, match=words) as caught:
        eq.operating_characteristics(small, 2, 1, scenarios="planned", patients=function, workers=1)
    (fault,) = caught.value.faults
    assert fault.code == "trial-failed"
    assert f"{function.__name__}(protocol, seed, scenario='planned', trial=0)" in fault.remedy


def test_a_function_that_others_cannot_find_is_refused(small):
    with pytest.raises(eq.EquipoiseError, match="at the top of a module") as caught:
        eq.operating_characteristics(small, 0, 1, patients=lambda *_, **__: None, workers=2)
    codes = [fault.code for fault in caught.value.faults]
    assert codes == ["count-invalid", "generator-not-found"]
