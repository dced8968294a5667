"""Maps and named scenarios: each point is what its protocol alone gives, kept, resumed, the same."""

from __future__ import annotations

import dataclasses

import numpy as np
import polars as pl
import pytest

import equipoise as eq
from equipoise.design import runner
from equipoise.design.design_map import map_characteristics
from equipoise.design.sample_size import admissible_sizes, find_size
from equipoise.design.scenarios import named_scenarios
from equipoise.protocol.changes import change_protocol, value_at
from equipoise.protocol.scenario_plan import BUILT_IN
from equipoise.simulation import simulate_arrays

#: Small and quick: one clinical endpoint, statistical patients.
SMALL = "antidepressant-example"


@pytest.fixture(scope="module")
def small():
    return eq.load_protocol(SMALL)


@pytest.fixture(scope="module")
def twin():
    return eq.load_protocol("il2-depression")


def test_a_point_is_what_its_protocol_alone_gives(small):
    sizes = (40, 60)
    found = map_characteristics(small, {"population.size": sizes}, 30, 3, workers=1)
    for size in sizes:
        alone = change_protocol(small, {"population.size": size}).protocol
        chars = eq.operating_characteristics(alone, 30, 3, workers=1)
        for scenario in chars.scenarios:
            point = found.point(scenario, population__size=size)
            assert point.protocol_hash == alone.hash
            assert point.participants == size
            for claim in chars.claims:
                assert point.tally(claim.key) == chars.tally(scenario, claim.key)
            if chars.headline:
                assert point.tally("headline") == chars.joint(scenario)
            for quantity, mine in zip(point.quantities, point.summary.performances, strict=True):
                theirs = dataclasses.asdict(chars.performance(scenario, quantity.key))
                assert dataclasses.asdict(mine) == pytest.approx(theirs, rel=1e-10, nan_ok=True)
            assert point.summary.fits == chars.failed_fits(scenario)
    assert found.table["origin"].unique().to_list() == ["SIMULATED"]
    assert found.table.height == len(found.points) * (len(chars.claims) + bool(chars.headline))


def test_blocks_of_any_length_give_the_same_summary(small, monkeypatch):
    whole = map_characteristics(small, {}, 30, 3, scenarios="planned", workers=1)
    monkeypatch.setattr("equipoise.design.trial_store.BLOCK", 7)
    parts = map_characteristics(small, {}, 30, 3, scenarios="planned", workers=1)
    [one], [two] = whole.points, parts.points
    assert one.summary.tallies == two.summary.tallies
    for a, b in zip(one.summary.performances, two.summary.performances, strict=True):
        assert dataclasses.asdict(a) == pytest.approx(dataclasses.asdict(b), nan_ok=True)


def test_an_interrupted_run_goes_on_and_gives_the_same_bits(small, tmp_path, monkeypatch):
    whole = eq.operating_characteristics(small, 60, 5, scenarios=("planned", "null"), workers=1)

    class GivenUpError(Exception):
        pass

    def stop(done, total):
        if done >= 40:
            raise GivenUpError

    arguments = {
        "scenarios": ("planned", "null"), "workers": 1, "store": tmp_path, "chunk": 20,
    }  # fmt: skip
    with pytest.raises(GivenUpError):
        eq.operating_characteristics(small, 60, 5, progress=stop, **arguments)
    ran = []
    real = runner.ThisProcess.run

    def watched(crew, chunks):
        ran.extend(chunks)
        return real(crew, chunks)

    monkeypatch.setattr(runner.ThisProcess, "run", watched)
    again = eq.operating_characteristics(small, 60, 5, **arguments)
    assert sum(chunk.end - chunk.begin for chunk in ran) == 120 - 40
    # More trials only add, and fewer are the first of them.
    ran.clear()
    more = eq.operating_characteristics(small, 70, 5, **arguments)
    assert sum(chunk.end - chunk.begin for chunk in ran) == 20
    for name in ("hits", "estimate", "se", "df", "fits", "serious"):
        mine = getattr(whole, name)
        np.testing.assert_array_equal(mine, getattr(again, name))
        np.testing.assert_array_equal(mine, getattr(more, name)[:, :60])


def test_another_seed_or_patients_is_another_file(twin, tmp_path):
    for seed, patients in ((1, None), (2, None), (1, "statistical")):
        eq.operating_characteristics(
            twin, 1, seed, scenarios="planned", workers=1, patients=patients, store=tmp_path
        )
    assert len(list(tmp_path.glob("*.trials"))) == 3


def test_effect_on_cells_only_leaves_mood_to_the_control_and_cells_as_planned(twin):
    for patients in ("mechanistic", "statistical"):
        protocol = change_protocol(twin, {"population.size": 4800}).protocol
        trials = {
            name: simulate_arrays(protocol, 5, scenario=name, patients=patients)
            for name in ("planned", "null", "cells-only")
        }
        cells = trials["cells-only"]
        active = cells.arm == cells.plan.arms.index("il2")
        same = np.isfinite(cells.cells["treg", "%CD4"]) & np.isfinite(
            trials["planned"].cells["treg", "%CD4"]
        )
        np.testing.assert_array_equal(
            cells.cells["treg", "%CD4"][same], trials["planned"].cells["treg", "%CD4"][same]
        )

        def effect(trial, active=active):
            score = trial.scores["hdrs"].part("total").astype(float)
            change = score[:, -1] - score[:, 0]
            return np.nanmean(change[active]) - np.nanmean(change[~active])

        assert effect(trials["planned"]) < -2.5
        assert abs(effect(cells)) < 0.7  # 4 standard errors


def test_named_scenarios_change_what_they_say(twin):
    named = named_scenarios(twin)
    weak = change_protocol(twin, named["weaker-assay"].changes).protocol
    for key, cell in twin.assumptions.statistical.cells.items():
        assert weak.assumptions.statistical.cells[key].cv_assay == 2 * cell.cv_assay
    assert weak.assumptions.mechanistic.parameters["cell_cv"] == 0.1
    lost = change_protocol(twin, named["mnar-dropout"].changes).protocol
    assert lost.assumptions.statistical.dropout.slope_unseen == 1.0
    found = map_characteristics(
        twin, {}, 2, 1, scenarios=("planned", "slower-recruitment"), workers=1
    )
    assert [point.participants for point in found.points] == [36, 27]


def test_a_protocols_own_scenario_is_simulated(small, tmp_path):
    own = {
        "assumptions": {
            **small.model_dump()["assumptions"],
            "scenarios": {
                "half": {
                    "label": "Half the people",
                    "meaning": "Half of them come.",
                    "enrolled": 0.5,
                    "changes": {"assumptions.statistical.missed_dose": 0.5},
                }
            },
        }
    }
    protocol = eq.Protocol.model_validate({**small.model_dump(), **own})
    assert protocol.hash != small.hash
    found = map_characteristics(protocol, {}, 2, 1, scenarios=("planned", "half"), workers=1)
    half = found.point("half")
    assert half.participants == round(0.5 * small.population.size)
    assert (half.scenario_label, half.meaning) == ("Half the people", "Half of them come.")


def test_a_scenario_of_ones_own_has_a_name_of_its_own(small):
    data = small.model_dump()
    data["assumptions"]["scenarios"] = {"null": {"label": "x", "meaning": "x"}}
    with pytest.raises(ValueError, match="another name than the built-in ones"):
        eq.Protocol.model_validate(data)
    assert set(BUILT_IN) == set(named_scenarios(small))


def test_a_search_finds_the_size_and_keeps_its_trials(small, tmp_path):
    found = find_size(
        small, power=0.8, between=range(20, 401, 20), workers=1, store=tmp_path, seed=2
    )
    answer = found.found
    assert found.claim == next(iter(found.points)).claims[0].key
    assert answer.size is not None
    assert answer.lower <= answer.size
    # Its power is what a run of that size alone shows.
    alone = change_protocol(small, {"population.size": int(answer.size)}).protocol
    n = next(one.trials for one in answer.tried if one.size == answer.size)
    chars = eq.operating_characteristics(alone, n, 2, scenarios="planned", workers=1)
    seen = chars.tally("planned", found.claim)
    assert found.points[-1].tally(found.claim) == seen
    assert seen.upper > 0.8
    again = find_size(
        small, power=0.8, between=range(20, 401, 20), workers=1, store=tmp_path, seed=2
    )
    assert again.found.tried == answer.tried


def test_sizes_fill_blocks_in_every_stratum(twin):
    sizes = admissible_sizes(twin)
    assert sizes[:3] == [12, 24, 36]
    assert sizes[-1] == 360
    for size in sizes[:5]:
        changed = change_protocol(twin, {"population.size": size}).protocol
        assert not changed.randomisation.incomplete_blocks
        strata = value_at(changed, "randomisation.stratum_sizes")
        assert len(set(strata.values())) == 1


def test_tables_are_tidy(small):
    found = map_characteristics(small, {"population.size": (40, 60)}, 5, 1, workers=1)
    for frame in (found.table, found.estimates, found.harms):
        assert isinstance(frame, pl.DataFrame)
        assert frame["population.size"].to_list()[0] == 40
        assert set(frame["origin"]) == {"SIMULATED"}


def test_all_faults_of_a_map_come_at_once(small):
    with pytest.raises(eq.EquipoiseError) as caught:
        map_characteristics(small, {"population.siz": (1,), "arms.x.ratio": (1, 2)}, 5)
    assert len(caught.value.faults) == 2
    with pytest.raises(eq.EquipoiseError, match="at least one value"):
        map_characteristics(small, {"population.size": ()}, 5)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"power": 1.0}, "power-invalid"),
        ({"power": 0.0}, "power-invalid"),
        ({"field": "population.description"}, "field-not-numeric"),
        ({"field": "population.siz"}, "changed-field-unknown"),
        ({"field": "analysis.alpha"}, "search-range-missing"),
        ({"between": (40, 20, 60)}, "search-range-invalid"),
        ({"most_trials": 10}, "count-invalid"),
        ({"claim": "estimand:nothing"}, "claim-unknown"),
        ({"scenario": "nul"}, "scenario-unknown"),
    ],
)
def test_a_search_refuses_what_it_cannot_do(small, arguments, code):
    with pytest.raises(eq.EquipoiseError) as caught:
        find_size(small, workers=1, **arguments)
    assert code in [fault.code for fault in caught.value.faults]
