"""Simulated trials whose size is estimated again end as `reestimate` of their records says."""

from __future__ import annotations

import numpy as np
import pytest
from tests.analysis.test_reestimation import with_plan

import equipoise as eq
from equipoise.design import compare_looks, compare_randomisation
from equipoise.design.chunks import prepare, run_chunk
from equipoise.design.design_map import map_characteristics
from equipoise.design.reestimated_trials import at_most
from equipoise.design.sequential_trials import ENDS_WITH, records_of_first
from equipoise.design.settings import make_settings
from equipoise.report.design_words import ends_text, sample_size_text
from equipoise.simulation import records_of, simulate_arrays


@pytest.fixture(scope="module")
def planned(tmp_path_factory):
    path = tmp_path_factory.mktemp("again") / "protocol.toml"
    text = with_plan("il2-depression", "depression_week8", "-7.0", 90)
    path.write_text(text, encoding="utf-8")
    return eq.load_protocol(path)


@pytest.mark.parametrize(("patients", "effect"), [("statistical", "-7.0"), ("mechanistic", "-4.0")])
def test_each_ends_as_its_records_say(tmp_path, patients, effect):
    path = tmp_path / "protocol.toml"
    text = with_plan("il2-depression", "depression_week8", effect, 90)
    path.write_text(text, encoding="utf-8")
    planned = eq.load_protocol(path)
    work = prepare(planned, 6, patients)
    rows = run_chunk(work, 0, 6)
    keys = [made.quantity.key for made in work.quantities]
    ends = rows.estimate[:, keys.index(ENDS_WITH)]
    assert len(set(ends)) > 1
    largest = at_most(planned)
    assert largest.population.size == 90
    for trial, end in enumerate(ends):
        records = records_of(simulate_arrays(largest, 6, trial=trial, patients=patients))
        found = eq.reestimate(planned, records)
        assert end == found.recommended
        if trial == 0 and patients == "statistical":
            own = eq.analyse(largest, records_of_first(records, int(end)))
            (contrast,) = own.estimands["depression_week8"].contrasts
            place = keys.index("estimand:depression_week8:il2")
            assert rows.estimate[trial, place] == pytest.approx(contrast.estimate, rel=1e-7)
            assert rows.se[trial, place] == pytest.approx(contrast.se, rel=1e-6)


def test_a_protocol_without_the_plan_is_as_before(il2):
    assert at_most(il2) is il2
    assert prepare(il2, 1).size is None


def test_slower_recruitment_leaves_fewer_at_the_most(planned):
    (one,) = make_settings(planned, ["slower-recruitment"])
    assert one.protocol.population.size == 27
    assert one.protocol.analysis.reestimation.maximum == 68


def test_the_sheet_says_how_many(planned):
    found = map_characteristics(planned, {}, 10, 1, scenarios="planned", patients="statistical")
    (point,) = found.points
    assert point.participants == 36
    assert "36 participants are planned; a trial ends with" in ends_text(point)
    assert any("estimated again" in text for text in sample_size_text(found, None))
    place = [q.key for q in point.quantities].index(ENDS_WITH)
    assert 36 <= point.summary.performances[place].mean <= 90


def test_too_few_outcomes_keep_the_planned_size(planned):
    import dataclasses

    from equipoise.design.reestimated_trials import end_at_size
    from equipoise.design.trial_values import values_of_trials

    work = prepare(planned, 6, "statistical")
    drawn = [simulate_arrays(at_most(planned), 6, trial=k, patients="statistical") for k in (0, 1)]
    values = values_of_trials(planned, drawn, work.plan.endpoints)
    hdrs = values.endpoints["hdrs_change"].copy()
    hdrs[0, 3:, 1:] = np.nan
    lacking = dataclasses.replace(values, endpoints={**values.endpoints, "hdrs_change": hdrs})
    ends = end_at_size(work.plan, work.size, lacking).participants
    assert ends[0] == 36
    assert ends[1] == end_at_size(work.plan, work.size, values).participants[1]


def test_looks_and_methods_are_compared_at_the_planned_size(planned):
    looked = compare_looks(
        planned, [0.5], 4, 1, estimand="depression_week8", scenarios="planned",
        patients="statistical", workers=1,
    )  # fmt: skip
    assert [look.participants for look in looked.scenarios[0].looks] == [18, 36]
    methods = compare_randomisation(
        planned, 3, 1, methods=["urn"], draws=19, scenarios="planned", patients="statistical",
        workers=1,
    )  # fmt: skip
    bare = planned.model_copy(
        update={"analysis": planned.analysis.model_copy(update={"reestimation": None})}
    )
    again = compare_randomisation(
        bare, 3, 1, methods=["urn"], draws=19, scenarios="planned", patients="statistical",
        workers=1,
    )  # fmt: skip
    assert methods.methods == again.methods
    with pytest.raises(TypeError, match="with virtual patients"):
        compare_randomisation(planned, 3, 1, patients=lambda *_, **__: None)
